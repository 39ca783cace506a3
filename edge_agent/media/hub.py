"""The hub's media endpoints as the vehicle uses them: a token, then WHIP (RFC 9725).

A conversation is begun in the same manner; who is in it is asked for beside.
"""

import base64
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

import httpx2
from pydantic import BaseModel, ConfigDict, ValidationError

from protocols.errors import BrokenError, LinkDownError
from protocols.ids import CameraId, UnitId
from protocols.live.room import VoicesChanged

_TIMEOUT_S: Final = 5.0
_HELD_S: Final = 20.0
"""An answer that the hub holds until something changes."""

_API: Final = "/api/v1/media"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubAccess:
    """How the unit reaches and proves itself to the hub."""

    http_url: str
    unit: UnitId
    password: str
    tls: ssl.SSLContext | None = None  # verifies the hub; None on plain HTTP


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
    """Asks for tokens and sessions. One connection, reused."""

    def __init__(self, access: HubAccess) -> None:
        self._access = access
        self._http = httpx2.AsyncClient(
            base_url=access.http_url,
            verify=access.tls if access.tls is not None else True,
            timeout=_TIMEOUT_S,
            trust_env=False,
        )

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
        request = self._http.build_request(
            "GET",
            f"/api/v1/encounters/{encounter_id}/voices",
            params={"since": since, "crew_bps": crew_bps},
            headers={"Authorization": self._basic()},
            timeout=_HELD_S,
        )
        response = await self._send(request)
        try:
            return VoicesChanged.model_validate_json(response.content)
        except ValidationError as err:
            raise BrokenError(reason="no voices in the answer") from err

    async def _begin(self, end: str, action: str, camera: CameraId, offer: str) -> Published:
        unit = self._access.unit
        token, camera = await self._token(camera, action)
        request = self._http.build_request(
            "POST",
            f"{_API}/{end}/{unit}/{camera}",
            content=offer,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"},
        )
        response = await self._send(request)
        location = response.headers.get("location")
        if response.status_code != httpx2.codes.CREATED or not location:
            raise BrokenError(reason="no session in the answer", status=response.status_code)
        return Published(response.text, urljoin(str(response.url), location), token)

    async def end(self, session: Published) -> None:
        """End `session`, if the hub can still be told."""
        headers = {"Authorization": f"Bearer {session.token}"}
        await self._send(self._http.build_request("DELETE", session.location, headers=headers))

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def _token(self, camera: CameraId, action: str) -> tuple[str, CameraId]:
        """Return a token, and what it opens: the hub may know it by another name."""
        request = self._http.build_request(
            "POST",
            f"{_API}/tokens",
            json={"unit": self._access.unit, "camera": camera, "action": action},
            headers={"Authorization": self._basic()},
        )
        response = await self._send(request)
        try:
            given = _Token.model_validate_json(response.content)
        except ValidationError as err:
            raise BrokenError(reason="no token in the answer") from err
        return given.token, CameraId(given.camera or camera)

    def _basic(self) -> str:
        access = self._access
        return "Basic " + base64.b64encode(f"{access.unit}:{access.password}".encode()).decode()

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await self._http.send(request)
        except httpx2.HTTPError as err:
            raise LinkDownError(reason=type(err).__name__) from err
        if response.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise LinkDownError(reason="hub cannot serve", status=response.status_code)
        if not response.is_success:
            raise BrokenError(reason="hub refuses", status=response.status_code)
        return response
