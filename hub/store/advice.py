"""Advice: what doctors told crews, and its state, which never goes back."""

from dataclasses import dataclass
from typing import Final, Literal, cast

import asyncpg

from hub.store.database import Connection, Pool
from protocols.ids import EncounterId, OrderId, UnitId

AdviceState = Literal["sent", "delivered", "seen", "confirmed", "declined", "expired"]

RANK: Final[dict[str, int]] = {
    "sent": 0, "delivered": 1, "seen": 2, "confirmed": 3, "declined": 3, "expired": 3,
}  # fmt: skip
"""An advice moves to a higher rank only."""


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


async def insert(connection: Connection, advice: Advice) -> None:
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


async def answer(  # noqa: PLR0913 -- what an answer says
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

    A word given in time counts, though it arrives after the hub has called the advice expired; one
    given too late does not, though it arrives before.
    """
    row = await connection.fetchrow(
        "SELECT * FROM advice WHERE advice_id = $1 AND unit = $2 FOR UPDATE", advice_id, unit
    )
    if row is None:
        return None
    await _note_change(connection, row["advice_id"], state, at_utc_us, by)
    is_word = state in {"confirmed", "declined"}
    is_in_time = is_word and at_utc_us <= row["expires_utc_us"]
    told: AdviceState = "expired" if is_word and not is_in_time else state
    if RANK[told] <= RANK[row["state"]] and not (is_in_time and row["state"] == "expired"):
        return None
    changed = await connection.fetchrow(
        "UPDATE advice SET state = $2, answered_utc_us = $3, answered_by = $4, reason = $5,"
        " read_back = $6 WHERE advice_id = $1 RETURNING *",
        row["advice_id"],
        told,
        at_utc_us if is_in_time else None,
        by if is_in_time else None,
        reason if is_in_time else None,
        read_back if is_in_time else None,
    )
    return None if changed is None else _advice(changed)


async def expire(connection: Connection, *, now_utc_us: int) -> list[Advice]:
    """Call expired what nobody has answered in time; return what changed."""
    rows = await connection.fetch(
        "UPDATE advice SET state = 'expired' WHERE state IN ('sent', 'delivered', 'seen')"
        " AND expires_utc_us < $1 RETURNING *",
        now_utc_us,
    )
    for row in rows:
        await _note_change(connection, row["advice_id"], "expired", now_utc_us, None)
    return [_advice(row) for row in rows]


async def of_encounter(pool: Pool, encounter_id: EncounterId) -> list[Advice]:
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
