"""Advice: what doctors told crews, and its state, which never goes back."""

import json
from dataclasses import dataclass
from typing import Final

import asyncpg

from hub.store.database import Asked, Connection, Pool
from protocols.consult import AdviceKind, AdviceState, merged
from protocols.errors import NotFoundError
from protocols.ids import EncounterId, OrderId, UnitId
from protocols.messages import Medication, OrderAnswer, Picture

_ADVICE: Final = (
    "SELECT a.*, (SELECT COALESCE(jsonb_agg(jsonb_build_object('said', c.state, 'at_utc_us',"
    " c.at_utc_us, 'by', c.by_whom, 'detail', c.detail) ORDER BY c.at_utc_us), '[]') FROM"
    " (SELECT * FROM advice_change WHERE advice_id = a.advice_id ORDER BY at_utc_us LIMIT 64) c)"
    " AS steps FROM advice a"
)
_MOST_CHANGES: Final = 256
"""Of one advice: a faulty vehicle may repeat itself, and no more than this is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was said of an advice, by the clock of who said it."""

    said: str
    at_utc_us: int
    by: str | None = None
    detail: str | None = None


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
    state: AdviceState = AdviceState.SENT
    medication: Medication | None = None
    picture: Picture | None = None
    answered_utc_us: int | None = None
    answered_by: str | None = None
    reason: str | None = None
    read_back: str | None = None
    withdraw_asked_utc_us: int | None = None
    administered_utc_us: int | None = None
    administered_dose: float | None = None
    steps: tuple[Step, ...] = ()


async def insert(connection: Connection, advice: Advice) -> Advice:
    """Add an advice that was just given; return it as it stands."""
    drug, picture = advice.medication, advice.picture
    await connection.execute(
        "INSERT INTO advice (advice_id, encounter_id, unit, text, given_by, given_utc_us,"
        " expires_utc_us, state, medication, picture)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        advice.advice_id,
        advice.encounter_id,
        advice.unit,
        advice.text,
        advice.given_by,
        advice.given_utc_us,
        advice.expires_utc_us,
        advice.state.value,
        None if drug is None else drug.model_dump_json(),
        None if picture is None else picture.model_dump_json(),
    )
    await _note(connection, advice.advice_id, advice.state, advice.given_utc_us, advice.given_by)
    return await find(connection, advice.advice_id)


async def find(asked: Asked, advice_id: str) -> Advice:
    """Return one advice.

    Raises:
        NotFoundError: there is none.
    """
    row = await asked.fetchrow(f"{_ADVICE} WHERE a.advice_id = $1", advice_id)
    if row is None:
        raise NotFoundError(what="advice", advice_id=advice_id)
    return _advice(row)


async def answer(
    connection: Connection, message: OrderAnswer, *, unit: UnitId, at_utc_us: int
) -> Advice | None:
    """Take in what the vehicle says of an advice to it; return the advice if that changed it.

    A word given in time counts, though it arrives after the hub has called the advice expired; one
    given too late does not, though it arrives before. When it was given is judged by the hub's
    time as the vehicle knew it, where it says so.
    """
    row = await connection.fetchrow(
        "SELECT * FROM advice WHERE advice_id = $1 AND unit = $2 FOR UPDATE",
        message.order_id,
        unit,
    )
    if row is None:
        return None
    said_us = message.hub_utc_us or at_utc_us
    detail = message.reason or message.read_back
    is_new = await _note(connection, message.order_id, message.state, said_us, message.by, detail)
    if message.state in {"misread", "fetched"}:  # on record, and no move
        return await find(connection, message.order_id) if is_new else None
    told = AdviceState(message.state)
    is_word = told in {AdviceState.CONFIRMED, AdviceState.DECLINED}
    is_late = is_word and said_us > row["expires_utc_us"]
    if is_late and not _is_after_confirmation(AdviceState(row["state"]), told):
        told, is_word = AdviceState.EXPIRED, False
    kind = AdviceKind.ADVICE if row["medication"] is None else AdviceKind.MEDICATION
    state = merged(kind, AdviceState(row["state"]), told, is_presumed=row["presumed"])
    is_change = state is not None and state.value != row["state"]
    is_late_news = is_word and row["answered_utc_us"] is None
    await connection.execute(
        "UPDATE advice SET state = COALESCE($2, state), presumed = CASE WHEN $2 IS NULL"
        " THEN presumed ELSE $10 END,"
        " answered_utc_us = CASE WHEN $3 THEN COALESCE(answered_utc_us, $4) ELSE answered_utc_us"
        " END, answered_by = CASE WHEN $3 THEN COALESCE(answered_by, $5) ELSE answered_by END,"
        " reason = CASE WHEN $3 AND $2 IS NOT NULL THEN $6 ELSE reason END,"
        " read_back = COALESCE(read_back, $7), administered_utc_us = COALESCE(administered_utc_us,"
        " $8), administered_dose = COALESCE(administered_dose, $9) WHERE advice_id = $1",
        message.order_id,
        None if state is None else state.value,
        is_word,
        said_us,
        message.by,
        message.reason,
        None if is_late else message.read_back,
        message.administered_utc_us,
        message.administered_dose,
        is_late,  # a word in time may still be on its way
    )
    return await find(connection, message.order_id) if is_change or is_late_news else None


async def ask_withdrawal(
    connection: Connection, advice_id: str, *, by: str, now_utc_us: int
) -> Advice | None:
    """Note that a doctor takes an advice back; None if it was taken back before.

    Raises:
        NotFoundError: no such advice.
    """
    found = await find(connection, advice_id)
    asked = await connection.execute(
        "UPDATE advice SET withdraw_asked_utc_us = $2"
        " WHERE advice_id = $1 AND withdraw_asked_utc_us IS NULL",
        advice_id,
        now_utc_us,
    )
    if asked == "UPDATE 0":
        return None
    await _note(connection, advice_id, "withdraw_asked", now_utc_us, by)
    return await find(connection, found.advice_id)


async def expire(connection: Connection, *, now_utc_us: int) -> list[Advice]:
    """Call expired what nobody has answered in time; return what changed."""
    rows = await connection.fetch(
        "UPDATE advice SET state = 'expired', presumed = true"
        " WHERE state IN ('sent', 'delivered', 'seen', 'read_back')"
        " AND expires_utc_us < $1 RETURNING advice_id",
        now_utc_us,
    )
    for row in rows:
        await _note(connection, row["advice_id"], AdviceState.EXPIRED, now_utc_us, None)
    return [await find(connection, str(row["advice_id"])) for row in rows]


async def of_encounter(pool: Pool, encounter_id: EncounterId) -> list[Advice]:
    """Return the encounter's advice, oldest first."""
    rows = await pool.fetch(
        f"{_ADVICE} WHERE a.encounter_id = $1 ORDER BY a.given_utc_us LIMIT 1000",
        encounter_id,
    )
    return [_advice(row) for row in rows]


async def count_open(asked: Asked, encounter_id: EncounterId) -> int:
    """Return how much of the encounter's advice nobody has answered."""
    found = await asked.fetchval(
        "SELECT count(*) FROM advice WHERE encounter_id = $1"
        " AND state IN ('sent', 'delivered', 'seen', 'read_back')",
        encounter_id,
    )
    return int(found)


def _is_after_confirmation(known: AdviceState, told: AdviceState) -> bool:
    """Say whether the crew declines a drug that it had confirmed: no time is set for that."""
    confirmed = {AdviceState.CONFIRMED, AdviceState.LAPSED}
    return told is AdviceState.DECLINED and known in confirmed


async def _note(  # noqa: PLR0913, PLR0917 -- what a change is
    connection: Connection,
    advice_id: object,
    state: str,
    at_utc_us: int,
    by: str | None,
    detail: str | None = None,
) -> bool:
    """Put a change on record; return whether it was not there."""
    done = await connection.execute(
        "INSERT INTO advice_change (advice_id, state, at_utc_us, by_whom, detail)"
        " SELECT $1, $2, $3, $4, $5"
        " WHERE (SELECT count(*) FROM advice_change WHERE advice_id = $1) < $6"
        " ON CONFLICT DO NOTHING",
        advice_id,
        str(state),
        at_utc_us,
        by,
        detail,
        _MOST_CHANGES,
    )
    return bool(done.endswith(" 1"))


def _advice(row: asyncpg.Record) -> Advice:
    drug, picture = row["medication"], row["picture"]
    return Advice(
        advice_id=OrderId(str(row["advice_id"])),
        encounter_id=EncounterId(str(row["encounter_id"])),
        unit=UnitId(row["unit"]),
        text=row["text"],
        given_by=row["given_by"],
        given_utc_us=row["given_utc_us"],
        expires_utc_us=row["expires_utc_us"],
        state=AdviceState(row["state"]),
        medication=None if drug is None else Medication.model_validate_json(drug),
        picture=None if picture is None else Picture.model_validate_json(picture),
        answered_utc_us=row["answered_utc_us"],
        answered_by=row["answered_by"],
        reason=row["reason"],
        read_back=row["read_back"],
        withdraw_asked_utc_us=row["withdraw_asked_utc_us"],
        administered_utc_us=row["administered_utc_us"],
        administered_dose=row["administered_dose"],
        steps=tuple(Step(**step) for step in json.loads(row["steps"])),
    )
