"""One stream's account at the sender: what waits, what is new, what the hub has.

Law: every seq from 1 to the last is acknowledged or waiting here, or in flight on a path.
"""

from collections import deque
from typing import Final

from protocols.link.ack import Held
from protocols.link.ranges import SeqRanges
from protocols.link.streams import Stream

_SMOOTHING: Final = 0.125
_FIRST_RECORD_BYTES: Final = 200.0
_FIRST_PACKING: Final = 0.5


class StreamAccount:
    """The seqs of one stream, from 1 to `last`."""

    def __init__(self, stream: Stream, *, last: int = 0, acked: Held | None = None) -> None:
        self.stream = stream
        self.last = last
        self.live_from = last + 1  # seqs from here on are live; those before are backlog
        self.acked = SeqRanges(acked)
        self.waiting = SeqRanges()
        self.record_bytes = _FIRST_RECORD_BYTES  # of a body, on average
        self.packing = _FIRST_PACKING  # bytes on the wire for each byte of a body
        self._appended: deque[tuple[int, float]] = deque()  # live seqs, and since when they wait
        for first, final in self.acked.missing(1, last):
            self.waiting.add(first, final)

    def append(self, seq: int, *, now_s: float, is_backlog: bool) -> None:
        """Note the seq after the last; `is_backlog`: neither it nor any before it is news."""
        self.last = seq
        if seq not in self.acked:
            self.waiting.add(seq, seq)
        if is_backlog:
            self.live_from = seq + 1
            self._appended.clear()
            return
        while self._appended and self._appended[0][0] in self.acked:
            self._appended.popleft()
        self._appended.append((seq, now_s))

    def age(self, *, before_s: float) -> None:
        """Call backlog what has waited since before then."""
        while self._appended and self._appended[0][1] < before_s:
            self.live_from = max(self.live_from, self._appended.popleft()[0] + 1)

    def live_span(self) -> tuple[int, int] | None:
        """Return the oldest run of live seqs that wait."""
        return self.waiting.first_span(at_or_after=self.live_from)

    def waits_since_s(self) -> float | None:
        """Return since when the oldest live seq waits; None where none does."""
        span = self.live_span()
        if span is None:
            return None
        while self._appended and self._appended[0][0] < span[0]:
            self._appended.popleft()
        return self._appended[0][1] if self._appended else None

    def backlog_oldest(self) -> tuple[int, int] | None:
        """Return the oldest run of backlog seqs that wait."""
        span = self.waiting.first_span(at_or_after=1)
        if span is None or span[0] >= self.live_from:
            return None
        return span[0], min(span[1], self.live_from - 1)

    def backlog_newest(self, *, body_bytes: int) -> tuple[int, int] | None:
        """Return the newest backlog seqs that wait, about as many as fit into `body_bytes`."""
        span = self.waiting.last_span(before=self.live_from)
        if span is None:
            return None
        count = max(1, int(body_bytes / self.record_bytes))
        return max(span[0], span[1] - count + 1), span[1]

    def measured(self, *, records: int, body_bytes: int, wire_bytes: int) -> None:
        """Take in how long a frame's bodies were, and how long the frame became."""
        self.record_bytes += _SMOOTHING * (max(1.0, body_bytes / records) - self.record_bytes)
        self.packing += _SMOOTHING * (wire_bytes / max(1, body_bytes) - self.packing)

    def take_held(self, held: Held) -> bool:
        """Take in what the hub has; say whether that is more than was known."""
        fresh = [
            new
            for first, last in held.spans
            for new in self.acked.missing(first, min(last, self.last))
        ]
        for first, last in fresh:
            self.gone(first, last)
        return bool(fresh)

    def gone(self, first: int, last: int) -> None:
        """Have `first` … `last` neither waiting nor missing."""
        self.waiting.discard(first, last)
        self.acked.add(first, last)

    def put_back(self, first: int, last: int) -> None:
        """Have what of `first` … `last` is not acknowledged wait again."""
        for start, end in list(self.acked.missing(first, last)):
            self.waiting.add(start, end)

    def unacked(self, *, through: int | None = None) -> int:
        """Return how many seqs, up to `through`, the hub has not acknowledged."""
        end = self.last if through is None else through
        return sum(last - first + 1 for first, last in self.acked.missing(1, end))
