"""Accounts and sessions: people, and the browsers in which they are signed in."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from hub.access.rights import Role
from hub.store.database import Pool
from protocols.errors import ConflictError, NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person who may sign in."""

    username: str
    display_name: str
    role: Role
    organisation: str
    password_argon2: str


async def add(pool: Pool, account: Account, *, replace: bool, now_utc_us: int) -> None:
    """Add `account`; with `replace`, change the one that stands and end its sessions.

    Raises:
        ConflictError: the name is taken and `replace` was not asked for.
    """
    async with pool.acquire() as connection, connection.transaction():
        if replace:
            await connection.execute("DELETE FROM session WHERE username = $1", account.username)
        status = await connection.execute(
            "INSERT INTO account VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (username) DO UPDATE"
            " SET display_name = $2, role = $3, organisation = $4, password_argon2 = $5,"
            " disabled_utc_us = NULL WHERE $7",
            account.username,
            account.display_name,
            account.role.value,
            account.organisation,
            account.password_argon2,
            now_utc_us,
            replace,
        )
    if status.endswith(" 0"):
        raise ConflictError(reason="the name is taken", username=account.username)


async def disable(pool: Pool, username: str, *, now_utc_us: int) -> None:
    """Let nobody sign in as `username` any more, and end its sessions.

    Raises:
        NotFoundError: no such account, or disabled before.
    """
    async with pool.acquire() as connection, connection.transaction():
        status = await connection.execute(
            "UPDATE account SET disabled_utc_us = $2"
            " WHERE username = $1 AND disabled_utc_us IS NULL",
            username,
            now_utc_us,
        )
        if status.endswith(" 0"):
            raise NotFoundError(what="account", username=username)
        await connection.execute("DELETE FROM session WHERE username = $1", username)


async def find(pool: Pool, username: str) -> Account | None:
    """Return the account of that name, unless it was disabled."""
    row = await pool.fetchrow(
        "SELECT * FROM account WHERE username = $1 AND disabled_utc_us IS NULL", username
    )
    return None if row is None else _account(row)


async def open_session(
    pool: Pool, token_sha256: bytes, username: str, *, now_utc_us: int, expires_utc_us: int
) -> None:
    """Sign `username` in, and clear away what has expired."""
    await pool.execute("DELETE FROM session WHERE expires_utc_us < $1", now_utc_us)
    await pool.execute(
        "INSERT INTO session VALUES ($1, $2, $3, $4)",
        token_sha256,
        username,
        now_utc_us,
        expires_utc_us,
    )


async def of_session(pool: Pool, token_sha256: bytes, *, now_utc_us: int) -> Account | None:
    """Return whose session this is, unless it has ended."""
    row = await pool.fetchrow(
        "SELECT a.* FROM session s JOIN account a USING (username) WHERE s.token_sha256 = $1"
        " AND s.expires_utc_us > $2 AND a.disabled_utc_us IS NULL",
        token_sha256,
        now_utc_us,
    )
    return None if row is None else _account(row)


async def standing(pool: Pool, tokens_sha256: Sequence[bytes], *, now_utc_us: int) -> list[bytes]:
    """Return those of the sessions that have not ended."""
    rows = await pool.fetch(
        "SELECT s.token_sha256 FROM session s JOIN account a USING (username)"
        " WHERE s.token_sha256 = ANY($1) AND s.expires_utc_us > $2 AND a.disabled_utc_us IS NULL",
        tokens_sha256,
        now_utc_us,
    )
    return [row["token_sha256"] for row in rows]


async def close_session(pool: Pool, token_sha256: bytes) -> None:
    """Sign out."""
    await pool.execute("DELETE FROM session WHERE token_sha256 = $1", token_sha256)


def _account(row: asyncpg.Record) -> Account:
    return Account(
        username=row["username"],
        display_name=row["display_name"],
        role=Role(row["role"]),
        organisation=row["organisation"],
        password_argon2=row["password_argon2"],
    )
