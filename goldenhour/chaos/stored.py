"""What the hub's tables hold of one vehicle."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import asyncpg

from goldenhour.chaos.contents import Content, contents_of
from hub.store import ledgers
from hub.store.database import Pool
from protocols.errors import RemoteProtocolError
from protocols.ids import UnitId
from protocols.link import Stream
from protocols.messages import Position, parse_body

_COMPARED: Final = (
    Stream.VITALS, Stream.WAVEFORM, Stream.CHART, Stream.STATUS, Stream.ACK, Stream.POSITION,
)  # fmt: skip


class Entry(NamedTuple):
    """When a record says that it was captured, and how far that may be off (None: not known).

    `name`: its journal, seq and times, for a person. `body`: what tells it from another record
    that says the same.
    """

    captured_utc_us: int
    error_us: int | None
    name: str = ""
    body: bytes = b""


@dataclass(slots=True)
class Stored:
    """Contents in the order of journal and seq, each with the record that says it."""

    contents: list[tuple[Content, Entry]] = field(default_factory=list)
    places: list[tuple[Position, Entry]] = field(default_factory=list)
    gaps: list[asyncpg.Record] = field(default_factory=list)
    undeclared: list[str] = field(default_factory=list)
    """Each seq below a stream's last that is neither stored, salvaged nor declared."""
    unreadable: int = 0


async def read_stored(pool: Pool, unit: UnitId) -> Stored:
    """Return what the hub's tables hold of `unit`."""
    found = Stored()
    for stream in _COMPARED:
        async for entry in _entries(pool, unit, stream):
            try:
                message = parse_body(stream, entry.body)
            except RemoteProtocolError:
                found.unreadable += 1
                continue
            if isinstance(message, Position):
                found.places.append((message, entry))
            else:
                found.contents += [(content, entry) for content in contents_of(message)]
    found.gaps = await ledgers.gaps_of(pool, unit)
    found.undeclared = await _undeclared(pool, unit)
    return found


async def _entries(pool: Pool, unit: UnitId, stream: Stream) -> AsyncIterator[Entry]:
    for row in await pool.fetch(
        "SELECT body, captured_utc_us, clock_error_us, journal::text, seq, received_utc_us"
        " FROM record WHERE unit = $1 AND stream = $2 ORDER BY journal, seq",
        unit,
        stream.value,
    ):
        yield Entry(
            row["captured_utc_us"],
            row["clock_error_us"],
            f"{row['journal']}/{row['seq']}, captured {row['captured_utc_us']},"
            f" received {row['received_utc_us']}",
            row["body"],
        )


async def _undeclared(pool: Pool, unit: UnitId) -> list[str]:
    rows = await pool.fetch(
        "WITH last AS (SELECT journal, stream, greatest(watermark,"
        "   (SELECT max((r->>1)::bigint) FROM jsonb_array_elements(ranges) r)) AS last"
        "   FROM stream_ledger WHERE unit = $1),"
        " due AS (SELECT journal, stream, generate_series(1, last) AS seq FROM last),"
        " have AS (SELECT journal, stream, seq FROM record WHERE unit = $1"
        "   UNION SELECT journal, stream, seq FROM salvaged WHERE unit = $1"
        "   UNION SELECT journal, stream, generate_series(first_seq, last_seq) FROM gap"
        "   WHERE unit = $1)"
        " SELECT * FROM (SELECT * FROM due EXCEPT SELECT * FROM have) AS hole ORDER BY 1, 2, 3",
        unit,
    )
    return [f"{row['stream']} {row['seq']} of journal {row['journal']}" for row in rows]
