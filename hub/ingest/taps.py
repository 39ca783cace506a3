"""Taps: who is told of what has been committed. Nobody is told of anything before that."""

import logging
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from hub.store.stored import StoredRecord
from protocols.ids import UnitId
from protocols.messages import Message, Presence

log = logging.getLogger(__name__)


class Arrived(NamedTuple):
    """One record that the database now holds; `message` is None where it was not understood."""

    record: StoredRecord
    message: Message | None


RecordTap = Callable[[Sequence[Arrived]], None]
"""Called in the ingest's own turn with each batch: returns at once, keeps what it needs, and never
raises. What must not be missed over a restart is read from the database instead (`follow`)."""

StoredTap = Callable[[Sequence[StoredRecord]], None]
"""Called in the same turn, with the same records unread."""

PresenceTap = Callable[[UnitId, Presence], None]
"""Called with each birth and death that the broker passes on."""


class Taps:
    """The list of those who are told, in the order in which they asked."""

    def __init__(self) -> None:
        self._records: list[RecordTap] = []
        self._stored: list[StoredTap] = []
        self._presence: list[PresenceTap] = []
        self._watched: Callable[[], AbstractSet[UnitId] | None] = _everyone

    def whole_for(self, watched: Callable[[], AbstractSet[UnitId]]) -> None:
        """Have all records told of the units that `watched` returns; unasked, of everyone.

        Of the others the newest of each stream that says the same each second will do.
        """
        self._watched = watched

    def watched(self) -> AbstractSet[UnitId] | None:
        """Return the units of which somebody looks at each record; None: of all."""
        return self._watched()

    def on_records(self, tap: RecordTap) -> None:
        """Have `tap` told of every committed batch from now on."""
        self._records.append(tap)

    def on_stored(self, tap: StoredTap) -> None:
        """Have `tap` told of every committed batch as it was stored: nobody reads it first."""
        self._stored.append(tap)

    @property
    def reads(self) -> bool:
        """Somebody wants to know what the records say."""
        return bool(self._records)

    def on_presence(self, tap: PresenceTap) -> None:
        """Have `tap` told of every birth and death from now on."""
        self._presence.append(tap)

    def committed(self, batch: Sequence[Arrived]) -> None:
        """Tell of a committed batch; one who fails at it keeps no other from hearing of it."""
        for tap in self._records:
            try:
                tap(batch)
            except Exception:
                log.exception("ingest.tap_failed")

    def stored(self, batch: Sequence[StoredRecord]) -> None:
        """Tell of a committed batch, as `committed` does."""
        for tap in self._stored:
            try:
                tap(batch)
            except Exception:
                log.exception("ingest.tap_failed")

    def presence(self, unit: UnitId, presence: Presence) -> None:
        """Tell of a birth or a death, as `committed` does."""
        for tap in self._presence:
            try:
                tap(unit, presence)
            except Exception:
                log.exception("ingest.tap_failed")


def _everyone() -> None:
    return None
