"""Guests: third parties who are let into one encounter by a link, and into nothing else.

The link's token is 256 random bits and kept as a digest. It opens while it has not expired, was not
taken back and the encounter is open; the rights that it gives are in `hub.access.rights`.
"""

import uuid
from typing import Final

from hub.access.rights import GuestOf, Principal
from hub.access.secrets import new_token, token_digest
from hub.store import encounters, guests, rooms
from hub.store.database import Pool
from hub.store.guests import Guest
from hub.store.rooms import Event
from protocols.clock import Clock
from protocols.errors import ConflictError, SignInError
from protocols.http.tries import Tries, sender

MOST_GUESTS: Final = 20
"""Links of one encounter that open it at one time."""

GRANT: Final = "guest"
_TRIES: Final = 10
_LOOK_S: Final = 5.0
_TOKEN_CHARACTERS: Final = 128


class Guests:
    """All questions of guest links that need the database."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._tries = Tries(clock, most=_TRIES)

    async def invite(
        self, encounter_id: str, name: str, *, valid_for_s: float, by: Principal
    ) -> tuple[Guest, str, Event | None]:
        """Return a new link's guest, its token, which is shown this once, and the room's event.

        Raises:
            NotFoundError: no such encounter.
            ConflictError: it is closed, or has 20 links that stand.
        """
        now_us, token = self._clock.utc_us(), new_token()
        encounter = await encounters.find(self._pool, encounter_id)
        key = encounter.encounter_id
        async with self._pool.acquire() as connection, connection.transaction():
            await encounters.lock(connection, encounter.unit)
            if encounter.closed_utc_us is not None:
                raise ConflictError(reason="the encounter is closed", encounter_id=key)
            if await guests.count_standing(connection, key, now_utc_us=now_us) >= MOST_GUESTS:
                raise ConflictError(reason="too many guests", most=MOST_GUESTS)
            guest_id = str(uuid.uuid4())
            await guests.insert(
                connection,
                guest_id,
                key,
                name=name,
                token_sha256=token_digest(token),
                invited_by=by.display_name,
                now_utc_us=now_us,
                expires_utc_us=now_us + int(valid_for_s * 1e6),
            )
            event = await rooms.note(
                connection, key, "invited", at_utc_us=now_us, by=by.display_name, guest=name
            )
            listed = await guests.of_encounter(connection, key)
        return next(one for one in listed if one.guest_id == guest_id), token, event

    async def revoke(
        self, encounter_id: str, guest_id: str, *, by: Principal
    ) -> tuple[Guest, Event | None]:
        """Take a link back; what it opened ends.

        Raises:
            NotFoundError: the encounter has no such link, or it was taken back before.
        """
        now_us = self._clock.utc_us()
        encounter = await encounters.find(self._pool, encounter_id)
        async with self._pool.acquire() as connection, connection.transaction():
            gone = await guests.revoke(
                connection, encounter.encounter_id, guest_id, now_utc_us=now_us
            )
            event = await rooms.note(
                connection, encounter.encounter_id, "revoked", at_utc_us=now_us,
                by=by.display_name, guest=gone.name,
            )  # fmt: skip
        return gone, event

    async def open(self, token: str, *, address: str) -> tuple[Principal, Guest]:
        """Return who the link is for.

        Raises:
            TooManyTriesError: too many wrong links from this address within a minute.
            SignInError: it opens nothing: never made, expired, taken back, or all is over.
        """
        key = sender(address)
        self._tries.count(key)
        found = await self._of(token)
        if found is None:
            raise SignInError(reason="this link opens nothing any more")
        self._tries.forgive(key)
        async with self._pool.acquire() as connection, connection.transaction():
            await guests.note_opened(connection, found[1].guest_id, now_utc_us=self._clock.utc_us())
        return found

    async def who(self, token: str) -> Principal | None:
        """Return whose link `token` is, while it opens something."""
        found = await self._of(token)
        return None if found is None else found[0]

    async def wait_ended(self, principal: Principal) -> None:
        """Return when the guest's link opens nothing any more; within some seconds of that."""
        _, _, guest_id = principal.grant.partition(":")
        while await self.standing([guest_id]):
            await self._clock.sleep(_LOOK_S)

    async def standing(self, guest_ids: list[str]) -> set[str]:
        """Return those of the links that still open their encounter."""
        if not guest_ids:
            return set()
        now_us = self._clock.utc_us()
        return set(await guests.standing(self._pool, guest_ids, now_utc_us=now_us))

    async def _of(self, token: str) -> tuple[Principal, Guest] | None:
        if not token or len(token) > _TOKEN_CHARACTERS:
            return None
        guest = await guests.of_token(
            self._pool, token_digest(token), now_utc_us=self._clock.utc_us()
        )
        if guest is None:
            return None
        encounter = await encounters.find(self._pool, guest.encounter_id)
        principal = Principal(
            username=f"guest:{guest.guest_id}",
            display_name=guest.name,
            role=None,
            organisation=guest.invited_by,
            guest_of=GuestOf(
                encounter_id=guest.encounter_id,
                unit=guest.unit,
                since_utc_us=encounter.since_utc_us,
            ),
            grant=f"{GRANT}:{guest.guest_id}",
        )
        return principal, guest
