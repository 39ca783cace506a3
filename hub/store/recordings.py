"""Recordings: which segments of a unit's cameras the hub has, whole or in part."""

from dataclasses import dataclass

import asyncpg

from hub.store.database import Pool
from protocols.ids import UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRow:
    """One segment; `completed_utc_us` None: not all of its bytes are here."""

    unit: UnitId
    segment: str
    camera: str
    encounter_id: str | None
    first_utc_us: int
    last_utc_us: int
    size_bytes: int
    sha256: str
    announced_utc_us: int
    completed_utc_us: int | None = None


async def announce(pool: Pool, row: RecordingRow) -> RecordingRow:
    """Note a segment that is to come; return it as it stands, which may be from before."""
    await pool.execute(
        "INSERT INTO recording (unit, segment, camera, encounter_id, first_utc_us, last_utc_us,"
        " size_bytes, sha256, announced_utc_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT DO NOTHING",
        row.unit,
        row.segment,
        row.camera,
        row.encounter_id,
        row.first_utc_us,
        row.last_utc_us,
        row.size_bytes,
        row.sha256,
        row.announced_utc_us,
    )
    found = await find(pool, row.unit, row.segment)
    return row if found is None else found


async def find(pool: Pool, unit: UnitId, segment: str) -> RecordingRow | None:
    """Return the segment, whole or in part, or None."""
    row = await pool.fetchrow(
        "SELECT * FROM recording WHERE unit = $1 AND segment = $2", unit, segment
    )
    return None if row is None else _row(row)


async def complete(pool: Pool, unit: UnitId, segment: str, *, now_utc_us: int) -> None:
    """Note that all bytes are here."""
    await pool.execute(
        "UPDATE recording SET completed_utc_us = coalesce(completed_utc_us, $3)"
        " WHERE unit = $1 AND segment = $2",
        unit,
        segment,
        now_utc_us,
    )


async def forget(pool: Pool, unit: UnitId, segment: str) -> None:
    """Know nothing of the segment."""
    await pool.execute("DELETE FROM recording WHERE unit = $1 AND segment = $2", unit, segment)


async def between(
    pool: Pool, unit: UnitId, *, from_utc_us: int, to_utc_us: int, limit: int
) -> list[RecordingRow]:
    """Return whole segments that begin in the span, by time."""
    rows = await pool.fetch(
        "SELECT * FROM recording WHERE unit = $1 AND first_utc_us >= $2 AND first_utc_us < $3"
        " AND completed_utc_us IS NOT NULL ORDER BY first_utc_us, camera LIMIT $4",
        unit,
        from_utc_us,
        to_utc_us,
        limit,
    )
    return [_row(row) for row in rows]


async def partial_but(pool: Pool, unit: UnitId, *, newest: int) -> list[RecordingRow]:
    """Return what is here in part, but for so many that were announced last."""
    rows = await pool.fetch(
        "SELECT * FROM recording WHERE unit = $1 AND completed_utc_us IS NULL"
        " ORDER BY announced_utc_us DESC, segment DESC OFFSET $2",
        unit,
        newest,
    )
    return [_row(row) for row in rows]


async def older(pool: Pool, *, than_utc_us: int, limit: int) -> list[RecordingRow]:
    """Return segments that were announced before then, oldest first."""
    rows = await pool.fetch(
        "SELECT * FROM recording WHERE announced_utc_us < $1 ORDER BY announced_utc_us LIMIT $2",
        than_utc_us,
        limit,
    )
    return [_row(row) for row in rows]


def _row(row: asyncpg.Record) -> RecordingRow:
    fields = dict(row)
    fields["unit"] = UnitId(fields["unit"])
    if fields["encounter_id"] is not None:
        fields["encounter_id"] = str(fields["encounter_id"])
    return RecordingRow(**fields)
