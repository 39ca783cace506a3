"""Births and deaths, kept in the database so that a restarted hub knows them."""

import asyncio
import logging
from itertools import islice
from typing import Final

from hub.store import units
from hub.store.database import NEVER_STORED, Pool
from protocols.ids import UnitId
from protocols.messages import Presence

log = logging.getLogger(__name__)

_AT_ONCE: Final = 1_000
"""So many are written by one statement: after a broker's restart a whole fleet is born."""


class Births:
    """Writes the presence last heard of each unit; bounded by the number of units."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: dict[UnitId, Presence] = {}
        self._wake = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many units have one that is not written yet."""
        return len(self._waiting)

    def hear(self, unit: UnitId, presence: Presence) -> None:
        """Take one presence; a later one of the same unit takes its place."""
        self._waiting[unit] = presence
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled; what the database refused is written at the next try."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                some = dict(islice(self._waiting.items(), _AT_ONCE))
                try:
                    await units.note_presences(self._pool, some)
                except NEVER_STORED:
                    await self._one_by_one(some)
                for unit, presence in some.items():
                    if self._waiting.get(unit) is presence:
                        del self._waiting[unit]

    async def _one_by_one(self, some: dict[UnitId, Presence]) -> None:
        """Write each by itself: one that is refused, for ever, holds up no other."""
        for unit, presence in some.items():
            try:
                await units.note_presences(self._pool, {unit: presence})
            except NEVER_STORED as err:
                log.error("births.refused", extra={"unit": unit, "error": type(err).__name__})  # noqa: TRY400
