"""Ledgers: what of each stream has been received, and what its vehicle declared as given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from hub.store.database import Asked, Pool
from protocols.ids import JournalId, UnitId
from protocols.link.ack import Held
from protocols.link.streams import Stream, stream_named

_MOST_GAPS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLedger:
    """How far one stream has been received."""

    unit: UnitId
    journal: JournalId
    stream: Stream
    held: Held
    last_received_utc_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """All that a unit declared as given up. `open_gaps`: how much is missing is not known."""

    unit: UnitId
    gaps: int
    records: int
    open_gaps: int
    last_noted_utc_us: int


async def ledgers_of(
    asked: Asked, keys: Sequence[tuple[UnitId, JournalId]]
) -> dict[tuple[UnitId, JournalId], dict[Stream, Held]]:
    """Return what is held of each stream of these journals."""
    rows = await asked.fetch(
        "SELECT l.* FROM stream_ledger l JOIN unnest($1::text[], $2::uuid[]) AS k(unit, journal)"
        " USING (unit, journal)",
        [unit for unit, _ in keys],
        [journal for _, journal in keys],
    )
    found: dict[tuple[UnitId, JournalId], dict[Stream, Held]] = {key: {} for key in keys}
    for row in rows:
        stream = stream_named(row["stream"])
        if stream is not None:
            key = (UnitId(row["unit"]), JournalId(str(row["journal"])))
            found[key][stream] = _held(row)
    return found


async def streams_of(pool: Pool, unit: UnitId) -> list[StreamLedger]:
    """Return the ledger of every stream of every journal of `unit`."""
    rows = await pool.fetch(
        "SELECT * FROM stream_ledger WHERE unit = $1 ORDER BY last_received_utc_us DESC, stream",
        unit,
    )
    return [
        StreamLedger(
            unit=unit,
            journal=JournalId(str(row["journal"])),
            stream=stream,
            held=_held(row),
            last_received_utc_us=row["last_received_utc_us"],
        )
        for row in rows
        if (stream := stream_named(row["stream"])) is not None
    ]


async def gaps_of(
    pool: Pool, unit: UnitId, *, stream: Stream | None = None
) -> list[asyncpg.Record]:
    """Return the newest of what `unit` declared as gone, oldest first; what was renamed is not."""
    rows = await pool.fetch(
        "SELECT journal::text, stream, first_seq, last_seq, reason, first_captured_utc_us,"
        " last_captured_utc_us, is_open FROM gap"
        " WHERE unit = $1 AND ($2::text IS NULL OR stream = $2) AND reason <> 'renamed'"
        " ORDER BY first_captured_utc_us DESC, first_seq DESC LIMIT $3",
        unit,
        stream.value if stream else None,
        _MOST_GAPS,
    )
    return rows[::-1]


async def losses(pool: Pool) -> dict[UnitId, Loss]:
    """Return what each unit declared as given up; units that gave nothing up are absent."""
    rows = await pool.fetch(
        "SELECT unit, count(*) AS gaps, sum(last_seq - first_seq + 1)::bigint AS records,"
        " count(*) FILTER (WHERE is_open) AS open_gaps, max(noted_utc_us) AS last_noted_utc_us"
        " FROM gap WHERE reason <> 'renamed' GROUP BY unit"
    )
    return {row["unit"]: Loss(**dict(row)) for row in rows}


def _held(row: asyncpg.Record) -> Held:
    return Held.from_columns(row["watermark"], row["ranges"])
