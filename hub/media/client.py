"""The hub's way into its media process."""

from collections.abc import Mapping
from typing import Final, TypeVar

import httpx2
from pydantic import BaseModel, TypeAdapter, ValidationError

from hub.media.backend import Answer, CameraView, MediaCounts, SourceId, TalksView
from hub.media.errors import MediaDownError
from hub.media.failures import error_of
from hub.media.sdp import Role
from hub.media.wire import Failure, OfferRequest, PatchRequest, TalkRequest
from protocols.ids import UnitId

_TIMEOUT_S: Final = 10.0
_CAMERAS: Final = TypeAdapter(list[CameraView])
M = TypeVar("M", bound=BaseModel)


class MediaClient:
    """Speaks to the media process where it is now; `at` is told by whoever starts it."""

    def __init__(self, *, token: str) -> None:
        self._http = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT_S, trust_env=False
        )
        self._base: str | None = None

    def at(self, port: int | None) -> None:
        """The process listens on loopback at `port`; None: it is gone."""
        self._base = None if port is None else f"http://127.0.0.1:{port}"

    async def begin(
        self, role: Role, source: SourceId, sdp: str, addresses: tuple[str, ...]
    ) -> Answer:
        """Begin a session; errors are those of `Forwarder.publish` and `Forwarder.play`.

        Raises:
            MediaDownError: the process does not answer.
        """
        body = OfferRequest(sdp=sdp, addresses=addresses)
        path = f"/{role}/{source.unit}/{source.camera}"
        return Answer.model_validate_json(await self._ask("POST", path, body))

    async def talk(
        self, source: SourceId, subject: str, sdp: str, addresses: tuple[str, ...]
    ) -> Answer:
        """Begin the session of one who talks; errors are those of `Forwarder.talk`.

        Raises:
            MediaDownError: the process does not answer.
        """
        body = TalkRequest(sdp=sdp, addresses=addresses, subject=subject)
        path = f"/talk/{source.unit}/{source.camera}"
        return Answer.model_validate_json(await self._ask("POST", path, body))

    async def talks(self, since: int) -> TalksView:
        """Return the conversations, once they are others than in version `since` or after 8 s.

        Raises:
            MediaDownError: the process does not answer.
        """
        return TalksView.model_validate_json(await self._ask("GET", f"/talks?since={since}"))

    async def trickle(self, session: str, source: SourceId, fragment: str, if_match: str) -> None:
        """Pass a fragment on; errors are those of `Forwarder.trickle`.

        Raises:
            StaleSessionError: `if_match` is not the session's entity-tag.
            MediaDownError: the process does not answer.
        """
        body = PatchRequest(fragment=fragment, if_match=if_match)
        await self._ask("PATCH", _session_path(session, source), body)

    async def end(self, session: str, source: SourceId) -> None:
        """End a session; errors are those of `Forwarder.end`.

        Raises:
            MediaDownError: the process does not answer.
        """
        await self._ask("DELETE", _session_path(session, source))

    async def cameras(self, unit: UnitId) -> list[CameraView]:
        """Return the cameras of `unit`.

        Raises:
            MediaDownError: the process does not answer.
        """
        return _CAMERAS.validate_json(await self._ask("GET", f"/units/{unit}/cameras"))

    async def counts(self) -> MediaCounts:
        """Return the totals.

        Raises:
            MediaDownError: the process does not answer.
        """
        return MediaCounts.model_validate_json(await self._ask("GET", "/counts"))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _ask(self, method: str, path: str, body: BaseModel | None = None) -> bytes:
        if self._base is None:
            raise MediaDownError(reason="not running")
        headers: Mapping[str, str] = {"Content-Type": "application/json"} if body else {}
        try:
            response = await self._http.request(
                method,
                f"{self._base}{path}",
                content=body.model_dump_json() if body else None,
                headers=headers,
            )
        except httpx2.HTTPError as err:
            raise MediaDownError(reason=type(err).__name__) from err
        if response.is_success:
            return response.content
        try:
            failure = Failure.model_validate_json(response.content)
        except ValidationError as err:
            raise MediaDownError(reason=f"answered {response.status_code}") from err
        raise error_of(failure)


def _session_path(session: str, source: SourceId) -> str:
    return f"/sessions/{source.unit}/{source.camera}/{session}"
