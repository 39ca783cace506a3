"""Whom a crew may ring: every vehicle is told the teams and doctors, once each time they change."""

import hashlib
import json
import logging
from typing import Final, cast

from hub.dispatch import Orders, new_order_id
from hub.store import teams, units
from hub.store.database import Pool
from protocols.clock import Clock
from protocols.errors import NotFoundError
from protocols.ids import UnitId
from protocols.messages import DirectoryOrder, PersonEntry, Presence, TeamEntry
from protocols.messages.room import TeamKind

log = logging.getLogger(__name__)

_LOOK_S: Final = 30.0
"""Teams are changed by a command beside the hub: so often the list is looked at."""

_VALID_US: Final = 365 * 24 * 3600 * 1_000_000
_AT_ONCE: Final = 50
"""So many vehicles are told with one turn: after a broker's restart a whole fleet is born."""


class Directory:
    """Tells vehicles whom they may ring."""

    def __init__(self, pool: Pool, clock: Clock, *, orders: Orders) -> None:
        self._pool = pool
        self._clock = clock
        self._orders = orders
        self._online: set[UnitId] = set()
        self._to_tell: set[UnitId] = set()
        self._known: tuple[bytes, DirectoryOrder] | None = None
        self._look_s = 0.0

    def heard_presence(self, unit: UnitId, presence: Presence) -> None:
        """Have a unit that has come online told the list, if it lacks it."""
        if presence.online and not presence.light:
            self._online.add(unit)
            self._to_tell.add(unit)
        else:
            self._online.discard(unit)

    async def turn(self) -> None:
        """Tell those who lack the list, at most 50 of them."""
        now_s = self._clock.monotonic_s()
        if self._known is None or now_s >= self._look_s:
            self._look_s = now_s + _LOOK_S
            before, self._known = self._known, await self._read()
            if before is not None and before[0] != self._known[0]:
                self._to_tell |= self._online
        for unit in list(self._to_tell)[:_AT_ONCE]:
            await self._tell(unit, *self._known)
            self._to_tell.discard(unit)

    async def _tell(self, unit: UnitId, digest: bytes, order: DirectoryOrder) -> None:
        try:
            await units.find(self._pool, unit)
        except NotFoundError:
            return
        now_us = self._clock.utc_us()
        async with self._pool.acquire() as connection, connection.transaction():
            told = await teams.told_digest(connection, unit)
            if told == digest or (told is None and not order.people and not order.teams):
                return
            fresh = order.model_copy(
                update={
                    "order_id": new_order_id(),
                    "given_utc_us": now_us,
                    "expires_utc_us": now_us + _VALID_US,
                }
            )
            await self._orders.put(connection, unit, fresh)
            await teams.note_told(connection, unit, digest)
        self._orders.nudge(unit)

    async def _read(self) -> tuple[bytes, DirectoryOrder]:
        order = DirectoryOrder(
            order_id=new_order_id(),
            teams=tuple(
                TeamEntry(
                    team_id=one.team_id,
                    name=one.name,
                    team_kind=cast("TeamKind", one.kind),
                    organisation=one.organisation,
                )
                for one in await teams.listed(self._pool)
            ),
            people=tuple(
                PersonEntry(username=one.username, name=one.name, organisation=one.organisation)
                for one in await teams.doctors(self._pool)
            ),
            given_utc_us=0,
            expires_utc_us=0,
        )
        told = order.model_dump(include={"teams", "people"})
        text = json.dumps(told, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).digest(), order
