"""Rings: who was rung for which encounter, durable, so that a hub that starts again goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from hub.store.database import Asked, Connection
from protocols.consult.ringing import Call, CallState, Ringing, RingState
from protocols.errors import NotFoundError
from protocols.ids import EncounterId, UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """One ring and how it stands."""

    ring_id: str
    encounter_id: EncounterId
    unit: UnitId
    target: str
    asked_by: str
    asked_utc_us: int
    eta_utc_us: int | None
    ringing: Ringing


async def insert(connection: Connection, ring: Ring) -> bool:
    """Add a ring; return whether it is new: a crew's words may be told twice."""
    done = await connection.execute(
        "INSERT INTO ring VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        ring.ring_id,
        ring.encounter_id,
        ring.unit,
        ring.target,
        ring.asked_by,
        ring.asked_utc_us,
        ring.eta_utc_us,
        ring.ringing.state.value,
        ring.ringing.step,
        ring.ringing.step_until_utc_us,
    )
    if done.endswith(" 0"):
        return False
    await connection.executemany(
        "INSERT INTO ring_call VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            (
                ring.ring_id, call.username, call.name, call.organisation, call.step,
                call.state.value, call.rung_utc_us, call.ended_utc_us,
            )
            for call in ring.ringing.calls
        ],
    )  # fmt: skip
    return True


async def save(connection: Connection, ring_id: str, ringing: Ringing) -> None:
    """Keep how a ring stands now."""
    await connection.execute(
        "UPDATE ring SET state = $2, step = $3, step_until_utc_us = $4 WHERE ring_id = $1",
        ring_id,
        ringing.state.value,
        ringing.step,
        ringing.step_until_utc_us,
    )
    await connection.executemany(
        "UPDATE ring_call SET state = $3, rung_utc_us = $4, ended_utc_us = $5"
        " WHERE ring_id = $1 AND username = $2",
        [
            (ring_id, call.username, call.state.value, call.rung_utc_us, call.ended_utc_us)
            for call in ringing.calls
        ],
    )


async def find(asked: Asked, ring_id: str, *, lock: bool = False) -> Ring:
    """Return one ring; with `lock`, nobody else changes it until the transaction ends.

    Raises:
        NotFoundError: there is none.
    """
    found = await _rings(asked, "ring_id = $1" + (" FOR UPDATE" if lock else ""), ring_id)
    if not found:
        raise NotFoundError(what="ring", ring_id=ring_id)
    return found[0]


async def of_encounter(asked: Asked, encounter_id: EncounterId) -> list[Ring]:
    """Return the encounter's rings, newest first, at most 50."""
    return await _rings(
        asked, "encounter_id = $1 ORDER BY asked_utc_us DESC, ring_id LIMIT 50", encounter_id
    )


async def due(asked: Asked, *, now_utc_us: int) -> list[str]:
    """Return the rings whose present step is over."""
    rows = await asked.fetch(
        "SELECT ring_id FROM ring WHERE state = 'ringing' AND step_until_utc_us <= $1 LIMIT 200",
        now_utc_us,
    )
    return [str(row["ring_id"]) for row in rows]


async def of_person(asked: Asked, username: str) -> list[Ring]:
    """Return the rings that ring for somebody now, or did and still last, oldest first."""
    return await _rings(
        asked,
        "state = 'ringing' AND ring_id IN (SELECT ring_id FROM ring_call WHERE username = $1"
        " AND state IN ('ringing', 'timed_out')) ORDER BY asked_utc_us LIMIT 50",
        username,
    )


async def _rings(asked: Asked, where: str, value: object) -> list[Ring]:
    rows = await asked.fetch(f"SELECT * FROM ring WHERE {where}", value)  # noqa: S608 -- constants
    calls = await asked.fetch(
        "SELECT * FROM ring_call WHERE ring_id = ANY($1) ORDER BY step, name, username",
        [row["ring_id"] for row in rows],
    )
    return [_ring(row, [one for one in calls if one["ring_id"] == row["ring_id"]]) for row in rows]


def _ring(row: asyncpg.Record, calls: Sequence[asyncpg.Record]) -> Ring:
    return Ring(
        ring_id=str(row["ring_id"]),
        encounter_id=EncounterId(str(row["encounter_id"])),
        unit=UnitId(row["unit"]),
        target=row["target"],
        asked_by=row["asked_by"],
        asked_utc_us=row["asked_utc_us"],
        eta_utc_us=row["eta_utc_us"],
        ringing=Ringing(
            state=RingState(row["state"]),
            step=row["step"],
            step_until_utc_us=row["step_until_utc_us"],
            calls=tuple(
                Call(
                    username=one["username"],
                    name=one["name"],
                    organisation=one["organisation"],
                    step=one["step"],
                    state=CallState(one["state"]),
                    rung_utc_us=one["rung_utc_us"],
                    ended_utc_us=one["ended_utc_us"],
                )
                for one in calls
            ),
        ),
    )
