"""The audit chain: who did or saw what, each row sealed to the one before it."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import asyncpg

from hub.store.database import Pool

_LOCK: Final = 0x60_1D_E3
_PAGE: Final = 2_000
_GENESIS: Final = b"\0" * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that somebody did, saw, or was refused. No clinical content, only ids."""

    at_utc_us: int
    actor: str
    action: str
    subject: str
    outcome: Literal["done", "refused"] = "done"
    facts: dict[str, str]


async def append(pool: Pool, entry: Entry) -> None:
    """Add `entry` to the end of the chain; durable when this returns."""
    await append_all(pool, [entry])


async def append_all(pool: Pool, entries: Sequence[Entry]) -> None:
    """Add `entries` to the end of the chain in their order, all or none; durable on return."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        last = await connection.fetchrow(
            "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1"
        )
        number, digest = (0, _GENESIS) if last is None else (last["number"], last["hash"])
        rows: list[tuple[object, ...]] = []
        for entry in entries:
            number += 1
            facts = json.dumps(entry.facts, sort_keys=True, ensure_ascii=False)
            digest = _digest(digest, number, entry, facts)
            rows.append(
                (number, entry.at_utc_us, entry.actor, entry.action, entry.subject, entry.outcome,
                 facts, digest)
            )  # fmt: skip
        await connection.executemany(
            "INSERT INTO audit VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", rows
        )


async def read(pool: Pool, *, before: int | None, limit: int) -> list[asyncpg.Record]:
    """Return entries, newest first, with a number below `before`."""
    return await pool.fetch(
        "SELECT number, at_utc_us, actor, action, subject, outcome, facts FROM audit"
        " WHERE $1::bigint IS NULL OR number < $1 ORDER BY number DESC LIMIT $2",
        before,
        limit,
    )


async def first_broken(pool: Pool) -> int | None:
    """Return the number of the first entry that does not follow from the one before it."""
    last_number, last_hash = 0, _GENESIS
    while True:
        rows = await pool.fetch(
            "SELECT * FROM audit WHERE number > $1 ORDER BY number LIMIT $2", last_number, _PAGE
        )
        if not rows:
            return None
        broken = await asyncio.to_thread(_first_broken, rows, last_number, last_hash)
        if broken is not None:
            return broken
        last_number, last_hash = rows[-1]["number"], rows[-1]["hash"]


def _first_broken(rows: Sequence[asyncpg.Record], number: int, previous: bytes) -> int | None:
    """Return the first of `rows` that does not follow from the entry `number` before them."""
    for row in rows:
        number += 1
        facts = json.loads(row["facts"])
        entry = Entry(
            at_utc_us=row["at_utc_us"], actor=row["actor"], action=row["action"],
            subject=row["subject"], outcome=row["outcome"], facts=facts,
        )  # fmt: skip
        text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
        digest = _digest(previous, row["number"], entry, text)
        if row["number"] != number or digest != row["hash"]:
            return int(row["number"])
        previous = row["hash"]
    return None


def _digest(previous: bytes, number: int, entry: Entry, facts: str) -> bytes:
    sealed = [number, entry.at_utc_us, entry.actor, entry.action, entry.subject, entry.outcome]
    text = json.dumps([*sealed, facts], ensure_ascii=False)
    return hashlib.sha256(previous + text.encode()).digest()
