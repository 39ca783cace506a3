"""Guest links: who was let into which encounter, until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from hub.store.database import Asked, Connection, Pool
from protocols.errors import NotFoundError
from protocols.ids import EncounterId, UnitId

_STANDS: Final = "g.revoked_utc_us IS NULL AND g.expires_utc_us > $2 AND e.closed_utc_us IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """One link and its holder."""

    guest_id: str
    encounter_id: EncounterId
    unit: UnitId
    name: str
    invited_by: str
    created_utc_us: int
    expires_utc_us: int
    revoked_utc_us: int | None
    opened_utc_us: int | None


async def insert(  # noqa: PLR0913 -- what a link is
    connection: Connection,
    guest_id: str,
    encounter_id: EncounterId,
    *,
    name: str,
    token_sha256: bytes,
    invited_by: str,
    now_utc_us: int,
    expires_utc_us: int,
) -> None:
    """Add a link."""
    await connection.execute(
        "INSERT INTO guest VALUES ($1, $2, $3, $4, $5, $6, $7)",
        guest_id,
        encounter_id,
        name,
        token_sha256,
        invited_by,
        now_utc_us,
        expires_utc_us,
    )


async def count_standing(asked: Asked, encounter_id: EncounterId, *, now_utc_us: int) -> int:
    """Return how many links of the encounter still open it."""
    found = await asked.fetchval(
        "SELECT count(*) FROM guest g JOIN encounter e USING (encounter_id)"  # noqa: S608 -- a constant
        f" WHERE g.encounter_id = $1 AND {_STANDS}",
        encounter_id,
        now_utc_us,
    )
    return int(found)


async def of_encounter(asked: Asked, encounter_id: EncounterId) -> list[Guest]:
    """Return the encounter's links, newest first."""
    rows = await asked.fetch(
        "SELECT g.*, e.unit FROM guest g JOIN encounter e USING (encounter_id)"
        " WHERE g.encounter_id = $1 ORDER BY g.created_utc_us DESC LIMIT 200",
        encounter_id,
    )
    return [_guest(row) for row in rows]


async def of_token(pool: Pool, token_sha256: bytes, *, now_utc_us: int) -> Guest | None:
    """Return whose link this is, while it opens something."""
    row = await pool.fetchrow(
        "SELECT g.*, e.unit FROM guest g JOIN encounter e USING (encounter_id)"  # noqa: S608 -- a constant
        f" WHERE g.token_sha256 = $1 AND {_STANDS}",
        token_sha256,
        now_utc_us,
    )
    return None if row is None else _guest(row)


async def note_opened(connection: Connection, guest_id: str, *, now_utc_us: int) -> bool:
    """Keep when the link was first used; return whether that is now."""
    done = await connection.execute(
        "UPDATE guest SET opened_utc_us = $2 WHERE guest_id = $1 AND opened_utc_us IS NULL",
        guest_id,
        now_utc_us,
    )
    return bool(done.endswith(" 1"))


async def revoke(
    connection: Connection, encounter_id: EncounterId, guest_id: str, *, now_utc_us: int
) -> Guest:
    """Take a link back.

    Raises:
        NotFoundError: the encounter has no such link, or it was taken back before.
    """
    row = await connection.fetchrow(
        "UPDATE guest g SET revoked_utc_us = $3 FROM encounter e WHERE g.guest_id = $2"
        " AND g.encounter_id = $1 AND e.encounter_id = g.encounter_id"
        " AND g.revoked_utc_us IS NULL RETURNING g.*, e.unit",
        encounter_id,
        guest_id,
        now_utc_us,
    )
    if row is None:
        raise NotFoundError(what="guest", guest_id=guest_id)
    return _guest(row)


async def standing(pool: Pool, guest_ids: Sequence[str], *, now_utc_us: int) -> list[str]:
    """Return those of the links that still open their encounter."""
    rows = await pool.fetch(
        "SELECT g.guest_id FROM guest g JOIN encounter e USING (encounter_id)"  # noqa: S608 -- a constant
        f" WHERE g.guest_id = ANY($1::uuid[]) AND {_STANDS}",
        guest_ids,
        now_utc_us,
    )
    return [str(row["guest_id"]) for row in rows]


def _guest(row: asyncpg.Record) -> Guest:
    return Guest(
        guest_id=str(row["guest_id"]),
        encounter_id=EncounterId(str(row["encounter_id"])),
        unit=UnitId(row["unit"]),
        name=row["name"],
        invited_by=row["invited_by"],
        created_utc_us=row["created_utc_us"],
        expires_utc_us=row["expires_utc_us"],
        revoked_utc_us=row["revoked_utc_us"],
        opened_utc_us=row["opened_utc_us"],
    )
