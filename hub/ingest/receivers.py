"""Receivers: what is held of each journal, in memory while it is heard of."""

from collections import OrderedDict
from collections.abc import Collection
from typing import Final

from hub.ingest.batch import Key
from hub.store import Pool, ledgers
from protocols.ids import JournalId, UnitId
from protocols.link import Receiver

RECEIVERS: Final = 20_000
"""Journals kept; the longest unheard one is read again from the database when needed."""


class Receivers(OrderedDict[Key, Receiver]):
    """By unit and journal, the longest unheard first."""

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self._pool = pool
        self._newest: dict[UnitId, JournalId] = {}

    async def load(self, keys: Collection[Key]) -> None:
        """Have those of `keys` here, from the database where they are not.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: the database does not answer;
                nothing has changed.
        """
        unknown = [key for key in keys if key not in self]
        if unknown:
            held = await ledgers.ledgers_of(self._pool, unknown)
            for key in unknown:
                # whoever else waited for it may have offered it frames meanwhile: the first stays
                self.setdefault(key, Receiver(journal=key[1], held=held[key]))
        for key in keys:
            self.move_to_end(key)
            self._newest[key[0]] = key[1]
        while len(self) > max(RECEIVERS, len(keys)):
            (unit, journal), _ = self.popitem(last=False)
            if self._newest.get(unit) == journal:
                del self._newest[unit]

    def newest_journal(self, unit: UnitId) -> JournalId | None:
        """Return the journal of `unit` that was heard last; None: none is kept."""
        return self._newest.get(unit)
