"""What waits to be told to the process that serves screens: bounded. Pure.

Law: a record that waits leaves only by `take`, or because a newer one of its unit and stream says
the same, or because too much waits; what was given up so is counted. Nothing is lost by that but a
moment on a screen: all of it is in the database.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from hub.ingest.batch import MERGED
from hub.store.stored import StoredRecord
from protocols.ids import UnitId
from protocols.link import Stream

MOST_BYTES: Final = 8 * 2**20
RECORD_BYTES: Final = 400  # of a record in memory, beside its body


class Telling:
    """The records that wait, in the order in which they were committed."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._records: deque[StoredRecord] = deque()
        self._bytes = 0
        self.given_up = 0  # in all

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._records)

    def add(self, records: Iterable[StoredRecord]) -> None:
        """Have `records` told, after those that wait."""
        for record in records:
            self._records.append(record)
            self._bytes += len(record.body) + RECORD_BYTES
        if self._bytes > self._most_bytes:
            self._merge()
        while self._bytes > self._most_bytes:
            self._let_go(self._records.popleft())

    def take(self, *, most_bytes: int) -> list[StoredRecord]:
        """Return the oldest, about `most_bytes` of them, and one at least where any waits."""
        taken: list[StoredRecord] = []
        while self._records and most_bytes > 0:
            record = self._records.popleft()
            size_bytes = len(record.body) + RECORD_BYTES
            self._bytes -= size_bytes
            most_bytes -= size_bytes
            taken.append(record)
        return taken

    def _merge(self) -> None:
        """Keep the newest alone where the newest says all."""
        newest: dict[tuple[UnitId, Stream], StoredRecord] = {}
        for record in self._records:
            if record.stream in MERGED:
                known = newest.get((record.unit, record.stream))
                if known is None or record.captured_utc_us >= known.captured_utc_us:
                    newest[record.unit, record.stream] = record
        waiting, self._records = self._records, deque()
        for record in waiting:
            if record.stream in MERGED and newest[record.unit, record.stream] is not record:
                self._let_go(record)
            else:
                self._records.append(record)

    def _let_go(self, record: StoredRecord) -> None:
        self._bytes -= len(record.body) + RECORD_BYTES
        self.given_up += 1
