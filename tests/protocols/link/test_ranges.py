"""Ranges are a set of whole numbers: they agree with Python's own, whatever is done to them."""

from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from protocols.link.ranges import SeqRanges

SEQS = st.integers(1, 60)


class RangesAgainstSet(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.ranges = SeqRanges()
        self.model: set[int] = set()

    @rule(first=SEQS, length=st.integers(0, 12))
    def add(self, first: int, length: int) -> None:
        self.ranges.add(first, first + length)
        self.model |= set(range(first, first + length + 1))

    @rule(first=SEQS, length=st.integers(0, 12))
    def discard(self, first: int, length: int) -> None:
        self.ranges.discard(first, first + length)
        self.model -= set(range(first, first + length + 1))

    @rule(first=SEQS, length=st.integers(0, 30))
    def missing_is_what_the_model_lacks(self, first: int, length: int) -> None:
        spans = list(self.ranges.missing(first, first + length))
        got = [seq for a, b in spans for seq in range(a, b + 1)]
        assert got == [seq for seq in range(first, first + length + 1) if seq not in self.model]
        assert all(after[0] > before[1] + 1 for before, after in pairwise(spans))

    @rule(seq=SEQS)
    def first_and_last_spans_border_on_holes(self, seq: int) -> None:
        above = sorted(s for s in self.model if s >= seq)
        below = sorted(s for s in self.model if s < seq)
        span = self.ranges.first_span(at_or_after=seq)
        assert (span and span[0]) == (above[0] if above else None)
        last = self.ranges.last_span(before=seq)
        assert (last and last[1]) == (below[-1] if below else None)

    @invariant()
    def holds_exactly_the_model(self) -> None:
        assert {seq for seq in range(1, 90) if seq in self.ranges} == self.model
        assert self.ranges.count() == len(self.model)

    @invariant()
    def comes_back_from_an_ack(self) -> None:
        again = SeqRanges(self.ranges.held)
        assert {seq for seq in range(1, 90) if seq in again} == self.model


TestRangesAgainstSet = RangesAgainstSet.TestCase
