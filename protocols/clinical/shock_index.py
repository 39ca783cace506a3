"""Shock index: heart rate over systolic pressure.

Source: Allgöwer M, Burri C. "Schockindex". Dtsch Med Wochenschr 1967;92:1947–50 (healthy 0.5–0.7,
impending shock from about 1.0); alarm from 0.9: Rady MY et al. Ann Emerg Med 1994;24:685–90.
"""

from typing import Final, Literal

from protocols.clinical.reading import Reading
from protocols.messages.triage import Score, ScorePart

EDITION: Final = "Allgöwer 1967"
ALARM_FROM: Final = 0.9
RAISED_FROM: Final = 0.7


def shock_index(pulse_bpm: Reading[float] | None, systolic_mmhg: Reading[float] | None) -> Score:
    """Return the index, to a hundredth; without both readings it is not known at all (0 to 0)."""
    parts = (
        ScorePart(
            parameter="pulse_bpm",
            value=pulse_bpm.value if pulse_bpm else None,
            measured_utc_us=pulse_bpm.measured_utc_us if pulse_bpm else None,
        ),
        ScorePart(
            parameter="systolic_mmhg",
            value=systolic_mmhg.value if systolic_mmhg else None,
            measured_utc_us=systolic_mmhg.measured_utc_us if systolic_mmhg else None,
        ),
    )
    missing = tuple(part.parameter for part in parts if part.value is None)
    if pulse_bpm is None or systolic_mmhg is None or systolic_mmhg.value <= 0:
        return Score(
            score="shock_index", edition=EDITION, low=0, high=0, band="unknown", parts=parts,
            missing=missing or ("systolic_mmhg",),
        )  # fmt: skip
    index = round(pulse_bpm.value / systolic_mmhg.value, 2)
    return Score(
        score="shock_index", edition=EDITION, low=index, high=index, band=_band(index), parts=parts
    )


def _band(index: float) -> Literal["low", "medium", "high"]:
    if index >= ALARM_FROM:
        return "high"
    return "medium" if index > RAISED_FROM else "low"
