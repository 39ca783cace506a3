"""Media over HTTP: tokens, WHIP in (RFC 9725), WHEP out (draft-ietf-wish-whep), what is live.

A conversation is begun and ended in the manner of WHIP, too, at `talk`: the offer's first section
is one's own voice, each further one is a stream of the others'.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Protocol

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict

from hub.media.backend import Answer, CameraView, SourceId
from hub.media.client import MediaClient
from hub.media.errors import TokenError
from hub.media.lasting import Lasting
from hub.media.problems import CORS, ProblemRoute, StatusError
from hub.media.sdp import MOST_BYTES, Role, address_of_host
from hub.media.settings import IceServer, MediaSettings
from hub.media.tokens import Claims, MediaTokens
from protocols.errors import AccessError, RemoteProtocolError
from protocols.ids import ID_PATTERN, CameraId, TopicSafe, UnitId

PREFIX: Final = "/api/v1/media"
SDP: Final = "application/sdp"
FRAGMENT: Final = "application/trickle-ice-sdpfrag"

_Id = Annotated[str, Path(pattern=ID_PATTERN)]
_Session = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
_End = Literal["whip", "whep", "talk"]
_ROLES: Final = {"whip": Role.PUBLISH, "whep": Role.PLAY, "talk": Role.TALK}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request goes: an end (WHIP, WHEP or a conversation's) of one source."""

    end: str
    source: SourceId
    session: str = ""

    @property
    def role(self) -> Role:
        """What is done there."""
        return _ROLES[self.end]

    @property
    def path(self) -> str:
        """The endpoint's own path."""
        return f"{PREFIX}/{self.end}/{self.source.unit}/{self.source.camera}"


def place_of(end: _End, unit: _Id, camera: _Id) -> Place:
    """Return the place that a path names."""
    return Place(end, SourceId(UnitId(unit), CameraId(camera)))


def place_of_session(end: _End, unit: _Id, camera: _Id, session: _Session) -> Place:
    """Return the session that a path names."""
    return Place(end, SourceId(UnitId(unit), CameraId(camera)), session)


class MediaPrincipal(Protocol):
    """Somebody who is signed in: a person's account, or a unit by its credential."""

    @property
    def subject(self) -> str:
        """Who it is, stable, for tokens and the audit."""
        ...

    @property
    def grant(self) -> str:
        """What the right rests on: one session of a person, one credential of a unit."""
        ...

    def may_publish(self, unit: UnitId) -> bool:
        """Say whether media of `unit` may be sent in: the unit itself."""
        ...

    def may_play(self, unit: UnitId) -> bool:
        """Say whether media of `unit` may be seen and heard."""
        ...


Authorise = Callable[[Request], Awaitable[MediaPrincipal | None]]
"""Who asks, by session cookie or HTTP Basic; None if nobody who is known."""

Looked = Callable[[Claims], Awaitable[None]]
"""Told of each session that begins, for the audit: every look at a patient is logged."""


Talking = Callable[[Request, MediaPrincipal, SourceId], Awaitable[SourceId]]
"""Whether somebody may talk in an encounter (the `camera` of the source), and its one name.

Raises:
    AccessError: they may not.
    ConflictError: they are not in the room, or it is closed.
    NotFoundError: there is no such encounter of the unit.
"""


class TokenWanted(BaseModel):
    """What a token is to open; for `talk`, `camera` is the encounter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: TopicSafe
    camera: TopicSafe
    action: Literal["publish", "play", "talk"]


class TokenGiven(BaseModel):
    """A bearer token for one `camera`, or encounter; it opens a session until `expires_utc_us`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: str
    camera: str
    expires_utc_us: int


def media_router(  # noqa: PLR0913 -- the parts it joins
    *,
    client: MediaClient,
    tokens: MediaTokens,
    settings: MediaSettings,
    authorise: Authorise,
    looked: Looked,
    lasting: Lasting,
    talking: Talking,
) -> APIRouter:
    """Return the routes under `/api/v1/media`.

    Raises:
        ConfigError: the TURN password file of `settings` cannot be read.
    """
    router = APIRouter(prefix=PREFIX, route_class=ProblemRoute, tags=["media"])
    _add_rights(router, client, tokens, authorise, talking)
    _add_begin(router, client, tokens, settings, looked, lasting)
    _add_session(router, client, tokens, lasting)
    return router


def _add_rights(
    router: APIRouter,
    client: MediaClient,
    tokens: MediaTokens,
    authorise: Authorise,
    talking: Talking,
) -> None:
    @router.post("/tokens", summary="Get a token that opens one camera")
    async def give_token(request: Request, wanted: TokenWanted) -> TokenGiven:
        principal = await _known(request, authorise)
        unit = UnitId(wanted.unit)
        source = SourceId(unit, CameraId(wanted.camera))
        if wanted.action == "talk":
            source = await talking(request, principal, source)
        else:
            is_publish = wanted.action == "publish"
            allowed = principal.may_publish(unit) if is_publish else principal.may_play(unit)
            if not allowed:
                raise AccessError(action=f"media.{wanted.action}", unit=unit)
        granted = tokens.grant(
            subject=principal.subject,
            source=source,
            action=Role(wanted.action),
            on=principal.grant,
        )
        return TokenGiven(
            token=granted.token, camera=source.camera, expires_utc_us=granted.expires_utc_us
        )

    @router.get("/units/{unit}/cameras", summary="See which cameras of a unit are live")
    async def list_cameras(request: Request, unit: _Id) -> list[CameraView]:
        principal = await _known(request, authorise)
        if not (principal.may_play(UnitId(unit)) or principal.may_publish(UnitId(unit))):
            raise AccessError(action="media.play", unit=unit)
        return await client.cameras(UnitId(unit))


def _add_begin(  # noqa: PLR0913, PLR0917 -- the parts it joins
    router: APIRouter,
    client: MediaClient,
    tokens: MediaTokens,
    settings: MediaSettings,
    looked: Looked,
    lasting: Lasting,
) -> None:
    ice_links = _ice_links(settings.ice_servers())

    @router.post(
        "/{end}/{unit}/{camera}",
        status_code=201,
        response_class=Response,
        summary="Begin a session: WHIP publishes, WHEP plays, talk does both",
        openapi_extra={
            "requestBody": {"required": True, "content": {SDP: {"schema": {"type": "string"}}}}
        },
    )
    async def begin(request: Request, place: Annotated[Place, Depends(place_of)]) -> Response:
        claims = _opened(request, tokens, place)
        offer = await _text(request, SDP)
        addresses = _addresses(request, settings)
        if place.role is Role.TALK:
            answer = await client.talk(place.source, claims.sub, offer, addresses)
        else:
            answer = await client.begin(place.role, place.source, offer, addresses)
        lasting.begun(answer.session, place.source, claims.grant)
        await looked(claims)
        return _created(answer, f"{place.path}/{answer.session}", ice_links)

    @router.options("/{end}/{unit}/{camera}", status_code=204, summary="CORS and what is accepted")
    async def options(_place: Annotated[Place, Depends(place_of)]) -> Response:
        return _preflight("OPTIONS, POST", {"Accept-Post": SDP})


def _add_session(
    router: APIRouter, client: MediaClient, tokens: MediaTokens, lasting: Lasting
) -> None:
    @router.patch(
        "/{end}/{unit}/{camera}/{session}",
        status_code=204,
        summary="Add ICE candidates (trickle); an ICE restart is refused with 422",
        openapi_extra={"requestBody": {"content": {FRAGMENT: {"schema": {"type": "string"}}}}},
    )
    async def trickle(
        request: Request, place: Annotated[Place, Depends(place_of_session)]
    ) -> Response:
        _opened(request, tokens, place, expired_too=True)
        if_match = request.headers.get("if-match")
        if if_match is None:
            raise StatusError(status=428, reason="If-Match is required")
        fragment = await _text(request, FRAGMENT)
        await client.trickle(place.session, place.source, fragment, if_match)
        return Response(status_code=204, headers=CORS)

    @router.delete("/{end}/{unit}/{camera}/{session}", status_code=200, summary="End a session")
    async def finish(
        request: Request, place: Annotated[Place, Depends(place_of_session)]
    ) -> Response:
        _opened(request, tokens, place, expired_too=True)
        await client.end(place.session, place.source)
        lasting.ended(place.session)
        return Response(status_code=200, headers=CORS)

    @router.options("/{end}/{unit}/{camera}/{session}", status_code=204, summary="CORS")
    async def session_options(_place: Annotated[Place, Depends(place_of_session)]) -> Response:
        return _preflight("OPTIONS, PATCH, DELETE", {"Accept-Patch": FRAGMENT})


async def _known(request: Request, authorise: Authorise) -> MediaPrincipal:
    principal = await authorise(request)
    if principal is None:
        raise StatusError(status=401, reason="not signed in")
    return principal


def _opened(
    request: Request, tokens: MediaTokens, place: Place, *, expired_too: bool = False
) -> Claims:
    """Return the claims of the request's bearer token, which must open `place`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenError(reason="missing")
    claims = tokens.check(token.strip(), expired_too=expired_too)
    source = place.source
    if claims.source != source or claims.act != place.role:
        raise AccessError(action=f"media.{place.role}", unit=source.unit, camera=source.camera)
    return claims


async def _text(request: Request, media_type: str) -> str:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != media_type:
        raise StatusError(status=415, reason=f"send {media_type}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise StatusError(status=413, reason="too large", most_bytes=MOST_BYTES)
    try:
        return body.decode()
    except UnicodeDecodeError as err:
        raise RemoteProtocolError(reason="malformed-sdp", detail="not UTF-8") from err


def _addresses(request: Request, settings: MediaSettings) -> tuple[str, ...]:
    """Return the addresses to tell this client: the one by which it reached the hub, if it is one.

    A vehicle reaches the hub through its modem, a laptop through a NAT's outside address: media
    then takes the same way. Only the requester's own answer follows its Host header.
    """
    address = address_of_host(request.headers.get("host"))
    return (address,) if address else settings.advertise


def _created(answer: Answer, location: str, ice_links: str | None) -> Response:
    headers = {**CORS, "Location": location, "ETag": answer.etag, "Accept-Patch": FRAGMENT}
    if ice_links:
        headers["Link"] = ice_links
    return Response(answer.sdp, status_code=201, media_type=SDP, headers=headers)


def _ice_links(servers: Sequence[IceServer]) -> str | None:
    """Return the Link header that names the ICE servers. Source: RFC 9725 §4.6."""
    links = []
    for server in servers:
        link = f'<{server.url}>; rel="ice-server"'
        if server.username and server.credential:
            link += (
                f'; username="{server.username}"; credential="{server.credential}"'
                '; credential-type="password"'
            )
        links.append(link)
    return ", ".join(links) or None


def _preflight(methods: str, accepts: dict[str, str]) -> Response:
    return Response(
        status_code=204,
        headers={
            **CORS,
            **accepts,
            "Allow": methods,
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
            "Access-Control-Max-Age": "600",
        },
    )
