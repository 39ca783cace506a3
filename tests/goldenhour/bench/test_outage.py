"""What counts as missing film, and as a reading that the returned link brought."""

import math

import pytest

from goldenhour.bench import outage
from goldenhour.bench.figures import Figure

S = 1_000_000


@pytest.mark.parametrize(
    ("spans", "missing_s"),
    [
        ([], 10.0),
        ([(0, 6), (6, 12)], 0.0),
        ([(0, 6), (6.1, 12)], 0.0),
        ([(6, 12), (0, 6)], 0.0),
        ([(0, 4), (7, 12)], 3.0),
        ([(2, 9)], 3.0),
        ([(-8, -2), (20, 26)], 10.0),
        ([(-3, 30)], 0.0),
    ],
)
def test_what_no_segment_shows_is_missing(
    spans: list[tuple[float, float]], missing_s: float
) -> None:
    film = [(round(first * S), round(last * S)) for first, last in spans]
    assert outage._missing_s(film, 0, 10 * S) == missing_s


def test_a_reading_from_before_the_link_came_back_does_not_count_as_live() -> None:
    watched = outage._Watched(came_us=[9 * S, 12 * S, 13 * S], taken_us=[9 * S, 5 * S, 12 * S])
    assert watched.back_s(10 * S) == 3.0
    assert watched.ages_ms(11 * S) == [7000.0, 1000.0]


def test_what_never_came_back_holds_no_bar() -> None:
    never = Figure(name="n", value=outage._Watched().back_s(0), unit="s", bar=3.0)
    assert not never.holds
    assert not Figure(name="n", value=math.inf, unit="s", bar=8.0).holds
