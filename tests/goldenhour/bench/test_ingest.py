"""The ingest benchmark, small: every way takes the same frames, and says what it took."""

import asyncio
from pathlib import Path

import pytest

from goldenhour.bench.figures import Figure
from goldenhour.bench.ingest.measure import BARE, OURS, SHARE, USUAL, measure, picture


@pytest.mark.timeout(300)
def test_each_way_acknowledges_all_that_was_sent(tmp_path: Path) -> None:
    figures = asyncio.run(measure(tmp_path, frames=400, units=4, rounds=3))
    by_name = {figure.name: figure.value for figure in figures}
    for name in (OURS, BARE, USUAL):
        assert by_name[name] > 0
    least = by_name[f"{OURS}; slowest round"] / by_name[f"{BARE}; fastest round"]
    most = by_name[f"{OURS}; fastest round"] / by_name[f"{BARE}; slowest round"]
    assert 100 * least <= by_name[SHARE] <= 100 * most
    assert "<svg" in picture(figures, "small")


def test_the_rate_must_be_reached_not_stayed_below() -> None:
    figure = Figure(name=OURS, value=39_999, unit="1/s", bar=40_000, at_least=True)
    assert not figure.holds
