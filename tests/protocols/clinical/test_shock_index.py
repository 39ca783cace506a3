"""The shock index: a ratio, and not known without both its ends."""

import pytest

from protocols.clinical import Reading, shock_index


@pytest.mark.parametrize(
    ("pulse", "systolic", "index", "band"),
    [
        (70.0, 120.0, 0.58, "low"),
        (84.0, 120.0, 0.7, "low"),
        (100.0, 120.0, 0.83, "medium"),
        (108.0, 120.0, 0.9, "high"),
        (130.0, 80.0, 1.62, "high"),
    ],
)
def test_pulse_over_systolic(pulse: float, systolic: float, index: float, band: str) -> None:
    score = shock_index(Reading(pulse, 1), Reading(systolic, 2))
    assert (score.low, score.high, score.band, score.missing) == (index, index, band, ())


@pytest.mark.parametrize(
    ("pulse", "systolic", "missing"),
    [
        (None, Reading(120.0, 1), ("pulse_bpm",)),
        (Reading(80.0, 1), None, ("systolic_mmhg",)),
        (Reading(80.0, 1), Reading(0.0, 1), ("systolic_mmhg",)),
    ],
)
def test_without_both_ends_it_is_not_known(
    pulse: Reading[float] | None, systolic: Reading[float] | None, missing: tuple[str, ...]
) -> None:
    score = shock_index(pulse, systolic)
    assert (score.band, score.missing) == ("unknown", missing)
