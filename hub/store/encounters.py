"""Encounters and advice: one open encounter a unit, and advice whose state never goes back."""

from dataclasses import dataclass
from typing import Final, Literal, cast

import asyncpg

from hub.store.database import Asked, Connection, Pool
from protocols.errors import NotFoundError
from protocols.ids import EncounterId, OrderId, UnitId

AdviceState = Literal["sent", "delivered", "seen", "confirmed", "declined", "expired"]

RANK: Final[dict[str, int]] = {
    "sent": 0, "delivered": 1, "seen": 2, "confirmed": 3, "declined": 3, "expired": 3,
}  # fmt: skip
"""An advice moves to a higher rank only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """One patient in one unit's care."""

    encounter_id: EncounterId
    unit: UnitId
    opened_utc_us: int
    opened_by: str
    run_id: str | None
    closed_utc_us: int | None

    @property
    def state(self) -> Literal["open", "closed"]:
        """Whether the patient is still in the unit's care."""
        return "open" if self.closed_utc_us is None else "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One advice and its newest state."""

    advice_id: OrderId
    encounter_id: EncounterId
    unit: UnitId
    text: str
    given_by: str
    given_utc_us: int
    expires_utc_us: int
    state: AdviceState
    answered_utc_us: int | None
    answered_by: str | None
    reason: str | None
    read_back: str | None


async def find(asked: Asked, encounter_id: str) -> Encounter:
    """Return the encounter of that id, or that the id is an alias of.

    Raises:
        NotFoundError: there is none.
    """
    row = await asked.fetchrow(
        "SELECT * FROM encounter WHERE encounter_id = COALESCE("
        "(SELECT encounter_id FROM encounter_alias WHERE alias = $1), $1)",
        encounter_id,
    )
    if row is None:
        raise NotFoundError(what="encounter", encounter_id=encounter_id)
    return _encounter(row)


async def open_of(asked: Asked, unit: UnitId) -> Encounter | None:
    """Return the unit's open encounter."""
    row = await asked.fetchrow(
        "SELECT * FROM encounter WHERE unit = $1 AND closed_utc_us IS NULL", unit
    )
    return None if row is None else _encounter(row)


async def listed(
    pool: Pool, *, state: Literal["open", "closed", "all"], unit: UnitId | None, limit: int = 500
) -> list[Encounter]:
    """Return encounters, newest first."""
    rows = await pool.fetch(
        "SELECT * FROM encounter WHERE ($1 = 'all' OR (closed_utc_us IS NULL) = ($1 = 'open'))"
        " AND ($2::text IS NULL OR unit = $2) ORDER BY opened_utc_us DESC LIMIT $3",
        state,
        unit,
        limit,
    )
    return [_encounter(row) for row in rows]


async def insert(  # noqa: PLR0913 -- what an encounter is
    connection: Connection,
    encounter_id: EncounterId,
    unit: UnitId,
    *,
    opened_utc_us: int,
    opened_by: str,
    run_id: str | None,
    closed_utc_us: int | None = None,
) -> None:
    """Add an encounter; one that stands is left as it is."""
    await connection.execute(
        "INSERT INTO encounter VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (encounter_id)"
        " DO NOTHING",
        encounter_id,
        unit,
        opened_utc_us,
        opened_by,
        run_id,
        closed_utc_us,
    )


async def close(connection: Connection, encounter_id: EncounterId, *, at_utc_us: int) -> None:
    """Close an encounter that is open."""
    await connection.execute(
        "UPDATE encounter SET closed_utc_us = $2 WHERE encounter_id = $1 AND closed_utc_us IS NULL",
        encounter_id,
        at_utc_us,
    )


async def is_known(connection: Connection, encounter_id: str) -> bool:
    """Say whether the id is an encounter's or an alias."""
    found = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM encounter WHERE encounter_id = $1)"
        " OR EXISTS (SELECT 1 FROM encounter_alias WHERE alias = $1)",
        encounter_id,
    )
    return bool(found)


async def add_alias(
    connection: Connection, alias: str, encounter_id: EncounterId, *, opened_utc_us: int
) -> None:
    """Make `alias` another name of the encounter."""
    await connection.execute(
        "INSERT INTO encounter_alias VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        alias,
        encounter_id,
        opened_utc_us,
    )


async def take_alias(connection: Connection, alias: str) -> int | None:
    """Remove an alias; return when what it named was opened, or None if it is none."""
    opened = await connection.fetchval(
        "DELETE FROM encounter_alias WHERE alias = $1 RETURNING opened_utc_us", alias
    )
    return None if opened is None else int(opened)


async def insert_advice(connection: Connection, advice: Advice) -> None:
    """Add an advice that was just given."""
    await connection.execute(
        "INSERT INTO advice (advice_id, encounter_id, unit, text, given_by, given_utc_us,"
        " expires_utc_us, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        advice.advice_id,
        advice.encounter_id,
        advice.unit,
        advice.text,
        advice.given_by,
        advice.given_utc_us,
        advice.expires_utc_us,
        advice.state,
    )
    await _note_change(
        connection, advice.advice_id, advice.state, advice.given_utc_us, advice.given_by
    )


async def answer_advice(  # noqa: PLR0913 -- what an answer says
    connection: Connection,
    advice_id: str,
    state: AdviceState,
    *,
    unit: UnitId,
    at_utc_us: int,
    by: str | None,
    reason: str | None,
    read_back: str | None,
) -> Advice | None:
    """Take in what the vehicle says of an advice to it; return the advice if that changed it.

    A word given in time counts though it arrives after the hub has called the advice expired.
    """
    row = await connection.fetchrow(
        "SELECT * FROM advice WHERE advice_id::text = $1 AND unit = $2 FOR UPDATE", advice_id, unit
    )
    if row is None:
        return None
    await _note_change(connection, row["advice_id"], state, at_utc_us, by)
    in_time = (
        row["state"] == "expired"
        and state in {"confirmed", "declined"}
        and at_utc_us <= row["expires_utc_us"]
    )
    if RANK[state] <= RANK[row["state"]] and not in_time:
        return None
    is_word = state in {"confirmed", "declined"}
    changed = await connection.fetchrow(
        "UPDATE advice SET state = $2, answered_utc_us = $3, answered_by = $4, reason = $5,"
        " read_back = $6 WHERE advice_id = $1 RETURNING *",
        row["advice_id"],
        state,
        at_utc_us if is_word else None,
        by if is_word else None,
        reason,
        read_back,
    )
    return None if changed is None else _advice(changed)


async def expire_advice(connection: Connection, *, now_utc_us: int) -> list[Advice]:
    """Call expired what nobody has answered in time; return what changed."""
    rows = await connection.fetch(
        "UPDATE advice SET state = 'expired' WHERE state IN ('sent', 'delivered', 'seen')"
        " AND expires_utc_us < $1 RETURNING *",
        now_utc_us,
    )
    for row in rows:
        await _note_change(connection, row["advice_id"], "expired", now_utc_us, None)
    return [_advice(row) for row in rows]


async def advice_of(pool: Pool, encounter_id: EncounterId) -> list[Advice]:
    """Return the encounter's advice, oldest first."""
    rows = await pool.fetch(
        "SELECT * FROM advice WHERE encounter_id = $1 ORDER BY given_utc_us LIMIT 1000",
        encounter_id,
    )
    return [_advice(row) for row in rows]


async def _note_change(
    connection: Connection, advice_id: object, state: str, at_utc_us: int, by: str | None
) -> None:
    await connection.execute(
        "INSERT INTO advice_change VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        advice_id,
        state,
        at_utc_us,
        by,
    )


def _encounter(row: asyncpg.Record) -> Encounter:
    return Encounter(
        encounter_id=EncounterId(str(row["encounter_id"])),
        unit=UnitId(row["unit"]),
        opened_utc_us=row["opened_utc_us"],
        opened_by=row["opened_by"],
        run_id=row["run_id"],
        closed_utc_us=row["closed_utc_us"],
    )


def _advice(row: asyncpg.Record) -> Advice:
    return Advice(
        advice_id=OrderId(str(row["advice_id"])),
        encounter_id=EncounterId(str(row["encounter_id"])),
        unit=UnitId(row["unit"]),
        text=row["text"],
        given_by=row["given_by"],
        given_utc_us=row["given_utc_us"],
        expires_utc_us=row["expires_utc_us"],
        state=cast("AdviceState", row["state"]),
        answered_utc_us=row["answered_utc_us"],
        answered_by=row["answered_by"],
        reason=row["reason"],
        read_back=row["read_back"],
    )
