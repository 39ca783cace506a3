"""What a unit recorded: `/api/v1/units/{unit}/records` and `…/waveform`."""

import asyncio
import re
import struct
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final

import asyncpg
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from hub.access.desk import Desk
from hub.access.rights import Action, Principal
from hub.api.feed import NOT_CLINICAL, wave_message
from hub.api.gate import SignedInOrGuest
from hub.api.units import DeclaredGap, UnitPath
from hub.ingest.taps import Arrived
from hub.store import ledgers, units
from hub.store import records as store
from hub.store.records import Page, Place
from hub.store.stored import StoredRecord
from protocols.errors import RemoteProtocolError, RequestError
from protocols.ids import UUID_PATTERN, UnitId
from protocols.link import Lane, Stream
from protocols.link.projection import value_as_json
from protocols.link.wire import load_map
from protocols.messages import WaveformBlock, parse_body

router = APIRouter(prefix="/api/v1/units/{unit}", tags=["records"])

MAX_RECORDS: Final = 20_000
MAX_WAVE_SPAN_US: Final = 600 * 1_000_000
_PLACE: Final = re.compile(f"^[0-9]{{1,16}}_{UUID_PATTERN[1:-1]}_[0-9]{{1,16}}$")

From = Annotated[int, Query(ge=0, le=2**53 - 1, description="captured from, UTC µs")]
To = Annotated[int, Query(ge=0, le=2**53 - 1, description="captured before, UTC µs")]


class RecordOut(BaseModel):
    """One record; byte strings in `body` are base64."""

    stream: str
    journal: str
    seq: int
    captured_utc_us: int
    clock: str
    clock_error_us: int | None
    received_utc_us: int
    lane: str
    body: dict[str, Any]


class Records(BaseModel):
    """A page of records by captured time, oldest first; ask for the one `after` this `next`.

    The declared gaps of the stream come with the first page.
    """

    records: list[RecordOut]
    gaps: list[DeclaredGap]
    next: str | None


@router.get("/records", summary="Read a stream over a span of time", response_model=Records)
async def read(  # noqa: PLR0913 -- each is a part of the question
    *,
    unit: UnitPath,
    principal: SignedInOrGuest,
    request: Request,
    stream: Stream,
    from_utc_us: From = 0,
    to_utc_us: To = 2**53 - 1,
    limit: Annotated[int, Query(ge=1, le=MAX_RECORDS)] = MAX_RECORDS,
    after: Annotated[str | None, Query(pattern=_PLACE.pattern, description="a `next`")] = None,
) -> Response:
    """Return what the vehicle captured in the span and the hub has, and the holes declared."""
    await _may_read(request, principal, unit, stream)
    from_utc_us = _allowed_from(principal, from_utc_us)
    pool = request.app.state.pool
    found = await store.read(
        pool,
        UnitId(unit),
        stream,
        from_utc_us=from_utc_us,
        to_utc_us=to_utc_us,
        limit=limit,
        after=_place(after),
    )
    gaps = [] if after else await ledgers.gaps_of(pool, UnitId(unit), stream=stream)
    text = await asyncio.to_thread(_text, found, gaps)  # megabytes: the others are not kept waiting
    return Response(text, media_type="application/json")


@router.get("/waveform", summary="Read waveforms over a span of time")
async def waveform(  # noqa: PLR0913 -- each is a part of the question
    *,
    unit: UnitPath,
    principal: SignedInOrGuest,
    request: Request,
    from_utc_us: From,
    to_utc_us: To | None = None,
    group: str = "ecg",
) -> StreamingResponse:
    """Return the blocks as binary messages of the live feed, each after its length (`u32 LE`)."""
    await _may_read(request, principal, unit, Stream.WAVEFORM)
    from_utc_us = _allowed_from(principal, from_utc_us)
    if to_utc_us is None:
        to_utc_us = from_utc_us + MAX_WAVE_SPAN_US
    if not 0 <= to_utc_us - from_utc_us <= MAX_WAVE_SPAN_US:
        raise RequestError(reason="a span is 0 to 600 s")
    blocks = _blocks(request, UnitId(unit), group, from_utc_us, to_utc_us)
    return StreamingResponse(blocks, media_type="application/octet-stream")


async def _blocks(
    request: Request, unit: UnitId, group: str, from_utc_us: int, to_utc_us: int
) -> AsyncIterator[bytes]:
    pool = request.app.state.pool
    async for page in store.walk(
        pool, unit, Stream.WAVEFORM, from_utc_us=from_utc_us, to_utc_us=to_utc_us
    ):
        for record in page:
            message = await asyncio.to_thread(_wave, record, group)
            if message is not None:
                yield struct.pack("<I", len(message)) + message


def _wave(record: StoredRecord, group: str) -> bytes | None:
    try:
        block = parse_body(Stream.WAVEFORM, record.body)
        if not isinstance(block, WaveformBlock) or block.group != group:
            return None
        return wave_message(Arrived(record, block))
    except RemoteProtocolError:
        return None  # kept, counted at its arrival, and not to be shown


async def _may_read(request: Request, principal: Principal, unit: str, stream: Stream) -> None:
    if stream in NOT_CLINICAL:
        principal.require(Action.SEE_FLEET)
    else:
        principal.require(Action.SEE_PATIENT, unit=unit)
        desk: Desk = request.app.state.desk
        await desk.looked(principal, unit, stream.value)
    await units.find(request.app.state.pool, UnitId(unit))


def _allowed_from(principal: Principal, from_utc_us: int) -> int:
    """Return from when on somebody may read: a guest, what is of their one patient."""
    guest = principal.guest_of
    return from_utc_us if guest is None else max(from_utc_us, guest.since_utc_us)


def _text(page: Page, gaps: Sequence[asyncpg.Record]) -> str:
    return Records(
        records=[_out(record) for record in page.records if record.understood],
        gaps=[DeclaredGap(**dict(gap)) for gap in gaps],
        next=None if page.next is None else "_".join(str(part) for part in page.next),
    ).model_dump_json()


def _place(text: str | None) -> Place | None:
    if text is None:
        return None
    at_us, journal, seq = text.split("_")
    return int(at_us), journal, int(seq)


def _out(record: StoredRecord) -> RecordOut:
    return RecordOut(
        stream=record.stream.value,
        journal=record.journal,
        seq=record.seq,
        captured_utc_us=record.captured_utc_us,
        clock=record.clock,
        clock_error_us=record.clock_error_us,
        received_utc_us=record.received_utc_us,
        lane="live" if record.lane is Lane.LIVE else "backfill",
        body=value_as_json(load_map(record.body)),
    )
