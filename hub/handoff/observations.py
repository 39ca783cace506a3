"""The case's measurements as FHIR R4 Observations. Pure.

Source of codes: LOINC 2.78 (vital signs panel 85353-1 and its members), UCUM, ISO/IEEE 11073-10101;
structure: FHIR R4 vital-signs profiles. NEWS2 and the shock index carry codes of our own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from hub.handoff.case import Case
from hub.handoff.fhir import (
    LOINC,
    OURS,
    Ids,
    Json,
    absent,
    category,
    coded,
    instant,
    quantity,
)
from hub.handoff.resources import begun, device_of
from protocols.messages import Score, VitalsReading

STEP_US: Final = 5 * 60 * 1_000_000
"""Vital signs are sent one in five minutes and the newest, as a chart would hold them."""

_MOST_STEPS: Final = 48


@dataclass(frozen=True, slots=True)
class _Vital:
    field: str
    code: str
    display: str
    unit: str
    ucum: str


_VITALS: Final = (
    _Vital("heart_rate_bpm", "8867-4", "Heart rate", "/min", "/min"),
    _Vital("pulse_bpm", "8889-8", "Heart rate by Pulse oximetry", "/min", "/min"),
    _Vital(
        "spo2_pct", "59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "%", "%"
    ),
    _Vital("respiratory_rate_bpm", "9279-1", "Respiratory rate", "/min", "/min"),
    _Vital("body_temp_c", "8310-5", "Body temperature", "°C", "Cel"),
    _Vital("etco2_mmhg", "19889-5", "Carbon dioxide, end tidal", "mmHg", "mm[Hg]"),
    _Vital("glucose_mmol_l", "15074-8", "Glucose in blood", "mmol/L", "mmol/L"),
)
_PRESSURES: Final = (
    _Vital("systolic_mmhg", "8480-6", "Systolic blood pressure", "mmHg", "mm[Hg]"),
    _Vital("diastolic_mmhg", "8462-4", "Diastolic blood pressure", "mmHg", "mm[Hg]"),
    _Vital("mean_arterial_mmhg", "8478-0", "Mean blood pressure", "mmHg", "mm[Hg]"),
)
_SPO2: Final = {"system": LOINC, "code": "2708-6", "display": "Oxygen saturation in Arterial blood"}


def vital_observations(case: Case, ids: Ids) -> Iterator[tuple[str, Json]]:
    """Yield (name, Observation) of every vital sign, oldest first."""
    for vital in _VITALS:
        for at_utc_us, reading in _thinned(case.vitals, vital.field):
            yield f"{vital.field}/{at_utc_us}", _vital(case, ids, vital, at_utc_us, reading)
    for at_utc_us, reading in _cuffs(case.vitals):
        yield f"pressure/{at_utc_us}", _pressure(case, ids, at_utc_us, reading)


def score_observations(case: Case, ids: Ids) -> Iterator[tuple[str, Json]]:
    """Yield (name, Observation) of the newest of each score, with its parts."""
    for at_utc_us, score in case.scores:
        yield f"score/{score.score}", _score(case, ids, at_utc_us, score)


def node_observation(case: Case, ids: Ids) -> tuple[str, Json] | None:
    """Return (name, Observation) of the run's time nodes, or None where there are none."""
    if not case.nodes:
        return None
    found = _begun(case, ids, case.nodes[-1].at_utc_us)
    found |= {
        "category": category("procedure", "Procedure"),
        "code": coded(OURS, "time-nodes", "Time nodes of the run"),
        "component": [
            {
                "code": coded(OURS, f"time-node.{node.node.value}", node.node.value),
                "valueDateTime": instant(node.at_utc_us),
            }
            for node in case.nodes
        ],
    }
    return "nodes", found


def _begun(case: Case, ids: Ids, at_utc_us: int) -> Json:
    return begun(case, ids) | {"effectiveDateTime": instant(at_utc_us)}


def _vital(case: Case, ids: Ids, vital: _Vital, at_utc_us: int, reading: VitalsReading) -> Json:
    code = coded(LOINC, vital.code, vital.display)
    if vital.field == "spo2_pct":  # the profile asks for the general code beside the exact one
        code["coding"].insert(0, _SPO2)
    measured = _begun(case, ids, at_utc_us) | device_of(ids, reading.source)
    return measured | {
        "category": category("vital-signs", "Vital Signs"),
        "code": code,
        "valueQuantity": quantity(getattr(reading, vital.field), vital.unit, vital.ucum),
    }


def _pressure(case: Case, ids: Ids, at_utc_us: int, reading: VitalsReading) -> Json:
    components = []
    for pressure in _PRESSURES:
        value = getattr(reading, pressure.field)
        component: Json = {"code": coded(LOINC, pressure.code, pressure.display)}
        if value is None:
            component["dataAbsentReason"] = absent("unknown", "Unknown")
        else:
            component["valueQuantity"] = quantity(value, pressure.unit, pressure.ucum)
        components.append(component)
    measured = _begun(case, ids, at_utc_us) | device_of(ids, reading.source)
    return measured | {
        "category": category("vital-signs", "Vital Signs"),
        "code": coded(LOINC, "85354-9", "Blood pressure panel"),
        "component": components,
    }


def _score(case: Case, ids: Ids, at_utc_us: int, score: Score) -> Json:
    found = _begun(case, ids, at_utc_us) | {
        "category": category("survey", "Survey"),
        "code": coded(OURS, f"score.{score.score}", f"{score.score} ({score.edition})"),
        "interpretation": [coded(OURS, f"band.{score.band}", score.band)],
        "component": [
            _part(part.parameter, part.value, part.points, is_missing=part.points is None)
            for part in score.parts
        ],
    }
    if score.band == "unknown" and score.score == "shock_index":
        found["dataAbsentReason"] = absent("unknown", "Unknown")
    elif score.low == score.high:
        found["valueQuantity"] = quantity(score.low, "score", "1")
    else:
        found["valueRange"] = {
            "low": quantity(score.low, "score", "1"),
            "high": quantity(score.high, "score", "1"),
        }
    return found


def _part(
    parameter: str, value: float | str | None, points: int | None, *, is_missing: bool
) -> Json:
    code = coded(OURS, f"part.{parameter}", parameter)
    if is_missing and value is None:
        return {"code": code, "dataAbsentReason": absent("not-performed", "Not Performed")}
    said = "" if points is None else f"{points} points"
    return {"code": code, "valueString": f"{value} {said}".strip()}


def _thinned(
    vitals: Sequence[tuple[int, VitalsReading]], field: str
) -> list[tuple[int, VitalsReading]]:
    """Return the last that has `field` of each five minutes, the newest included, oldest first."""
    last: dict[int, tuple[int, VitalsReading]] = {}
    for at_utc_us, reading in vitals:
        if getattr(reading, field) is not None:
            last[at_utc_us // STEP_US] = (at_utc_us, reading)
    return [last[step] for step in sorted(last)][-_MOST_STEPS:]


def _cuffs(vitals: Sequence[tuple[int, VitalsReading]]) -> list[tuple[int, VitalsReading]]:
    """Return each cuff measurement once, at the cuff's own time."""
    measured: dict[int, VitalsReading] = {}
    for at_utc_us, reading in vitals:
        if reading.systolic_mmhg is not None:
            measured.setdefault(reading.nibp_measured_utc_us or at_utc_us, reading)
    return sorted(measured.items())[-_MOST_STEPS:]
