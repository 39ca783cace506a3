"""Units: who is enrolled, with which credential, and the presence last heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import asyncpg

from hub.store.database import Asked, Pool
from protocols.errors import ConflictError, NotFoundError
from protocols.ids import JournalId, UnitId
from protocols.messages import Presence

Profile = Literal["ambulance", "patrol"]

CHANGED: Final = "unit_changed"
"""PostgreSQL channel on which a change of credentials is told: the unit, or nothing for many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One enrolled unit."""

    unit: UnitId
    call_sign: str
    profile: Profile
    organisation: str
    password_bcrypt: str
    order_journal: JournalId
    light: bool
    presence: Presence | None


async def enrol(  # noqa: PLR0913 -- all that is known of a new unit
    pool: Pool,
    unit: UnitId,
    *,
    call_sign: str,
    profile: Profile,
    organisation: str,
    password_bcrypt: str,
    light: bool,
    replace: bool,
    now_utc_us: int,
) -> None:
    """Add `unit`, or with `replace` give the one that stands a new credential and description.

    Raises:
        ConflictError: it is enrolled already and `replace` was not asked for.
    """
    update = (
        "DO UPDATE SET call_sign = $2, profile = $3, organisation = $4, password_bcrypt = $5,"
        " light = $6, revoked_utc_us = NULL"
        if replace
        else "DO NOTHING"
    )
    status = await pool.execute(
        "INSERT INTO unit (unit, call_sign, profile, organisation, password_bcrypt, light,"  # noqa: S608 -- `update` is one of two constants
        f" enrolled_utc_us) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (unit) {update}",
        unit,
        call_sign,
        profile,
        organisation,
        password_bcrypt,
        light,
        now_utc_us,
    )
    if status.endswith(" 0"):
        raise ConflictError(reason="the unit is enrolled already", unit=unit)
    await _tell_of_change(pool, unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUnit:
    """A unit to be."""

    unit: UnitId
    call_sign: str
    profile: Profile
    organisation: str
    password_bcrypt: str
    light: bool


async def enrol_many(
    pool: Pool, wanted: Sequence[NewUnit], *, replace: bool, now_utc_us: int
) -> None:
    """Add all of `wanted`, each as `enrol` does, or none.

    Raises:
        ConflictError: one is enrolled already and `replace` was not asked for; the first is named.
    """
    update = (
        "DO UPDATE SET call_sign = EXCLUDED.call_sign, profile = EXCLUDED.profile,"
        " organisation = EXCLUDED.organisation, password_bcrypt = EXCLUDED.password_bcrypt,"
        " light = EXCLUDED.light, revoked_utc_us = NULL"
        if replace
        else "DO NOTHING"
    )
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(
            "INSERT INTO unit (unit, call_sign, profile, organisation, password_bcrypt, light,"  # noqa: S608 -- `update` is one of two constants
            " enrolled_utc_us) SELECT *, $7::bigint FROM unnest($1::text[], $2::text[], $3::text[],"
            f" $4::text[], $5::text[], $6::boolean[]) ON CONFLICT (unit) {update} RETURNING unit",
            [one.unit for one in wanted],
            [one.call_sign for one in wanted],
            [one.profile for one in wanted],
            [one.organisation for one in wanted],
            [one.password_bcrypt for one in wanted],
            [one.light for one in wanted],
            now_utc_us,
        )
        added = {row["unit"] for row in rows}
        for one in wanted:
            if one.unit not in added:
                raise ConflictError(reason="the unit is enrolled already", unit=one.unit)
        await _tell_of_change(connection, "")


async def revoke(pool: Pool, unit: UnitId, *, now_utc_us: int) -> None:
    """Take `unit`'s credential away; its records stay.

    Raises:
        NotFoundError: no such unit, or revoked before.
    """
    status = await pool.execute(
        "UPDATE unit SET revoked_utc_us = $2 WHERE unit = $1 AND revoked_utc_us IS NULL",
        unit,
        now_utc_us,
    )
    if status.endswith(" 0"):
        raise NotFoundError(what="unit", unit=unit)
    await _tell_of_change(pool, unit)


async def everyone(pool: Pool) -> list[Unit]:
    """Return the units whose credential is good, by id."""
    rows = await pool.fetch("SELECT * FROM unit WHERE revoked_utc_us IS NULL ORDER BY unit")
    return [_unit(row) for row in rows]


async def find(pool: Pool, unit: UnitId) -> Unit:
    """Return the unit.

    Raises:
        NotFoundError: none of that id is enrolled.
    """
    row = await pool.fetchrow("SELECT * FROM unit WHERE unit = $1 AND revoked_utc_us IS NULL", unit)
    if row is None:
        raise NotFoundError(what="unit", unit=unit)
    return _unit(row)


async def of_names(pool: Pool, names: Sequence[UnitId]) -> list[Unit]:
    """Return those of `names` whose credential is good."""
    rows = await pool.fetch(
        "SELECT * FROM unit WHERE unit = ANY($1) AND revoked_utc_us IS NULL", names
    )
    return [_unit(row) for row in rows]


async def note_presences(pool: Pool, heard: Mapping[UnitId, Presence]) -> None:
    """Keep the presence last heard of these units, so that a restarted hub knows it.

    All of them are kept, or none.
    """
    await pool.execute(
        "UPDATE unit SET presence = heard.presence"
        " FROM unnest($1::text[], $2::jsonb[]) AS heard(unit, presence)"
        " WHERE unit.unit = heard.unit",
        list(heard),
        [presence.model_dump_json() for presence in heard.values()],
    )


async def _tell_of_change(asked: Asked, name: str) -> None:
    """Tell every hub process whose credential has changed; `name` empty: many of them."""
    await asked.execute("SELECT pg_notify($1, $2)", CHANGED, name)


def _unit(row: asyncpg.Record) -> Unit:
    presence = row["presence"]
    return Unit(
        unit=UnitId(row["unit"]),
        call_sign=row["call_sign"],
        profile=row["profile"],
        organisation=row["organisation"],
        password_bcrypt=row["password_bcrypt"],
        order_journal=JournalId(str(row["order_journal"])),
        light=row["light"],
        presence=None if presence is None else Presence.model_validate_json(presence),
    )
