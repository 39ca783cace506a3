"""The roster: the broker and the picture follow who is enrolled, whichever process changed it.

A change costs the hub what changed, not the fleet: only the units named are read again. The
broker's list is one file, so that is written and read whole; a burst of changes is one writing, and
that takes no more than a fifth of the time: the first change is told at once, the next with others.
"""

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol

from hub.fleet import FleetPicture
from hub.store import Pool, units
from protocols.clock import Clock
from protocols.ids import UnitId

_REST: Final = 4.0
"""So many times as long as a change of the list takes there is none; then one for all that came."""

_BROKER_S: Final = 0.0015
"""Of a core, for each unit: a broker that reads its list anew asks every connection again whether
its password is good. Measured with nats-server 2.15, 1,000 units, 1.7 s."""

_ALL: Final = ""


class Users(Protocol):
    """A broker that is told who may connect."""

    async def write_users(self, units: Iterable[tuple[UnitId, str]]) -> None:
        """Take these units, with the bcrypt hashes of their passwords, and no others."""
        ...


class Roster:
    """Follows the table of units; `broker` None: an outside one, which has its own list."""

    def __init__(
        self, pool: Pool, clock: Clock, *, fleet: FleetPicture, broker: Users | None
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._fleet = fleet
        self._broker = broker
        self._hashes: dict[UnitId, str] = {}
        self._changed: set[str] = set()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled, or until the database's connection is gone."""
        async with self._pool.acquire() as connection:
            self._hear(_ALL)

            def hear(*what: object) -> None:
                self._hear(str(what[-1]))

            def ended(*_what: object) -> None:
                self._hear(_ALL)

            await connection.add_listener(units.CHANGED, hear)
            connection.add_termination_listener(ended)
            try:
                while not connection.is_closed():
                    await self._wake.wait()
                    await self._turn()
            finally:
                if not connection.is_closed():
                    await connection.remove_listener(units.CHANGED, hear)
                    connection.remove_termination_listener(ended)

    def _hear(self, name: str) -> None:
        """Note whose row changed; all of them, where nobody is named."""
        self._changed.add(name)
        self._wake.set()

    async def _turn(self) -> None:
        self._wake.clear()
        changed, self._changed = self._changed, set()
        try:
            await self._read(changed)
        except BaseException:
            self._changed |= changed  # the next run reads them
            raise
        if self._broker is not None:
            began_s = self._clock.monotonic_s()
            await self._broker.write_users(self._hashes.items())
            took_s = self._clock.monotonic_s() - began_s + _BROKER_S * len(self._hashes)
            await self._clock.sleep(_REST * took_s)

    async def _read(self, changed: set[str]) -> None:
        if _ALL in changed:
            known = await units.everyone(self._pool)
            self._hashes = {unit.unit: unit.password_bcrypt for unit in known}
            self._fleet.enrolled(known)
            return
        names = [UnitId(name) for name in changed]
        standing = await units.of_names(self._pool, names)
        for unit in standing:
            self._hashes[unit.unit] = unit.password_bcrypt
        gone = set(names) - {unit.unit for unit in standing}
        for name in gone:
            self._hashes.pop(name, None)
        self._fleet.changed(standing, gone=gone)
