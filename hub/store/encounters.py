"""Encounters: a unit has at most one open at a time."""

from dataclasses import dataclass
from typing import Final, Literal

import asyncpg

from hub.store.database import Asked, Connection, Pool
from protocols.errors import NotFoundError
from protocols.ids import EncounterId, UnitId

_ENCOUNTER: Final = (
    "SELECT e.*, LEAST(e.opened_utc_us, (SELECT min(a.opened_utc_us) FROM encounter_alias a"
    " WHERE a.encounter_id = e.encounter_id)) AS since_utc_us,"
    " ARRAY(SELECT a.alias::text FROM encounter_alias a WHERE a.encounter_id = e.encounter_id)"
    " AS aliases FROM encounter e"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """One patient in one unit's care.

    `since_utc_us`: when the patient came into it, by whoever opened the encounter first.
    `aliases`: further ids under which the vehicle speaks of it.
    """

    encounter_id: EncounterId
    unit: UnitId
    opened_utc_us: int
    opened_by: str
    run_id: str | None
    closed_utc_us: int | None
    since_utc_us: int
    aliases: tuple[str, ...]

    @property
    def state(self) -> Literal["open", "closed"]:
        """Whether the patient is still in the unit's care."""
        return "open" if self.closed_utc_us is None else "closed"

    @property
    def is_by_crew(self) -> bool:
        """The crew opened it, not a doctor."""
        return self.opened_by == crew_of(self.unit)


def crew_of(unit: UnitId) -> str:
    """Return who `opened_by` names when the crew did."""
    return f"unit:{unit}"


async def lock(connection: Connection, unit: UnitId) -> None:
    """Have the transaction alone change the unit's encounters, until it ends."""
    await connection.execute("SELECT 1 FROM unit WHERE unit = $1 FOR UPDATE", unit)


async def find(asked: Asked, encounter_id: str) -> Encounter:
    """Return the encounter of that id, or that the id is an alias of.

    Raises:
        NotFoundError: there is none.
    """
    row = await asked.fetchrow(
        f"{_ENCOUNTER} WHERE e.encounter_id = COALESCE("  # noqa: S608 -- a constant
        "(SELECT encounter_id FROM encounter_alias WHERE alias = $1), $1)",
        encounter_id,
    )
    if row is None:
        raise NotFoundError(what="encounter", encounter_id=encounter_id)
    return _encounter(row)


async def open_of(asked: Asked, unit: UnitId) -> Encounter | None:
    """Return the unit's open encounter."""
    row = await asked.fetchrow(f"{_ENCOUNTER} WHERE e.unit = $1 AND closed_utc_us IS NULL", unit)
    return None if row is None else _encounter(row)


async def listed(
    pool: Pool, *, state: Literal["open", "closed", "all"], unit: UnitId | None, limit: int = 500
) -> list[Encounter]:
    """Return encounters, newest first."""
    rows = await pool.fetch(
        f"{_ENCOUNTER} WHERE ($1 = 'all' OR (closed_utc_us IS NULL) = ($1 = 'open'))"
        " AND ($2::text IS NULL OR e.unit = $2) ORDER BY opened_utc_us DESC LIMIT $3",
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
    implied_close_utc_us: int | None = None,
) -> None:
    """Add an encounter; `implied_close_utc_us` is when the unit's next one began, if it has."""
    await connection.execute(
        "INSERT INTO encounter VALUES ($1, $2, $3, $4, $5, $6, $6::bigint IS NOT NULL)",
        encounter_id,
        unit,
        opened_utc_us,
        opened_by,
        run_id,
        implied_close_utc_us,
    )


async def close(
    connection: Connection, encounter_id: EncounterId, *, at_utc_us: int, is_implied: bool = False
) -> None:
    """Close an encounter that is open, or say better when one closed that was implied to have."""
    await connection.execute(
        "UPDATE encounter SET closed_utc_us = GREATEST(opened_utc_us, $2), close_implied = $3"
        " WHERE encounter_id = $1 AND (closed_utc_us IS NULL OR (close_implied AND NOT $3))",
        encounter_id,
        at_utc_us,
        is_implied,
    )


async def is_known(connection: Connection, encounter_id: str) -> bool:
    """Say whether the id is an encounter's or an alias."""
    found = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM encounter WHERE encounter_id = $1)"
        " OR EXISTS (SELECT 1 FROM encounter_alias WHERE alias = $1)",
        encounter_id,
    )
    return bool(found)


async def note_earlier(
    connection: Connection, encounter_id: str, unit: UnitId, *, opened_utc_us: int
) -> None:
    """Set back when the crew opened an encounter, if it was earlier than is known."""
    await connection.execute(
        "UPDATE encounter SET opened_utc_us = $3 WHERE encounter_id = $1 AND unit = $2"
        " AND opened_by = $4 AND opened_utc_us > $3",
        encounter_id,
        unit,
        opened_utc_us,
        crew_of(unit),
    )
    await connection.execute(
        "UPDATE encounter_alias a SET opened_utc_us = $3 FROM encounter e WHERE a.alias = $1"
        " AND a.opened_utc_us > $3 AND e.encounter_id = a.encounter_id AND e.unit = $2",
        encounter_id,
        unit,
        opened_utc_us,
    )


async def next_opening(connection: Connection, unit: UnitId, *, after_utc_us: int) -> int | None:
    """Return when the crew opened its first encounter after `after_utc_us`, if it has."""
    found = await connection.fetchval(
        "SELECT min(opened_utc_us) FROM encounter WHERE unit = $1 AND opened_by = $2"
        " AND opened_utc_us > $3",
        unit,
        crew_of(unit),
        after_utc_us,
    )
    return None if found is None else int(found)


async def note_early_close(
    connection: Connection, encounter_id: str, unit: UnitId, *, at_utc_us: int
) -> None:
    """Keep the close of an encounter that has not been heard to open."""
    await connection.execute(
        "INSERT INTO encounter_early_close VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        encounter_id,
        unit,
        at_utc_us,
    )


async def take_early_close(connection: Connection, encounter_id: str, unit: UnitId) -> int | None:
    """Remove and return such a close, UTC µs."""
    found = await connection.fetchval(
        "DELETE FROM encounter_early_close WHERE encounter_id = $1 AND unit = $2"
        " RETURNING closed_utc_us",
        encounter_id,
        unit,
    )
    return None if found is None else int(found)


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


async def alias_opened(connection: Connection, alias: str) -> int | None:
    """Return when the crew opened what `alias` names, or None if it is no alias."""
    found = await connection.fetchval(
        "SELECT opened_utc_us FROM encounter_alias WHERE alias = $1", alias
    )
    return None if found is None else int(found)


async def aliases_after(
    connection: Connection, encounter_id: EncounterId, *, after_utc_us: int
) -> list[tuple[str, int]]:
    """Return (alias, opened) of those opened after `after_utc_us`, oldest first."""
    rows = await connection.fetch(
        "SELECT alias::text, opened_utc_us FROM encounter_alias"
        " WHERE encounter_id = $1 AND opened_utc_us > $2 ORDER BY opened_utc_us",
        encounter_id,
        after_utc_us,
    )
    return [(row["alias"], row["opened_utc_us"]) for row in rows]


async def drop_alias(connection: Connection, alias: str) -> None:
    """Make `alias` nobody's name."""
    await connection.execute("DELETE FROM encounter_alias WHERE alias = $1", alias)


def _encounter(row: asyncpg.Record) -> Encounter:
    return Encounter(
        encounter_id=EncounterId(str(row["encounter_id"])),
        unit=UnitId(row["unit"]),
        opened_utc_us=row["opened_utc_us"],
        opened_by=row["opened_by"],
        run_id=row["run_id"],
        closed_utc_us=row["closed_utc_us"],
        since_utc_us=row["since_utc_us"],
        aliases=tuple(row["aliases"]),
    )
