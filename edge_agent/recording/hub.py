"""The hub's endpoints for recordings: a segment is announced, then its pieces are put."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from edge_agent.hub_http import HubAccess, HubHttp
from edge_agent.recording.shelf import Segment
from protocols.errors import BrokenError

_TIMEOUT_S: Final = 15.0


class _Standing(BaseModel):
    """How far a segment has come."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    offset: int
    complete: bool


class HubRecordings:
    """Asks with the unit's credential."""

    def __init__(self, access: HubAccess) -> None:
        self._path = f"/api/v1/units/{access.unit}/recordings"
        self._http = HubHttp(access, timeout_s=_TIMEOUT_S)

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
        await self._http.close()

    async def _ask(self, method: str, path: str, **asked: Any) -> tuple[int, bool]:
        answer = await self._http.ask(method, path, **asked)
        try:
            standing = _Standing.model_validate_json(answer.content)
        except ValidationError as err:
            raise BrokenError(reason="no offset in the answer", status=answer.status_code) from err
        return standing.offset, standing.complete
