"""NEWS2: how ill an adult is, from seven observations.

Source: Royal College of Physicians. National Early Warning Score (NEWS) 2: Standardising the
assessment of acute-illness severity in the NHS. London: RCP, 2017; chart 1 (scores), chart 2
(thresholds and triggers). Not for those under 16 years, nor in pregnancy. Observations are charted
as whole numbers, the temperature to a tenth: readings are rounded half up before they are scored.

What is missing is not zero: the score is a range, from what is known to the most that the missing
parameters could add.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from protocols.clinical.reading import Reading
from protocols.messages.triage import Score, ScorePart

EDITION: Final = "RCP 2017"

Acvpu = Literal["A", "C", "V", "P", "U"]
"""Alert, new Confusion, responds to Voice, to Pain, Unresponsive."""

Band = Literal["low", "low-medium", "medium", "high", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class News2Inputs:
    """What is known now; None: not measured, or too old to count."""

    respiratory_rate_bpm: Reading[float] | None = None
    spo2_pct: Reading[float] | None = None
    on_oxygen: Reading[bool] | None = None
    spo2_scale: Literal[1, 2] = 1  # 2: hypercapnic respiratory failure, by a clinician's decision
    systolic_mmhg: Reading[float] | None = None
    pulse_bpm: Reading[float] | None = None
    acvpu: Reading[Acvpu] | None = None
    body_temp_c: Reading[float] | None = None


_Steps = Sequence[tuple[float, int]]
"""(upper bound, points): the first bound that is not passed gives the points."""

_RESPIRATION: Final[_Steps] = ((8, 3), (11, 1), (20, 0), (24, 2), (math.inf, 3))
_SPO2_SCALE_1: Final[_Steps] = ((91, 3), (93, 2), (95, 1), (math.inf, 0))
_SPO2_SCALE_2_AIR: Final[_Steps] = ((83, 3), (85, 2), (87, 1), (math.inf, 0))
_SPO2_SCALE_2_OXYGEN: Final[_Steps] = (
    (83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (math.inf, 3),
)  # fmt: skip
_SYSTOLIC: Final[_Steps] = ((90, 3), (100, 2), (110, 1), (219, 0), (math.inf, 3))
_PULSE: Final[_Steps] = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (math.inf, 3))
_TEMPERATURE_TENTHS: Final[_Steps] = ((350, 3), (360, 1), (380, 0), (390, 1), (math.inf, 2))

OXYGEN_POINTS: Final = 2
CONSCIOUSNESS_POINTS: Final = 3
_MOST: Final = {"on_oxygen": OXYGEN_POINTS}
_MOST_OTHERWISE: Final = 3

MEDIUM_FROM: Final = 5
HIGH_FROM: Final = 7
_SINGLE_RED: Final = 3


def news2(inputs: News2Inputs) -> Score:
    """Return the score with the part of each parameter, in the order of the chart."""
    parts = (
        _stepped("respiratory_rate_bpm", inputs.respiratory_rate_bpm, _RESPIRATION),
        _saturation(inputs),
        _oxygen(inputs.on_oxygen),
        _stepped("systolic_mmhg", inputs.systolic_mmhg, _SYSTOLIC),
        _stepped("pulse_bpm", inputs.pulse_bpm, _PULSE),
        _consciousness(inputs.acvpu),
        _temperature(inputs.body_temp_c),
    )
    missing = tuple(part.parameter for part in parts if part.points is None)
    low = sum(part.points or 0 for part in parts)
    high = low + sum(_MOST.get(name, _MOST_OTHERWISE) for name in missing)
    has_red = any(part.points == _SINGLE_RED for part in parts)
    return Score(
        score="news2",
        edition=EDITION,
        low=low,
        high=high,
        band=_band(low, high, has_red=has_red),
        parts=parts,
        missing=missing,
    )


def _band(low: int, high: int, *, has_red: bool) -> Band:
    """Return the band that is certain.

    What is missing can only raise it: from 5 up the known part alone asks for an urgent answer, and
    so does a single red parameter. Below that, with parameters missing, nothing can be promised.
    """
    if low >= HIGH_FROM:
        return "high"
    if low >= MEDIUM_FROM:
        return "medium"
    if has_red:
        return "low-medium"
    return "low" if high < MEDIUM_FROM and low == high else "unknown"


def _round(value: float) -> int:
    return math.floor(value + 0.5)


def _points(steps: _Steps, value: float) -> int:
    return next(points for bound, points in steps if value <= bound)


def _stepped(name: str, reading: Reading[float] | None, steps: _Steps) -> ScorePart:
    if reading is None:
        return ScorePart(parameter=name)
    value = _round(reading.value)
    return ScorePart(
        parameter=name,
        value=float(value),
        points=_points(steps, value),
        measured_utc_us=reading.measured_utc_us,
    )


def _saturation(inputs: News2Inputs) -> ScorePart:
    """Score SpO2 by its scale; scale 2 above 92 % depends on whether oxygen is given."""
    reading, steps = inputs.spo2_pct, _SPO2_SCALE_1
    if inputs.spo2_scale == 2:  # noqa: PLR2004 -- the scale's own name
        steps = _SPO2_SCALE_2_OXYGEN
        if inputs.on_oxygen is not None and not inputs.on_oxygen.value:
            steps = _SPO2_SCALE_2_AIR
        elif inputs.on_oxygen is None and reading is not None and _round(reading.value) > 92:  # noqa: PLR2004 -- the scale's target ends here
            return ScorePart(parameter="spo2_pct", value=float(_round(reading.value)))
    return _stepped("spo2_pct", reading, steps)


def _oxygen(reading: Reading[bool] | None) -> ScorePart:
    if reading is None:
        return ScorePart(parameter="on_oxygen")
    return ScorePart(
        parameter="on_oxygen",
        value="oxygen" if reading.value else "air",
        points=OXYGEN_POINTS if reading.value else 0,
        measured_utc_us=reading.measured_utc_us,
    )


def _consciousness(reading: Reading[Acvpu] | None) -> ScorePart:
    if reading is None:
        return ScorePart(parameter="acvpu")
    return ScorePart(
        parameter="acvpu",
        value=reading.value,
        points=0 if reading.value == "A" else CONSCIOUSNESS_POINTS,
        measured_utc_us=reading.measured_utc_us,
    )


def _temperature(reading: Reading[float] | None) -> ScorePart:
    if reading is None:
        return ScorePart(parameter="body_temp_c")
    tenths = _round(reading.value * 10)
    return ScorePart(
        parameter="body_temp_c",
        value=tenths / 10,
        points=_points(_TEMPERATURE_TENTHS, tenths),
        measured_utc_us=reading.measured_utc_us,
    )
