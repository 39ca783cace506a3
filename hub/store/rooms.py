"""Rooms: who was there from when to when, and everything that happened."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

import asyncpg

from hub.store.database import Asked, Connection, Pool
from protocols.consult.seats import Left, Seat
from protocols.ids import EncounterId

MOST_EVENTS: Final = 5_000
"""Of one encounter; past it what is said is refused, and the rest is counted as not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened in a room."""

    number: int
    at_utc_us: int
    kind: str
    by: str | None
    facts: Mapping[str, str]


async def note(  # noqa: PLR0913 -- what an event is
    connection: Connection,
    encounter_id: EncounterId,
    kind: str,
    *,
    at_utc_us: int,
    by: str | None = None,
    key: str | None = None,
    **facts: str,
) -> Event | None:
    """Put an event on record; None if it stands there already, or the room's record is full."""
    row = await connection.fetchrow(
        "INSERT INTO room_event (encounter_id, at_utc_us, kind, by_whom, facts, key)"
        " SELECT $1, $2, $3, $4, $5, $6 WHERE"
        " (SELECT count(*) FROM room_event WHERE encounter_id = $1) < $7"
        " ON CONFLICT DO NOTHING RETURNING *",
        encounter_id,
        at_utc_us,
        kind,
        by,
        json.dumps(facts, ensure_ascii=False),
        key,
        MOST_EVENTS,
    )
    return None if row is None else _event(row)


async def events_of(asked: Asked, encounter_id: EncounterId) -> list[Event]:
    """Return what happened in a room, as it fell."""
    rows = await asked.fetch(
        "SELECT * FROM room_event WHERE encounter_id = $1 ORDER BY at_utc_us, number",
        encounter_id,
    )
    return [_event(row) for row in rows]


async def sat_down(connection: Connection, encounter_id: EncounterId, seat: Seat) -> None:
    """Keep that somebody came in."""
    await connection.execute(
        "INSERT INTO seat VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        encounter_id,
        seat.subject,
        seat.name,
        seat.organisation,
        seat.role,
        seat.joined_utc_us,
    )


async def stood_up(
    connection: Connection, encounter_id: EncounterId, subject: str, why: Left, *, at_utc_us: int
) -> None:
    """Keep that somebody left, and why."""
    await connection.execute(
        "UPDATE seat SET left_utc_us = $3, why = $4"
        " WHERE encounter_id = $1 AND subject = $2 AND left_utc_us IS NULL",
        encounter_id,
        subject,
        at_utc_us,
        why.value,
    )


async def held(pool: Pool) -> list[tuple[EncounterId, Seat]]:
    """Return the seats that nobody has left: of before the hub's start."""
    rows = await pool.fetch("SELECT * FROM seat WHERE left_utc_us IS NULL LIMIT 100000")
    return [(EncounterId(str(row["encounter_id"])), _seat(row)) for row in rows]


def _seat(row: asyncpg.Record) -> Seat:
    return Seat(
        subject=row["subject"],
        name=row["name"],
        organisation=row["organisation"],
        role=cast("Literal['doctor', 'guest']", row["role"]),
        joined_utc_us=row["joined_utc_us"],
        screen=None,
        lost_utc_us=0,
    )


def _event(row: asyncpg.Record) -> Event:
    return Event(
        number=row["number"],
        at_utc_us=row["at_utc_us"],
        kind=row["kind"],
        by=row["by_whom"],
        facts=json.loads(row["facts"]),
    )
