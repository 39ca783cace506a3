"""The hub's media endpoints as the vehicle uses them: a token, then WHIP (RFC 9725).

A conversation is begun in the same manner; who is in it is asked for beside.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

import httpx2
from pydantic import BaseModel, ConfigDict, ValidationError

from edge_agent.hub_http import HubAccess, HubHttp
from protocols.errors import BrokenError
from protocols.ids import CameraId
from protocols.live.room import VoicesChanged

_TIMEOUT_S: Final = 5.0
_HELD_S: Final = 20.0
"""An answer that the hub holds until something changes."""

_API: Final = "/api/v1/media"


class _Token(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    token: str
    camera: str | None = None  # a hub of before says none


@dataclass(frozen=True, slots=True)
class Published:
    """A WHIP session: the answer, and where to end it."""

    answer: str
    location: str
    token: str


class HubMedia:
    """Asks for tokens and sessions."""

    def __init__(self, access: HubAccess) -> None:
        self._access = access
        self._http = HubHttp(access, timeout_s=_TIMEOUT_S)

    @property
    def http_url(self) -> str:
        """Where the hub is reached."""
        return self._access.http_url

    async def publish(self, camera: CameraId, offer: str) -> Published:
        """Return the session that the hub made of `offer`.

        Raises:
            LinkDownError: the hub does not answer, or cannot serve now.
            BrokenError: it refuses; `status` says how.
        """
        return await self._begin("whip", "publish", camera, offer)

    async def talk(self, encounter_id: str, offer: str) -> Published:
        """Return the session in the conversation of an encounter; as `publish`."""
        return await self._begin("talk", "talk", CameraId(encounter_id), offer)

    async def voices(self, encounter_id: str, *, since: int, crew_bps: int) -> VoicesChanged:
        """Return who is in the conversation, once it is another than in version `since`.

        `crew_bps`: what the link carries of one voice, for everybody there to know.

        Raises:
            LinkDownError: the hub does not answer, or cannot serve now.
            BrokenError: it refuses, or says something else.
        """
        response = await self._http.ask(
            "GET",
            f"/api/v1/encounters/{encounter_id}/voices",
            params={"since": since, "crew_bps": crew_bps},
            timeout=_HELD_S,
        )
        try:
            return VoicesChanged.model_validate_json(response.content)
        except ValidationError as err:
            raise BrokenError(reason="no voices in the answer") from err

    async def _begin(self, end: str, action: str, camera: CameraId, offer: str) -> Published:
        unit = self._access.unit
        token, camera = await self._token(camera, action)
        response = await self._http.ask(
            "POST",
            f"{_API}/{end}/{unit}/{camera}",
            content=offer,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"},
        )
        location = response.headers.get("location")
        if response.status_code != httpx2.codes.CREATED or not location:
            raise BrokenError(reason="no session in the answer", status=response.status_code)
        return Published(response.text, urljoin(str(response.url), location), token)

    async def end(self, session: Published) -> None:
        """End `session`, if the hub can still be told."""
        headers = {"Authorization": f"Bearer {session.token}"}
        await self._http.ask("DELETE", session.location, headers=headers)

    async def close(self) -> None:
        """Close the connection."""
        await self._http.close()

    async def _token(self, camera: CameraId, action: str) -> tuple[str, CameraId]:
        """Return a token, and what it opens: the hub may know it by another name."""
        response = await self._http.ask(
            "POST",
            f"{_API}/tokens",
            json={"unit": self._access.unit, "camera": camera, "action": action},
        )
        try:
            given = _Token.model_validate_json(response.content)
        except ValidationError as err:
            raise BrokenError(reason="no token in the answer") from err
        return given.token, CameraId(given.camera or camera)
