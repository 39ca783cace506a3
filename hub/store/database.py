"""The database: a pool of connections, and the schema brought up to date."""

import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator
from importlib import resources
from typing import TYPE_CHECKING, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from protocols.errors import StorageError

if TYPE_CHECKING:  # generic for the checker alone
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection

Asked: TypeAlias = "Pool | Connection"
"""What a query may be put to: a pool (by itself) or a connection (inside a transaction)."""

log = logging.getLogger(__name__)

DATABASE_ERRORS: Final = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a query raises when the database is away or refuses; `TimeoutError` is an `OSError`, and the
last is what the driver says where a server was killed in the middle of a COPY."""

NEVER_STORED: Final = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""Of those: the database works and takes none of this, now or ever; it is not asked again."""

_MIGRATION_LOCK: Final = 0x60_1D_E2
"""Advisory lock under which one process at a time changes the schema."""


@contextlib.asynccontextmanager
async def transaction(asked: Asked) -> AsyncIterator[Connection]:
    """Yield a connection in a transaction: one of a pool's, or the one that is given."""
    if isinstance(asked, asyncpg.Pool):
        async with asked.acquire() as connection, connection.transaction():
            yield connection
    else:
        async with asked.transaction():
            yield asked


async def open_pool(url: str, *, most: int = 8) -> Pool:
    """Return a pool of at most `most` connections to the database at `url`.

    Raises:
        StorageError: it cannot be reached; the URL is not shown, for it holds a password.
    """
    try:
        return await asyncpg.create_pool(url, min_size=1, max_size=most, command_timeout=60)
    except (*DATABASE_ERRORS, ValueError) as err:
        raise StorageError(
            reason="the database cannot be reached", detail=f"{type(err).__name__}: {err}"[:200]
        ) from err


async def migrate(pool: Pool) -> None:
    """Apply, in order and each in a transaction of its own, every migration not yet applied.

    Raises:
        StorageError: a migration that was applied has since been changed.
    """
    async with pool.acquire() as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
        try:
            await _apply_missing(connection)
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", _MIGRATION_LOCK)


async def _apply_missing(connection: Connection) -> None:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migration"
        " (name text PRIMARY KEY, sha256 text NOT NULL, applied timestamptz DEFAULT now())"
    )
    rows = await connection.fetch("SELECT name, sha256 FROM migration")
    applied = {row["name"]: row["sha256"] for row in rows}
    for name, text, digest in _migrations():
        if name in applied:
            if applied[name] != digest:
                raise StorageError(reason="an applied migration was changed", name=name)
            continue
        async with connection.transaction():
            await connection.execute(text)
            await connection.execute(
                "INSERT INTO migration (name, sha256) VALUES ($1, $2)", name, digest
            )
        log.info("store.migrated", extra={"migration": name})


def _migrations() -> list[tuple[str, str, str]]:
    folder = resources.files("hub.store.migrations")
    found = sorted(
        (entry.name, entry.read_text()) for entry in folder.iterdir() if entry.name.endswith(".sql")
    )
    return [(name, text, hashlib.sha256(text.encode()).hexdigest()) for name, text in found]
