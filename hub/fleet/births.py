"""Births and deaths, kept in the database so that a restarted hub knows them."""

import asyncio
import logging

from hub.store import units
from hub.store.database import NEVER_STORED, Pool
from protocols.ids import UnitId
from protocols.messages import Presence

log = logging.getLogger(__name__)


class Births:
    """Writes the presence last heard of each unit; bounded by the number of units."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: dict[UnitId, Presence] = {}
        self._wake = asyncio.Event()

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
                unit, presence = next(iter(self._waiting.items()))
                try:
                    await units.note_presence(self._pool, unit, presence)
                except NEVER_STORED as err:  # it would be refused for ever
                    log.error("births.refused", extra={"unit": unit, "error": type(err).__name__})  # noqa: TRY400
                if self._waiting.get(unit) is presence:
                    del self._waiting[unit]
