"""Recordings over HTTP: `/api/v1/units/{unit}/recordings`.

A vehicle announces a segment and puts its pieces, each at the offset that the answer before named;
whoever may see the patient lists segments and plays them (by ranges, RFC 9110).
"""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from hub.access.desk import Desk
from hub.access.rights import Action, Principal
from hub.api.gate import SignedIn, Vehicle
from hub.api.records import From, To
from hub.api.units import UnitPath
from hub.recordings.recordings import MAX_SEGMENT_BYTES, Recordings
from hub.store import records, units
from hub.store.recordings import RecordingRow
from protocols.errors import RemoteProtocolError
from protocols.ids import ID_PATTERN, UUID_PATTERN, TopicSafe, UnitId
from protocols.link import Stream
from protocols.messages import Clip, parse_body
from protocols.units import UtcMicros

recordings_router = APIRouter(prefix="/api/v1/units/{unit}/recordings", tags=["recordings"])

MAX_SEGMENTS: Final = 5_000

SegmentPath = Annotated[str, Path(pattern=ID_PATTERN)]


class Announced(BaseModel):
    """A segment that a vehicle is about to send."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment: TopicSafe
    camera: TopicSafe
    encounter_id: Annotated[str, Field(pattern=UUID_PATTERN)] | None = None
    first_utc_us: UtcMicros
    last_utc_us: UtcMicros
    size_bytes: Annotated[int, Field(ge=1, le=MAX_SEGMENT_BYTES)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Standing(BaseModel):
    """How many bytes of a segment the hub has, and whether that is all."""

    offset: int
    complete: bool


class SegmentOut(BaseModel):
    """A segment that can be played, or that the vehicle has and the hub is to get."""

    segment: str
    camera: str
    first_utc_us: int
    last_utc_us: int
    size_bytes: int
    sha256: str


class RecordingsOut(BaseModel):
    """What there is of a span, by time; `coming`: on the vehicle still."""

    segments: list[SegmentOut]
    coming: list[SegmentOut]


@recordings_router.post("", summary="Announce a segment (vehicles)")
async def announce(unit: Vehicle, body: Announced, request: Request) -> Standing:
    """Return from which offset its bytes are to be put."""
    recordings: Recordings = request.app.state.recordings
    row = RecordingRow(
        unit=unit, announced_utc_us=request.app.state.clock.utc_us(), **body.model_dump()
    )
    offset, complete = await recordings.announce(row)
    return Standing(offset=offset, complete=complete)


@recordings_router.put("/{segment}", summary="Put a piece of a segment (vehicles)")
async def put(
    unit: Vehicle,
    segment: SegmentPath,
    request: Request,
    offset: Annotated[int, Query(ge=0, le=MAX_SEGMENT_BYTES)],
) -> Standing:
    """Take in a piece of at most 64 KiB; return from which offset the next is to be put."""
    recordings: Recordings = request.app.state.recordings
    reached, complete = await recordings.put(unit, segment, offset, await request.body())
    return Standing(offset=reached, complete=complete)


@recordings_router.get("", summary="See what was recorded")
async def listed(
    *,
    unit: UnitPath,
    principal: SignedIn,
    request: Request,
    from_utc_us: From = 0,
    to_utc_us: To = 2**53 - 1,
) -> RecordingsOut:
    """Return the segments that begin in the span, at most 5,000 of each kind."""
    await _may_see(request, principal, unit)
    recordings: Recordings = request.app.state.recordings
    here = await recordings.between(
        UnitId(unit), from_utc_us=from_utc_us, to_utc_us=to_utc_us, limit=MAX_SEGMENTS
    )
    known = {row.segment for row in here}
    clips = await _declared(request, UnitId(unit), from_utc_us, to_utc_us)
    return RecordingsOut(
        segments=[SegmentOut.model_validate(row, from_attributes=True) for row in here],
        coming=[
            SegmentOut.model_validate(clip, from_attributes=True)
            for clip in clips
            if clip.segment not in known
        ],
    )


@recordings_router.get("/{segment}", summary="Play a segment", response_class=FileResponse)
async def play(
    *, unit: UnitPath, segment: SegmentPath, principal: SignedIn, request: Request
) -> FileResponse:
    """Return the segment as fragmented MP4, or the ranges of it that were asked for."""
    await _may_see(request, principal, unit)
    recordings: Recordings = request.app.state.recordings
    path = await recordings.path_of(UnitId(unit), segment)
    return FileResponse(
        path, media_type="video/mp4", headers={"Cache-Control": "private, max-age=3600"}
    )


async def _may_see(request: Request, principal: Principal, unit: str) -> None:
    principal.require(Action.SEE_PATIENT)
    desk: Desk = request.app.state.desk
    await desk.looked(principal, unit, "recording")
    await units.find(request.app.state.pool, UnitId(unit))


async def _declared(request: Request, unit: UnitId, from_utc_us: int, to_utc_us: int) -> list[Clip]:
    """Return the segments that the vehicle has said it has."""
    page = await records.read(
        request.app.state.pool,
        unit,
        Stream.CLIP,
        from_utc_us=from_utc_us,
        to_utc_us=to_utc_us,
        limit=MAX_SEGMENTS,
    )
    clips: list[Clip] = []
    for record in page.records:
        if record.understood:
            try:
                clip = parse_body(Stream.CLIP, record.body)
            except RemoteProtocolError:
                continue
            if isinstance(clip, Clip):
                clips.append(clip)
    return clips
