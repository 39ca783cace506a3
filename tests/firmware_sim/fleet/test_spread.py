"""Quantiles of what was counted by the millisecond."""

from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.fleet.spread import LONGEST_MS, Spread
from goldenhour.bench.figures import quantile


@given(st.lists(st.integers(0, 500), min_size=1), st.floats(0.01, 1.0))
def test_a_quantile_is_the_one_of_the_whole_list(waits_ms: list[int], share: float) -> None:
    spread = Spread()
    for wait_ms in waits_ms:
        spread.add(wait_ms)
    assert spread.quantile(share) == quantile(waits_ms, share)
    assert spread.count == len(waits_ms)


def test_nothing_counted_has_no_quantile_and_what_is_endless_is_the_longest() -> None:
    spread = Spread()
    assert spread.facts() == {"count": 0, "p50_ms": None, "p99_ms": None, "max_ms": None}
    spread.add(-1)  # clocks are read one after the other
    spread.add(LONGEST_MS * 2)
    assert (spread.quantile(0.5), spread.quantile(1.0)) == (0, LONGEST_MS)
    spread.clear()
    assert spread.count == 0
