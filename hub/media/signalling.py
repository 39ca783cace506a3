"""The media process's own HTTP: loopback only, opened by a token that the hub made."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.media.backend import Forwarder, SourceId
from hub.media.errors import StaleSessionError
from hub.media.failures import failure_of, status_of
from hub.media.sdp import MOST_BYTES
from hub.media.wire import OfferRequest, PatchRequest, TalkRequest
from protocols.errors import FleetError, RemoteProtocolError
from protocols.ids import CameraId, UnitId

_MOST_BODY_BYTES: Final = 2 * MOST_BYTES  # JSON escapes line ends
M = TypeVar("M", bound=BaseModel)
Handler = Callable[[Request], Awaitable[Response]]


class Signalling:
    """The endpoints, over one forwarder."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder

    async def publish(self, request: Request) -> Response:
        """Begin a publisher's session."""
        offer = await _body(request, OfferRequest)
        answer = await self._forwarder.publish(_source(request), offer.sdp, offer.addresses)
        return JSONResponse(answer.model_dump(), status_code=201)

    async def play(self, request: Request) -> Response:
        """Begin a viewer's session."""
        offer = await _body(request, OfferRequest)
        answer = await self._forwarder.play(_source(request), offer.sdp, offer.addresses)
        return JSONResponse(answer.model_dump(), status_code=201)

    async def talk(self, request: Request) -> Response:
        """Begin the session of one who talks."""
        offer = await _body(request, TalkRequest)
        answer = await self._forwarder.talk(
            _source(request), offer.subject, offer.sdp, offer.addresses
        )
        return JSONResponse(answer.model_dump(), status_code=201)

    async def talks(self, request: Request) -> Response:
        """Give the conversations, once they are others than in a version."""
        since = request.query_params.get("since", "")
        found = await self._forwarder.talks(int(since) if since.isdecimal() else -1)
        return JSONResponse(found.model_dump())

    async def patch(self, request: Request) -> Response:
        """Take candidates for a session."""
        wanted = await _body(request, PatchRequest)
        session, source = request.path_params["session"], _source(request)
        if wanted.if_match not in ("*", self._forwarder.etag(session, source)):
            raise StaleSessionError(reason="not the current ICE session")
        await self._forwarder.trickle(session, source, wanted.fragment)
        return Response(status_code=204)

    async def end(self, request: Request) -> Response:
        """End a session."""
        await self._forwarder.end(request.path_params["session"], _source(request))
        return Response(status_code=204)

    async def cameras(self, request: Request) -> Response:
        """List a unit's cameras."""
        views = self._forwarder.cameras(UnitId(request.path_params["unit"]))
        return JSONResponse([view.model_dump() for view in views])

    async def counts(self, _request: Request) -> Response:
        """Give the totals."""
        return JSONResponse(self._forwarder.counts().model_dump())


def signalling_app(forwarder: Forwarder, token: str) -> Starlette:
    """Return the application; every request needs `Authorization: Bearer <token>`."""
    expected = f"Bearer {token}".encode()
    endpoints = Signalling(forwarder)

    def guarded(handle: Handler) -> Handler:
        async def endpoint(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode()
            if not secrets.compare_digest(given, expected):
                return Response(status_code=401)
            try:
                return await handle(request)
            except FleetError as err:
                return JSONResponse(failure_of(err).model_dump(), status_code=status_of(err))

        return endpoint

    session_path = "/sessions/{unit}/{camera}/{session}"
    return Starlette(
        routes=[
            Route("/publish/{unit}/{camera}", guarded(endpoints.publish), methods=["POST"]),
            Route("/play/{unit}/{camera}", guarded(endpoints.play), methods=["POST"]),
            Route("/talk/{unit}/{camera}", guarded(endpoints.talk), methods=["POST"]),
            Route("/talks", guarded(endpoints.talks)),
            Route(session_path, guarded(endpoints.patch), methods=["PATCH"]),
            Route(session_path, guarded(endpoints.end), methods=["DELETE"]),
            Route("/units/{unit}/cameras", guarded(endpoints.cameras)),
            Route("/counts", guarded(endpoints.counts)),
        ]
    )


def _source(request: Request) -> SourceId:
    return SourceId(UnitId(request.path_params["unit"]), CameraId(request.path_params["camera"]))


async def _body(request: Request, model: type[M]) -> M:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BODY_BYTES:
            raise RemoteProtocolError(reason="too-large")
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError as err:
        raise RemoteProtocolError(reason="bad-body") from err
