"""NEWS2 against the chart as it is printed, and what a missing parameter may still add."""

from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.clinical import News2Inputs, Reading, news2
from protocols.clinical.news2 import Acvpu
from protocols.messages import Score

# Chart 1 of the RCP's report, written out as it is printed: bounds both in
CHART: dict[str, dict[str, int]] = {
    "respiratory_rate_bpm": {"0-8": 3, "9-11": 1, "12-20": 0, "21-24": 2, "25-60": 3},
    "spo2_pct": {"50-91": 3, "92-93": 2, "94-95": 1, "96-100": 0},
    "systolic_mmhg": {"30-90": 3, "91-100": 2, "101-110": 1, "111-219": 0, "220-280": 3},
    "pulse_bpm": {"0-40": 3, "41-50": 1, "51-90": 0, "91-110": 1, "111-130": 2, "131-220": 3},
}
TEMPERATURE = {(300, 350): 3, (351, 360): 1, (361, 380): 0, (381, 390): 1, (391, 420): 2}
SCALE_2 = {  # (SpO2, on oxygen) → points
    **{(spo2, oxygen): 3 for spo2 in range(70, 84) for oxygen in (False, True)},
    **{(spo2, oxygen): 2 for spo2 in (84, 85) for oxygen in (False, True)},
    **{(spo2, oxygen): 1 for spo2 in (86, 87) for oxygen in (False, True)},
    **{(spo2, oxygen): 0 for spo2 in range(88, 93) for oxygen in (False, True)},
    **{(spo2, False): 0 for spo2 in range(93, 101)},
    (93, True): 1, (94, True): 1, (95, True): 2, (96, True): 2,
    **{(spo2, True): 3 for spo2 in range(97, 101)},
}  # fmt: skip


def well(**changes: object) -> News2Inputs:
    """A healthy adult, all measured, but for `changes` (a value, or None for missing)."""
    values: dict[str, Any] = {
        "respiratory_rate_bpm": 16.0, "spo2_pct": 98.0, "on_oxygen": False, "systolic_mmhg": 120.0,
        "pulse_bpm": 70.0, "acvpu": "A", "body_temp_c": 37.0,
    } | changes  # fmt: skip
    scale = values.pop("spo2_scale", 1)
    readings = {name: None if v is None else Reading(v, 1_000) for name, v in values.items()}
    return News2Inputs(spo2_scale=scale, **readings)


def points(score: Score, parameter: str) -> int | None:
    return next(part.points for part in score.parts if part.parameter == parameter)


def test_every_whole_number_scores_as_the_chart_is_printed() -> None:
    for parameter, rows in CHART.items():
        for span, expected in rows.items():
            first, last = (int(end) for end in span.split("-"))
            for value in range(first, last + 1):
                assert points(news2(well(**{parameter: float(value)})), parameter) == expected


def test_every_tenth_of_a_degree_scores_as_the_chart_is_printed() -> None:
    for (first, last), expected in TEMPERATURE.items():
        for tenths in range(first, last + 1):
            assert points(news2(well(body_temp_c=tenths / 10)), "body_temp_c") == expected


@pytest.mark.parametrize(("spo2", "oxygen"), list(SCALE_2))
def test_scale_two_scores_as_the_chart_is_printed(spo2: int, oxygen: bool) -> None:  # noqa: FBT001
    score = news2(well(spo2_pct=float(spo2), on_oxygen=oxygen, spo2_scale=2))
    assert points(score, "spo2_pct") == SCALE_2[spo2, oxygen]


@pytest.mark.parametrize(("acvpu", "expected"), [("A", 0), ("C", 3), ("V", 3), ("P", 3), ("U", 3)])
def test_all_but_alert_score_three(acvpu: str, expected: int) -> None:
    assert points(news2(well(acvpu=acvpu)), "acvpu") == expected


@pytest.mark.parametrize(
    ("changes", "total", "band"),
    [
        ({}, 0, "low"),
        ({"pulse_bpm": 95.0, "respiratory_rate_bpm": 21.0}, 3, "low"),
        ({"acvpu": "V"}, 3, "low-medium"),
        ({"on_oxygen": True, "spo2_pct": 93.0, "pulse_bpm": 95.0}, 5, "medium"),
        ({"respiratory_rate_bpm": 26.0, "systolic_mmhg": 88.0, "pulse_bpm": 92.0}, 7, "high"),
        (
            {
                "respiratory_rate_bpm": 26.0, "spo2_pct": 90.0, "on_oxygen": True,
                "systolic_mmhg": 88.0, "pulse_bpm": 135.0, "acvpu": "U", "body_temp_c": 34.0,
            },
            20,
            "high",
        ),
    ],
)  # fmt: skip
def test_bands_follow_the_triggers(changes: dict[str, object], total: int, band: str) -> None:
    score = news2(well(**changes))
    assert (score.low, score.high, score.band) == (total, total, band)
    assert score.missing == ()


def test_nothing_measured_is_nothing_known() -> None:
    score = news2(News2Inputs())
    assert (score.low, score.high, score.band, len(score.missing)) == (0, 20, "unknown", 7)


def test_a_known_emergency_is_not_hidden_by_what_is_missing() -> None:
    score = news2(well(respiratory_rate_bpm=30.0, systolic_mmhg=80.0, acvpu="P", body_temp_c=None))
    assert (score.low, score.high, score.band) == (9, 12, "high")


def test_scale_two_above_its_target_needs_to_know_of_oxygen() -> None:
    score = news2(well(spo2_pct=97.0, on_oxygen=None, spo2_scale=2))
    assert score.missing == ("spo2_pct", "on_oxygen")
    assert (score.low, score.high) == (0, 5)


@given(
    known=st.fixed_dictionaries(
        {
            "respiratory_rate_bpm": st.none() | st.floats(0, 60),
            "spo2_pct": st.none() | st.floats(50, 100),
            "on_oxygen": st.none() | st.booleans(),
            "systolic_mmhg": st.none() | st.floats(30, 280),
            "pulse_bpm": st.none() | st.floats(0, 220),
            "acvpu": st.none() | st.sampled_from(get_args(Acvpu)),
            "body_temp_c": st.none() | st.floats(30, 42),
            "spo2_scale": st.sampled_from((1, 2)),
        }
    ),
)
def test_whatever_the_missing_turn_out_to_be_the_score_lies_in_the_range(
    known: dict[str, Any],
) -> None:
    score = news2(well(**known))
    extremes: dict[str, tuple[object, object]] = {
        "respiratory_rate_bpm": (16.0, 30.0), "spo2_pct": (90.0, 60.0), "on_oxygen": (False, True),
        "systolic_mmhg": (120.0, 70.0), "pulse_bpm": (70.0, 150.0), "acvpu": ("A", "U"),
        "body_temp_c": (37.0, 34.0),
    }  # fmt: skip
    gone = [name for name in extremes if known[name] is None]
    totals = [
        news2(well(**known | dict(zip(gone, choice, strict=True)))).low
        for choice in product(*(extremes[name] for name in gone))
    ]
    assert score.low <= min(totals)
    assert max(totals) <= score.high
