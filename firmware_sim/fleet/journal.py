"""A journal in memory: what a light unit has said and the hub has not yet acknowledged.

Law: seqs rise by one per stream and are never reused; a record leaves when it is acknowledged, or
when the journal is full and the gap that it leaves is itself recorded. A process that ends takes
its journal with it; the next one begins another, so nothing is confused.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from protocols.link.frame import Record
from protocols.link.streams import NEVER_SHED, Stream

MAX_RECORDS: Final = 3_600
"""Per stream: an hour of positions."""

SHED_RECORDS: Final = 600
"""How many of the oldest go at once, so that a long outage makes few gaps."""


@dataclass(slots=True)
class _Held:
    first_seq: int = 1  # of the oldest record still held
    records: deque[Record] = field(default_factory=deque)


class MemoryJournal:
    """The records of one unit's run."""

    def __init__(self) -> None:
        self._streams: dict[Stream, _Held] = {}
        self.waiting = 0  # records held

    def append(self, stream: Stream, record: Record) -> int:
        """Keep `record` and return its seq."""
        held = self._streams.get(stream)
        if held is None:
            held = self._streams[stream] = _Held()
        held.records.append(record)
        self.waiting += 1
        return held.first_seq + len(held.records) - 1

    def overflow(self, stream: Stream) -> tuple[int, int, int, int] | None:
        """Drop the oldest records of a full stream.

        Return their first and last seq and first and last time, or None where there is room.
        Streams that are never shed are left alone: a light unit makes few of those records.
        """
        held = self._streams.get(stream)
        if held is None or stream in NEVER_SHED or len(held.records) <= MAX_RECORDS:
            return None
        dropped = [held.records.popleft() for _ in range(SHED_RECORDS)]
        first = held.first_seq
        held.first_seq += SHED_RECORDS
        self.waiting -= SHED_RECORDS
        return (
            first, held.first_seq - 1, dropped[0].captured_utc_us, dropped[-1].captured_utc_us,
        )  # fmt: skip

    def acknowledged(self, stream: Stream, watermark: int) -> list[int]:
        """Free the records up to `watermark`; return when each was captured, oldest first."""
        held = self._streams.get(stream)
        if held is None:
            return []
        freed = max(0, min(watermark - held.first_seq + 1, len(held.records)))
        held.first_seq += freed
        self.waiting -= freed
        return [held.records.popleft().captured_utc_us for _ in range(freed)]

    def read(self, stream: Stream, first: int, last: int) -> Iterator[Record]:
        """Yield the records `first` … `last`, which are held."""
        held = self._streams[stream]
        for at in range(first - held.first_seq, last + 1 - held.first_seq):
            yield held.records[at]

    def oldest_utc_us(self) -> int | None:
        """Return when the oldest record that is held was captured; None where none is."""
        oldest = [
            held.records[0].captured_utc_us for held in self._streams.values() if held.records
        ]
        return min(oldest, default=None)
