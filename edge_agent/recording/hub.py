"""The hub's endpoints for recordings: a segment is announced, then its pieces are put."""

import base64
from typing import Final

import httpx2
from pydantic import BaseModel, ConfigDict, ValidationError

from edge_agent.media.hub import HubAccess
from edge_agent.recording.shelf import Segment
from protocols.errors import BrokenError, LinkDownError

_TIMEOUT_S: Final = 15.0


class _Standing(BaseModel):
    """How far a segment has come."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    offset: int
    complete: bool


class HubRecordings:
    """Asks with the unit's credential. One connection, reused."""

    def __init__(self, access: HubAccess) -> None:
        basic = base64.b64encode(f"{access.unit}:{access.password}".encode()).decode()
        self._path = f"/api/v1/units/{access.unit}/recordings"
        self._http = httpx2.AsyncClient(
            base_url=access.http_url,
            verify=access.tls if access.tls is not None else True,
            headers={"Authorization": f"Basic {basic}"},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )

    async def announce(self, segment: Segment) -> tuple[int, bool]:
        """Return how many bytes of `segment` the hub has, and whether it needs no more.

        Raises:
            LinkDownError: the hub does not answer, or cannot serve now.
            BrokenError: it refuses; `status` says how.
        """
        return await self._ask(
            "POST",
            self._path,
            json={
                "segment": segment.segment,
                "camera": segment.camera,
                "encounter_id": segment.encounter_id,
                "first_utc_us": segment.first_utc_us,
                "last_utc_us": segment.last_utc_us,
                "size_bytes": segment.size_bytes,
                "sha256": segment.sha256,
            },
        )

    async def put(self, segment: Segment, offset: int, piece: bytes) -> tuple[int, bool]:
        """Send `piece`, which begins at `offset`; return and raise as `announce`."""
        return await self._ask(
            "PUT", f"{self._path}/{segment.segment}", params={"offset": offset}, content=piece
        )

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        json: dict[str, object] | None = None,
        params: dict[str, int] | None = None,
        content: bytes | None = None,
    ) -> tuple[int, bool]:
        try:
            answer = await self._http.request(
                method, path, json=json, params=params, content=content
            )
        except httpx2.HTTPError as err:
            raise LinkDownError(reason=type(err).__name__) from err
        if answer.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise LinkDownError(reason="hub cannot serve", status=answer.status_code)
        if not answer.is_success:
            raise BrokenError(reason="hub refuses", status=answer.status_code)
        try:
            standing = _Standing.model_validate_json(answer.content)
        except ValidationError as err:
            raise BrokenError(reason="no offset in the answer", status=answer.status_code) from err
        return standing.offset, standing.complete
