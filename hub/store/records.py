"""Records: written in batches with their ledger, read by time, followed in order of arrival."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from hub.store import clock_corrections, copying
from hub.store.database import Asked, Connection, Pool, transaction
from hub.store.salvaged import without_known_origins
from hub.store.stored import StoredRecord
from protocols.ids import JournalId, Seq, UnitId
from protocols.link.ack import Held
from protocols.link.streams import Lane, Stream
from protocols.messages import Gap

_DAY_US: Final = 86_400_000_000
Mark = tuple[int, int]
"""How far a follower has read: a transaction and an arrival. Opaque."""

PAGE_BYTES: Final = 4 * 1024 * 1024
"""The most bodies of one page, in bytes: an hour of the vital signs of a busy monitor."""

_PAGE_RECORDS: Final = 2_000

Place = tuple[int, str, int]
"""Where a reader of a span stands: captured time, journal, seq."""

_FIRST_JOURNAL: Final = "00000000-0000-0000-0000-000000000000"
_BEFORE: Final = (
    "sum(octet_length(body)) OVER (ORDER BY captured_utc_us, journal, seq) - octet_length(body)"
)

_LEDGER_KEY = tuple[UnitId, JournalId, Stream]


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one span; `next` is where to go on, or None where this is all of it."""

    records: list[StoredRecord]
    next: Place | None


async def commit_batch(  # noqa: PLR0913 -- one transaction is this much
    asked: Asked,
    *,
    records: Sequence[StoredRecord],
    ledgers: Mapping[_LEDGER_KEY, Held],
    gaps: Sequence[tuple[UnitId, JournalId, Gap]],
    corrections: Sequence[clock_corrections.Told] = (),
    now_utc_us: int,
) -> Sequence[StoredRecord]:
    """Store `records` and the ledgers that cover them, together or not at all.

    Returns the records that are new, as they are stored: what was salvaged may be here under its
    first name, and a time that its vehicle has corrected since is the right one.

    Raises:
        asyncpg.PostgresError, OSError: nothing was stored.
    """
    async with transaction(asked) as connection:
        records = await without_known_origins(connection, records)
        if corrections:
            await clock_corrections.note(connection, corrections, now_utc_us=now_utc_us)
        records = await clock_corrections.dated(connection, records)
        await _copy(connection, records)
        await _write_ledgers(connection, ledgers, now_utc_us)
        if gaps:
            await connection.executemany(
                "INSERT INTO gap VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
                " ON CONFLICT DO NOTHING",
                [
                    (
                        unit, gap.journal or journal, gap.stream.value, gap.first_seq, gap.last_seq,
                        gap.reason, gap.first_captured_utc_us, gap.last_captured_utc_us, now_utc_us,
                        bool(gap.is_open),
                    )
                    for unit, journal, gap in gaps
                ],
            )  # fmt: skip
    return records


async def _write_ledgers(
    connection: Connection, ledgers: Mapping[_LEDGER_KEY, Held], now_utc_us: int
) -> None:
    """Write how far each stream is held now; in one order, so that two workers never cross."""
    keys = sorted(ledgers)
    await connection.execute(
        "INSERT INTO stream_ledger (unit, journal, stream, watermark, ranges, last_received_utc_us)"
        " SELECT unit, journal, stream, watermark, ranges::jsonb, $6"
        " FROM unnest($1::text[], $2::uuid[], $3::text[], $4::bigint[], $5::text[])"
        " AS l(unit, journal, stream, watermark, ranges)"
        " ON CONFLICT (unit, journal, stream) DO UPDATE SET watermark = EXCLUDED.watermark,"
        " ranges = EXCLUDED.ranges, last_received_utc_us = EXCLUDED.last_received_utc_us",
        [unit for unit, _, _ in keys],
        [journal for _, journal, _ in keys],
        [stream.value for _, _, stream in keys],
        [ledgers[key].watermark for key in keys],
        [ledgers[key].ranges_text for key in keys],
        now_utc_us,
    )


async def _copy(connection: Connection, records: Sequence[StoredRecord]) -> None:
    """COPY the records in; rows that are already there (another worker's) are passed over."""
    rows = copying.rows_of(records)
    try:
        async with connection.transaction():
            await copying.copy(connection, "record", rows)
    except asyncpg.UniqueViolationError:
        names = ", ".join(copying.COLUMNS)
        await connection.execute(
            f"CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {names} FROM record LIMIT 0"  # noqa: S608 -- names are ours
        )
        await copying.copy(connection, "incoming", rows)
        await connection.execute(
            f"INSERT INTO record ({names}) SELECT {names} FROM incoming ON CONFLICT DO NOTHING"  # noqa: S608
        )


async def read(  # noqa: PLR0913 -- a span of one stream has this many ends
    pool: Pool,
    unit: UnitId,
    stream: Stream,
    *,
    from_utc_us: int,
    to_utc_us: int,
    limit: int,
    most_bytes: int = PAGE_BYTES,
    after: Place | None = None,
) -> Page:
    """Return records captured from `from_utc_us` to before `to_utc_us`, oldest first.

    As many as `limit` and `most_bytes` of bodies allow, but one at least; those up to `after` are
    passed over.
    """
    at_us, journal, seq = after or (from_utc_us, _FIRST_JOURNAL, 0)
    rows = await pool.fetch(
        f"SELECT * FROM (SELECT *, count(*) OVER () AS found, {_BEFORE} AS bytes_before FROM ("  # noqa: S608 -- a constant
        "SELECT * FROM record WHERE unit = $1 AND stream = $2"
        " AND captured_utc_us >= $3 AND captured_utc_us < $4"
        " AND (captured_utc_us, journal, seq) > ($5, $6, $7)"
        " ORDER BY captured_utc_us, journal, seq LIMIT $8) span) page"
        " WHERE bytes_before < $9 ORDER BY captured_utc_us, journal, seq LIMIT $10",
        unit,
        stream.value,
        max(from_utc_us, at_us),
        to_utc_us,
        at_us,
        journal,
        seq,
        limit + 1,
        most_bytes,
        limit,
    )
    records = [_stored(row) for row in rows]
    is_all = not rows or rows[0]["found"] == len(rows)
    return Page(records, None if is_all else _place(records[-1]))


async def walk(
    pool: Pool, unit: UnitId, stream: Stream, *, from_utc_us: int, to_utc_us: int
) -> AsyncIterator[list[StoredRecord]]:
    """Yield all records captured from `from_utc_us` to before `to_utc_us`, by page, in order."""
    after: Place | None = None
    while True:
        page = await read(
            pool,
            unit,
            stream,
            from_utc_us=from_utc_us,
            to_utc_us=to_utc_us,
            limit=_PAGE_RECORDS,
            after=after,
        )
        yield page.records
        if page.next is None:
            return
        after = page.next


def _place(record: StoredRecord) -> Place:
    return record.captured_utc_us, record.journal, record.seq


async def last_captured(
    pool: Pool, unit: UnitId, stream: Stream, *, from_utc_us: int, to_utc_us: int
) -> int | None:
    """Return when the newest record of the span was captured, or None where there is none."""
    found = await pool.fetchval(
        "SELECT max(captured_utc_us) FROM record WHERE unit = $1 AND stream = $2"
        " AND captured_utc_us >= $3 AND captured_utc_us < $4",
        unit,
        stream.value,
        from_utc_us,
        to_utc_us,
    )
    return None if found is None else int(found)


async def newest(
    pool: Pool, stream: Stream, *, since_utc_us: int, each: int = 1
) -> list[StoredRecord]:
    """Return the newest `each` records of `stream` of every unit, oldest first."""
    rows = await pool.fetch(
        "SELECT r.* FROM unit u CROSS JOIN LATERAL (SELECT * FROM record WHERE unit = u.unit"
        " AND stream = $1 AND captured_utc_us >= $2 ORDER BY captured_utc_us DESC LIMIT $3) r"
        " ORDER BY r.captured_utc_us",
        stream.value,
        since_utc_us,
        each,
    )
    return [_stored(row) for row in rows]


async def follow(pool: Pool, follower: str, *, limit: int = 500) -> list[tuple[Mark, StoredRecord]]:
    """Return the low-rate records that came after `follower`'s mark, each with its own mark.

    What an unfinished transaction may still precede is held back, so that a follower misses
    nothing, however many ingest workers write.
    """
    mark = await pool.fetchrow(
        "SELECT transaction::text, arrival FROM follower WHERE name = $1", follower
    )
    rows = await pool.fetch(
        "SELECT *, transaction::text::bigint AS moment FROM record"
        " WHERE stream IN ('alarm', 'status', 'triage', 'chart', 'ack')"
        " AND (transaction, arrival) > ($1::text::xid8, $2::bigint)"
        " AND transaction < pg_snapshot_xmin(pg_current_snapshot())"
        " ORDER BY transaction, arrival LIMIT $3",
        mark["transaction"] if mark else "0",
        mark["arrival"] if mark else 0,
        limit,
    )
    return [((row["moment"], row["arrival"]), _stored(row)) for row in rows]


async def mark_followed(connection: Asked, follower: str, mark: Mark) -> None:
    """Move `follower`'s mark; in the transaction that did the work, the work is done once."""
    await connection.execute(
        "INSERT INTO follower VALUES ($1, $2::text::xid8, $3) ON CONFLICT (name)"
        " DO UPDATE SET transaction = EXCLUDED.transaction, arrival = EXCLUDED.arrival",
        follower,
        str(mark[0]),
        mark[1],
    )


async def make_partitions(pool: Pool, *, now_utc_us: int, days_ahead: int = 7) -> None:
    """Make the partition of today and of the `days_ahead` days after it, where none stands."""
    first_day = now_utc_us // _DAY_US
    for day in range(first_day, first_day + days_ahead + 1):
        name = f"record_d{day}"  # days since 1970: sorts, and needs no calendar
        if await pool.fetchval("SELECT to_regclass($1)", name) is not None:
            continue
        try:
            await pool.execute(
                f"CREATE TABLE {name} PARTITION OF record"
                f" FOR VALUES FROM ({day * _DAY_US}) TO ({(day + 1) * _DAY_US})"
            )
        except asyncpg.CheckViolationError:
            # rows of that day already stand in the default partition, put there by a unit whose
            # clock ran ahead: they stay where they are, and so do the day's others
            continue


def _stored(row: asyncpg.Record) -> StoredRecord:
    return StoredRecord(
        unit=UnitId(row["unit"]),
        journal=JournalId(str(row["journal"])),
        stream=Stream(row["stream"]),
        seq=Seq(row["seq"]),
        captured_utc_us=row["captured_utc_us"],
        clock=row["clock"],
        clock_error_us=row["clock_error_us"],
        received_utc_us=row["received_utc_us"],
        lane=Lane(row["lane"]),
        understood=row["understood"],
        body=row["body"],
    )
