"""Ranges: a set of seqs of one stream, in little room.

Law: the ranges are sorted, disjoint and not adjacent, so that a set has one form, whatever order
its seqs came and went in; `held` is that form as an ack states it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from protocols.link.ack import Held


class SeqRanges:
    """A set of seqs (1, 2, 3 …) as sorted, disjoint, non-adjacent ranges, both ends in."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, held: Held | None = None) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        if held is not None:
            for first, last in held.spans:
                self.add(first, last)

    def __len__(self) -> int:
        """How many ranges it takes to say the set."""
        return len(self._firsts)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self._firsts, self._lasts, strict=True))

    def __contains__(self, seq: int) -> bool:
        at = bisect_right(self._firsts, seq) - 1
        return at >= 0 and seq <= self._lasts[at]

    def covers(self, first: int, last: int) -> bool:
        """Say whether all of `first` … `last` is in the set."""
        at = bisect_right(self._firsts, first) - 1
        return at >= 0 and last <= self._lasts[at]

    @property
    def last(self) -> int:
        """The highest seq in the set; 0 of an empty one."""
        return self._lasts[-1] if self._lasts else 0

    def add(self, first: int, last: int) -> None:
        """Put `first` … `last` (1 ≤ first ≤ last) into the set."""
        if not self._lasts or first > self._lasts[-1] + 1:
            self._firsts.append(first)
            self._lasts.append(last)
            return
        if first >= self._firsts[-1]:
            self._lasts[-1] = max(last, self._lasts[-1])
            return
        # every range that touches or overlaps [first, last] becomes one with it
        begin = bisect_left(self._lasts, first - 1)
        end = bisect_right(self._firsts, last + 1)
        if begin < end:
            first = min(first, self._firsts[begin])
            last = max(last, self._lasts[end - 1])
        self._firsts[begin:end] = [first]
        self._lasts[begin:end] = [last]

    def missing(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield the ranges of `first` … `last` that are not in the set, in order."""
        at = bisect_left(self._lasts, first)
        while first <= last:
            if at == len(self._firsts) or self._firsts[at] > last:
                yield first, last
                return
            if self._firsts[at] > first:
                yield first, self._firsts[at] - 1
            first = self._lasts[at] + 1
            at += 1

    def complement(self, last: int) -> "SeqRanges":
        """Return what of 1 … `last` is not in the set."""
        found = SeqRanges()
        for start, end in self.missing(1, last):
            found.add(start, end)
        return found

    @property
    def held(self) -> Held:
        """The set as an ack states it."""
        if len(self._firsts) == 1 == self._firsts[0]:
            return Held(self._lasts[0])  # as nearly always
        pairs = list(zip(self._firsts, self._lasts, strict=True))
        watermark = pairs.pop(0)[1] if pairs and pairs[0][0] == 1 else 0
        return Held(watermark=watermark, ranges=tuple(pairs))

    def discard(self, first: int, last: int) -> None:
        """Take `first` … `last` out of the set; seqs that are not in it are no matter."""
        begin = bisect_left(self._lasts, first)
        end = bisect_right(self._firsts, last)
        if begin >= end:
            return
        left = (self._firsts[begin], first - 1)
        right = (last + 1, self._lasts[end - 1])
        kept = [span for span in (left, right) if span[0] <= span[1]]
        self._firsts[begin:end] = [span[0] for span in kept]
        self._lasts[begin:end] = [span[1] for span in kept]

    def count(self) -> int:
        """Return how many seqs are in the set."""
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    def first_span(self, *, at_or_after: int) -> tuple[int, int] | None:
        """Return the lowest run of seqs from `at_or_after` on."""
        at = bisect_left(self._lasts, at_or_after)
        if at == len(self._firsts):
            return None
        return max(self._firsts[at], at_or_after), self._lasts[at]

    def last_span(self, *, before: int) -> tuple[int, int] | None:
        """Return the highest run of seqs below `before`."""
        at = bisect_left(self._firsts, before) - 1
        if at < 0:
            return None
        return self._firsts[at], min(self._lasts[at], before - 1)
