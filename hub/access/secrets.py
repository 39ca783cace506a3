"""Passwords and tokens: how they are made, kept and checked."""

import asyncio
import hashlib
import secrets
from typing import Final

import bcrypt
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from protocols.errors import TooManyTriesError

_MACHINE_ROUNDS: Final = 4
"""A unit's password is 256 random bits: stretching it adds nothing, and thousands connect at once
after a broker's restart."""


_BCRYPT_BYTES: Final = 72
"""bcrypt reads no more. Source: Provos and Mazieres, A Future-Adaptable Password Scheme, 1999."""

MOST_WAITING: Final = 20
"""Half a second of work; who comes then is asked to come again."""


class Passwords:
    """Argon2id (RFC 9106) hashes, computed off the loop, two at a time: each takes 64 MiB."""

    def __init__(self) -> None:
        self._hasher = PasswordHash((Argon2Hasher(),))
        self._turn = asyncio.Semaphore(2)
        self._waiting = 0
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """Return the hash to keep."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password: str, kept: str | None) -> bool:
        """Say whether `password` is the one; an unknown account takes as long as a known one.

        Raises:
            TooManyTriesError: `MOST_WAITING` are being looked at.
        """
        if self._waiting >= MOST_WAITING:
            raise TooManyTriesError(wait_s=1)
        self._waiting += 1
        try:
            async with self._turn:
                good = await asyncio.to_thread(self._hasher.verify, password, kept or self._nobody)
        finally:
            self._waiting -= 1
        return good and kept is not None


def new_token() -> str:
    """Return 256 random bits as text safe in a URL, a header and a password field."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> bytes:
    """Return what is kept of a token: a stolen table opens no session."""
    return hashlib.sha256(token.encode()).digest()


def machine_hash(password: str) -> str:
    """Return the bcrypt hash of a unit's password, in the form that the broker reads."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(_MACHINE_ROUNDS, prefix=b"2a")).decode()


def machine_matches(password: str, kept: str) -> bool:
    """Say whether `password` is the unit's; constant time in its content."""
    given = password.encode()
    return (
        len(given) <= _BCRYPT_BYTES and b"\0" not in given and bcrypt.checkpw(given, kept.encode())
    )
