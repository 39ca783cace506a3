"""Hand-overs: the outbox towards hospitals, and which unit knows which list of them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, cast

import asyncpg

from hub.store.database import Connection, Pool
from protocols.errors import NotFoundError
from protocols.ids import EncounterId, HospitalId, UnitId

HandoffState = Literal["queued", "accepted", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRow:
    """One hand-over and how it stands."""

    handover_id: str
    encounter_id: EncounterId
    unit: UnitId
    hospital_id: HospitalId
    signed_by: str
    asked_utc_us: int  # when the crew asked
    queued_utc_us: int  # when the hub heard of it
    state: HandoffState
    attempts: int
    next_try_utc_us: int
    updated_utc_us: int
    detail: str | None


async def ask(  # noqa: PLR0913 -- what a hand-over is
    connection: Connection,
    handover_id: str,
    *,
    encounter_id: EncounterId,
    unit: UnitId,
    hospital_id: str,
    signed_by: str,
    asked_utc_us: int,
    now_utc_us: int,
) -> HandoffRow | None:
    """Put a hand-over into the outbox; return it, or None if it stands there already."""
    row = await connection.fetchrow(
        "INSERT INTO handoff (handover_id, encounter_id, unit, hospital_id, signed_by,"
        " asked_utc_us, state, next_try_utc_us, updated_utc_us, queued_utc_us)"
        " VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $7, $7)"
        " ON CONFLICT DO NOTHING RETURNING *",
        handover_id,
        encounter_id,
        unit,
        hospital_id,
        signed_by,
        asked_utc_us,
        now_utc_us,
    )
    return None if row is None else _row(row)


async def move(
    connection: Connection,
    encounter_id: EncounterId,
    to: EncounterId,
    *,
    from_utc_us: int,
    to_utc_us: int | None = None,
) -> None:
    """Give hand-overs that were asked for in this span to the encounter that they were about."""
    await connection.execute(
        "UPDATE handoff SET encounter_id = $2 WHERE encounter_id = $1 AND asked_utc_us >= $3"
        " AND ($4::bigint IS NULL OR asked_utc_us <= $4)",
        encounter_id,
        to,
        from_utc_us,
        to_utc_us,
    )


async def due(
    pool: Pool,
    *,
    now_utc_us: int,
    besides: Collection[str],
    not_to: Collection[str],
    limit: int,
) -> list[HandoffRow]:
    """Return what is to be sent now, the longest due first.

    `besides`: hand-overs that are being sent; `not_to`: hospitals that are given no more for now.
    """
    rows = await pool.fetch(
        "SELECT * FROM handoff WHERE state = 'queued' AND next_try_utc_us <= $1"
        " AND handover_id <> ALL($2::uuid[]) AND hospital_id <> ALL($3::text[])"
        " ORDER BY next_try_utc_us LIMIT $4",
        now_utc_us,
        list(besides),
        list(not_to),
        limit,
    )
    return [_row(row) for row in rows]


async def waiting(pool: Pool) -> int:
    """Return how many hand-overs no hospital has yet."""
    return int(await pool.fetchval("SELECT count(*) FROM handoff WHERE state = 'queued'"))


async def hold(pool: Pool, handover_id: str, *, next_try_utc_us: int) -> None:
    """Look at a hand-over later; no attempt was made."""
    await pool.execute(
        "UPDATE handoff SET next_try_utc_us = $2 WHERE handover_id = $1",
        handover_id,
        next_try_utc_us,
    )


async def listed(
    pool: Pool, *, state: HandoffState | Literal["all"], limit: int = 500
) -> list[HandoffRow]:
    """Return hand-overs, the last changed first."""
    rows = await pool.fetch(
        "SELECT * FROM handoff WHERE $1 = 'all' OR state = $1"
        " ORDER BY updated_utc_us DESC LIMIT $2",
        state,
        limit,
    )
    return [_row(row) for row in rows]


async def tried(  # noqa: PLR0913 -- what an attempt leaves behind
    connection: Connection,
    handover_id: str,
    *,
    state: HandoffState,
    detail: str | None,
    next_try_utc_us: int,
    now_utc_us: int,
) -> HandoffRow:
    """Note what became of an attempt."""
    row = await connection.fetchrow(
        "UPDATE handoff SET state = $2, detail = $3, next_try_utc_us = $4, updated_utc_us = $5,"
        " attempts = attempts + 1 WHERE handover_id = $1 RETURNING *",
        handover_id,
        state,
        detail,
        next_try_utc_us,
        now_utc_us,
    )
    if row is None:
        raise NotFoundError(what="handover", handover_id=handover_id)
    return _row(row)


async def of_encounter(pool: Pool, encounter_id: EncounterId) -> list[HandoffRow]:
    """Return the encounter's hand-overs, oldest first."""
    rows = await pool.fetch(
        "SELECT * FROM handoff WHERE encounter_id = $1 ORDER BY asked_utc_us LIMIT 100",
        encounter_id,
    )
    return [_row(row) for row in rows]


async def told_digest(connection: Connection, unit: UnitId) -> bytes | None:
    """Return which list of hospitals `unit` was last told."""
    found = await connection.fetchval("SELECT digest FROM hospitals_told WHERE unit = $1", unit)
    return None if found is None else bytes(found)


async def note_told(connection: Connection, unit: UnitId, digest: bytes) -> None:
    """Note that `unit` has been told a list."""
    await connection.execute(
        "INSERT INTO hospitals_told VALUES ($1, $2) ON CONFLICT (unit) DO UPDATE SET digest = $2",
        unit,
        digest,
    )


def _row(row: asyncpg.Record) -> HandoffRow:
    return HandoffRow(
        handover_id=str(row["handover_id"]),
        encounter_id=EncounterId(str(row["encounter_id"])),
        unit=UnitId(row["unit"]),
        hospital_id=HospitalId(row["hospital_id"]),
        signed_by=row["signed_by"],
        asked_utc_us=row["asked_utc_us"],
        queued_utc_us=row["queued_utc_us"],
        state=cast("HandoffState", row["state"]),
        attempts=row["attempts"],
        next_try_utc_us=row["next_try_utc_us"],
        updated_utc_us=row["updated_utc_us"],
        detail=row["detail"],
    )
