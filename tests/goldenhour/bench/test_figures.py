"""Figures are judged by their bars, and a missing measurement never holds."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldenhour.bench.figures import Figure, line_of, quantile


@pytest.mark.parametrize(
    ("value", "bar", "holds"),
    [(299.9, 300, True), (300.0, 300, True), (300.1, 300, False), (math.nan, 300, False)],
)
def test_a_figure_holds_up_to_its_bar(value: float, bar: float, *, holds: bool) -> None:
    assert Figure(name="p95", value=value, unit="ms", bar=bar).holds is holds


def test_nothing_measured_is_null_and_does_not_hold() -> None:
    said = json.loads(
        line_of("latency", "m", [Figure(name="p95", value=quantile([], 0.95), unit="ms")])
    )
    assert said["figures"][0]["value"] is None
    assert said["figures"][0]["holds"] is False


@given(values=st.lists(st.floats(0, 1e6), min_size=1), share=st.floats(0.01, 1))
def test_a_quantile_is_one_of_the_values_and_covers_its_share(
    values: list[float], share: float
) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)
