"""Partitions: which ingest worker holds which, by an advisory lock of its session.

The lock lives as long as the connection does, and the records are committed on that connection: a
worker that has lost its partitions cannot write. Source: PostgreSQL, "Advisory Locks".
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import asyncpg

from hub.store.database import DATABASE_ERRORS
from protocols.clock import Clock

if TYPE_CHECKING:  # generic for the checker alone
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

_LOCKS: Final = 0x60_1D_47
"""The first of the two keys of each lock; the second is the partition."""

_AGAIN_S: Final = 0.5


async def hold(
    url: str, partitions: Sequence[int], clock: Clock, *, on_wait: Callable[[str], None]
) -> "Connection":
    """Return a connection that holds `partitions`, once it can; end it to let them go.

    `on_wait` is told, once of each, why it takes long: `away`, the database; `taken`, by another.
    """
    told: set[str] = set()
    while True:
        try:
            connection: Connection = await asyncpg.connect(url, timeout=10, command_timeout=60)
        except DATABASE_ERRORS:
            why = "away"
        else:
            if await _has_taken(connection, partitions):
                return connection
            connection.terminate()
            why = "taken"
        if why not in told:
            told.add(why)
            on_wait(why)
        await clock.sleep(_AGAIN_S)


async def _has_taken(connection: "Connection", partitions: Sequence[int]) -> bool:
    """Take all of `partitions`; where others hold some of them the connection is of no use.

    With a part of them it would keep others waiting who hold what it waits for.
    """
    try:
        rows = await connection.fetch(
            "SELECT pg_try_advisory_lock($1, part) AS is_ours FROM unnest($2::int[]) AS p(part)",
            _LOCKS,
            list(partitions),
        )
    except DATABASE_ERRORS:
        return False
    except BaseException:
        connection.terminate()
        raise
    return all(row["is_ours"] for row in rows)
