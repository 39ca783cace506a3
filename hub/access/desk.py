"""The desk: signs people in, knows units by their credential, enrols units, keeps the audit."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Collection
from typing import Final

from hub.access.guests import GRANT, Guests
from hub.access.metrics import REFUSED
from hub.access.rights import Principal, Role
from hub.access.secrets import (
    Passwords,
    machine_hash,
    machine_matches,
    new_token,
    token_digest,
)
from hub.store import accounts, audit, units
from hub.store.database import Pool
from protocols.clock import Clock
from protocols.errors import LocalProtocolError, NotFoundError, SignInError, TooManyTriesError
from protocols.http.tries import Tries, sender
from protocols.ids import UnitId, unit_id

log = logging.getLogger(__name__)

MAX_PASSWORD_CHARACTERS: Final = 256
USERNAME_PATTERN: Final = r"^[A-Za-z0-9._-]{1,64}$"
_TRIES: Final = 8
_TRIES_OF_ADDRESS: Final = 40
"""A hospital's people may share one address, and sign in when a shift begins."""

_WORDS: Final = 30
"""Texts that one person may write to rooms within a minute."""

_SESSION: Final = "session"
_UNIT: Final = "unit"
_LOOKS_REMEMBERED: Final = 4096
_LOOK_AGAIN_S: Final = 300.0
_SESSION_LOOK_S: Final = 30.0


class Desk:
    """All questions of access that need the database."""

    def __init__(self, pool: Pool, clock: Clock, *, session_s: float) -> None:
        self._pool = pool
        self._clock = clock
        self._session_us = int(session_s * 1_000_000)
        self._passwords = Passwords()
        self._tries = Tries(clock, most=_TRIES)
        self._tries_of_address = Tries(clock, most=_TRIES_OF_ADDRESS)
        self._refusals_noted = Tries(clock, most=1)
        self._words = Tries(clock, most=_WORDS)
        self.guests = Guests(pool, clock)
        self._watched: dict[bytes, set[asyncio.Event]] = {}
        self._looks: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def sign_in(self, username: str, password: str, *, address: str) -> tuple[Principal, str]:
        """Return who signed in from `address`, and the token of the new session.

        Raises:
            TooManyTriesError: too many wrong passwords for this name, or any, from this address
                within a minute; or too many people are signing in at this moment.
            SignInError: no such account, or not its password.
        """
        address = sender(address)
        try:
            self._tries_of_address.count(address)
            self._tries.count((username, address))
        except TooManyTriesError:
            REFUSED.labels("too-many-tries").inc()
            raise
        try:
            account = await accounts.find(self._pool, username)
            kept = account.password_argon2 if account else None
            is_right = await self._passwords.matches(password, kept)
        except Exception:  # it was not looked at: too many at once, or no database
            self._tries.forgive((username, address))
            self._tries_of_address.forgive(address)
            raise
        if not is_right or account is None:
            REFUSED.labels("wrong").inc()
            await self._note_refused_sign_in(username)
            raise SignInError(reason="wrong name or password")
        self._tries.forget((username, address))
        self._tries_of_address.forgive(address)
        token = new_token()
        now_us = self._clock.utc_us()
        await accounts.open_session(
            self._pool,
            token_digest(token),
            username,
            now_utc_us=now_us,
            expires_utc_us=now_us + self._session_us,
        )
        principal = _person(account, token_digest(token))
        await self.note(principal, "session.open", username)
        return principal, token

    async def _note_refused_sign_in(self, username: str) -> None:
        """Write it into the audit, once a minute for each name: a guesser does not fill it."""
        try:
            self._refusals_noted.count(username)
        except TooManyTriesError:
            return
        await self.note(None, "session.open", username, refused=True)

    async def who(self, token: str) -> Principal | None:
        """Return whose session `token` opens, or None."""
        digest = token_digest(token)
        account = await accounts.of_session(self._pool, digest, now_utc_us=self._clock.utc_us())
        return None if account is None else _person(account, digest)

    async def standing(self, grants: Collection[str]) -> set[str]:
        """Return those of `grants` (as `Principal.grant`) that still give their right."""
        kinds: dict[str, list[str]] = {}
        for grant in grants:
            kind, _, rest = grant.partition(":")
            kinds.setdefault(kind, []).append(rest)
        digests = [bytes.fromhex(one) for one in kinds.get(_SESSION, ())]
        people = await accounts.standing(self._pool, digests, now_utc_us=self._clock.utc_us())
        names = [UnitId(one.partition(":")[0]) for one in kinds.get(_UNIT, ())]
        vehicles = await units.of_names(self._pool, names)
        visitors = await self.guests.standing(kinds.get(GRANT, []))
        good = {_grant_of_session(one) for one in people} | {_grant_of(one) for one in vehicles}
        good |= {f"{GRANT}:{one}" for one in visitors}
        return good & set(grants)  # a unit may have a newer credential

    async def sign_out(self, principal: Principal, token: str) -> None:
        """End the session."""
        digest = token_digest(token)
        await accounts.close_session(self._pool, digest)
        for ended in self._watched.get(digest, ()):
            ended.set()
        await self.note(principal, "session.close", principal.username)

    async def wait_ended(self, principal: Principal, token: str) -> None:
        """Return when `token` no longer opens a session of `principal` as it was.

        A sign-out at this process is known at once; what else ends one within half a minute.
        """
        digest, ended = token_digest(token), asyncio.Event()
        self._watched.setdefault(digest, set()).add(ended)
        try:
            while not ended.is_set() and await self.who(token) == principal:
                await self._either(ended)
        finally:
            self._watched[digest].discard(ended)
            if not self._watched[digest]:
                del self._watched[digest]

    async def _either(self, ended: asyncio.Event) -> None:
        waits = {
            asyncio.create_task(ended.wait()),
            asyncio.create_task(self._clock.sleep(_SESSION_LOOK_S)),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def unit_of(self, unit: str, password: str) -> Principal | None:
        """Return the unit whose credential this is, or None."""
        try:
            known = await units.find(self._pool, unit_id(unit))
        except (NotFoundError, LocalProtocolError):
            return None
        if not await asyncio.to_thread(machine_matches, password, known.password_bcrypt):
            return None
        return Principal(
            username=unit,
            display_name=known.call_sign,
            role=None,
            organisation=known.organisation,
            unit=known.unit,
            grant=_grant_of(known),
        )

    async def add_account(  # noqa: PLR0913 -- what an account is
        self,
        *,
        username: str,
        display_name: str,
        role: Role,
        organisation: str,
        password: str,
        replace: bool = False,
        by: Principal | None = None,
    ) -> None:
        """Add a person, or with `replace` change one; see `accounts.add` for what it raises."""
        account = accounts.Account(
            username=username,
            display_name=display_name,
            role=role,
            organisation=organisation,
            password_argon2=await self._passwords.hash(password),
        )
        await accounts.add(self._pool, account, replace=replace, now_utc_us=self._clock.utc_us())
        await self.note(by, "account.add", username, role=role.value)

    async def enrol(  # noqa: PLR0913 -- what a unit is
        self,
        unit: UnitId,
        *,
        call_sign: str,
        profile: units.Profile,
        organisation: str,
        light: bool = False,
        replace: bool = False,
        by: Principal | None = None,
    ) -> str:
        """Enrol `unit` and return its new password, which is shown this once.

        Raises:
            ConflictError: it is enrolled already and `replace` was not asked for.
        """
        password = new_token()
        await units.enrol(
            self._pool,
            unit,
            call_sign=call_sign,
            profile=profile,
            organisation=organisation,
            password_bcrypt=await asyncio.to_thread(machine_hash, password),
            light=light,
            replace=replace,
            now_utc_us=self._clock.utc_us(),
        )
        await self.note(by, "unit.enrol", unit)
        return password

    async def revoke(self, unit: UnitId, *, by: Principal | None = None) -> None:
        """Take `unit`'s credential away: the broker ends its connection; its records stay.

        Raises:
            NotFoundError: no such unit, or revoked before.
        """
        await units.revoke(self._pool, unit, now_utc_us=self._clock.utc_us())
        await self.note(by, "unit.revoke", unit)

    async def disable(self, username: str, *, by: Principal | None = None) -> None:
        """Let a person sign in no more, and end their sessions.

        Raises:
            NotFoundError: no such account, or disabled before.
        """
        await accounts.disable(self._pool, username, now_utc_us=self._clock.utc_us())
        await self.note(by, "account.disable", username)

    def count_words(self, who: Principal) -> None:
        """Count one text of somebody's.

        Raises:
            TooManyTriesError: it is one too many within a minute.
        """
        self._words.count(who.subject)

    async def note(
        self,
        who: Principal | None,
        action: str,
        subject: str,
        *,
        refused: bool = False,
        **facts: str,
    ) -> None:
        """Write one line of the audit; durable when this returns."""
        actor = who.subject if who else "-"
        await self._append(actor, action, subject, refused=refused, facts=facts)

    async def looked(self, who: Principal, unit: str, what: str) -> None:
        """Note that `who` looked at the patient of `unit`; once in five minutes for each pair."""
        await self.looked_by(who.subject, unit, what)

    async def looked_by(self, subject: str, unit: str, what: str) -> None:
        """Note the same of somebody known by `Principal.subject` alone (a bearer token)."""
        now_s = self._clock.monotonic_s()
        key = (subject, f"{unit}/{what}")
        last_s = self._looks.get(key)
        if last_s is not None and now_s - last_s < _LOOK_AGAIN_S:
            return
        self._looks[key] = now_s
        self._looks.move_to_end(key)
        while len(self._looks) > _LOOKS_REMEMBERED:
            self._looks.popitem(last=False)
        await self._append(subject, "patient.see", unit, refused=False, facts={"what": what})

    async def _append(
        self, actor: str, action: str, subject: str, *, refused: bool, facts: dict[str, str]
    ) -> None:
        entry = audit.Entry(
            at_utc_us=self._clock.utc_us(),
            actor=_storable(actor),
            action=action,
            subject=_storable(subject),
            outcome="refused" if refused else "done",
            facts={name: _storable(fact) for name, fact in facts.items()},
        )
        await audit.append(self._pool, entry)


def _storable(text: str) -> str:
    """Return `text` without NUL, which no database's column of text holds: a path may have one."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _grant_of_session(digest: bytes) -> str:
    return f"{_SESSION}:{digest.hex()}"


def _grant_of(unit: units.Unit) -> str:
    """Return a word that changes with the unit's credential, and does not give it away."""
    return f"{_UNIT}:{unit.unit}:{token_digest(unit.password_bcrypt).hex()[:16]}"


def _person(account: accounts.Account, digest: bytes) -> Principal:
    return Principal(
        grant=_grant_of_session(digest),
        username=account.username,
        display_name=account.display_name,
        role=account.role,
        organisation=account.organisation,
    )
