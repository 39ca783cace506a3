"""Alarm limits of vital signs by patient class, each with its source. Pure.

An alarm is raised below `low` and above `high` (medium), below `lowest` and above `highest` (high).
Defaults for a vehicle, not orders for a patient: every one of them is a setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

Parameter = Literal[
    "heart_rate_bpm", "spo2_pct", "respiratory_rate_bpm", "systolic_mmhg", "body_temp_c",
    "etco2_mmhg", "glucose_mmol_l",
]  # fmt: skip


class PatientClass(StrEnum):
    ADULT = "adult"  # from 16 years, where NEWS2 holds
    CHILD = "child"  # 1 to 15 years
    INFANT = "infant"  # 29 days to 1 year
    NEONATE = "neonate"  # up to 28 days


ADULT_FROM_YEARS: Final = 16
NEONATE_UP_TO_DAYS: Final = 28


def class_of(
    age_years: int | None, age_days: int | None, *, otherwise: PatientClass
) -> PatientClass:
    """Return the class of a patient of that age; `otherwise` where the age is not known."""
    if age_days is not None and age_days <= NEONATE_UP_TO_DAYS:
        return PatientClass.NEONATE
    if age_years is None:
        return otherwise if age_days is None else PatientClass.INFANT
    if age_years < 1:
        return PatientClass.INFANT
    return PatientClass.ADULT if age_years >= ADULT_FROM_YEARS else PatientClass.CHILD


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """None: no limit on that side. `back`: how far within a limit a value must come to end it."""

    low: float | None = None
    high: float | None = None
    lowest: float | None = None
    highest: float | None = None
    back: float
    delay_s: float
    source: str


_NEWS2: Final = "RCP NEWS2 2017, a single red score (3)"
_PALS: Final = "AHA PALS Provider Manual 2020, vital signs in children"
_DELAY: Final = "delay: Görges et al. Anesth Analg 2009;108:1546"
"""A delay of seconds takes away most alarms that mean nothing, and hardly any others."""

_RATE: Final = {"back": 2.0, "delay_s": 5.0}
_HEART: Final = {"back": 3.0, "delay_s": 5.0}
_SATURATION: Final = {"back": 1.0, "delay_s": 10.0}
_PRESSURE: Final = {"back": 5.0, "delay_s": 0.0}
_TEMPERATURE: Final = {"back": 0.2, "delay_s": 10.0}
_CARBON_DIOXIDE: Final = {"back": 2.0, "delay_s": 10.0}
_SUGAR: Limit = Limit(
    low=3.9, lowest=3.0, back=0.2, delay_s=0.0,
    source="International Hypoglycaemia Study Group 2017: alert below 3.9, serious below 3.0",
)  # fmt: skip
_BREATH_OUT: Limit = Limit(
    low=30, high=50, lowest=10, **_CARBON_DIOXIDE,
    source="ours, about the 35–45 mmHg of the Brain Trauma Foundation's prehospital guidelines, 3rd"
    " ed. 2023; below 10: AHA 2020, during resuscitation",
)  # fmt: skip
_HYPOXIA_CHILD: Limit = Limit(
    low=93, lowest=85, **_SATURATION,
    source="BTS, Thorax 2011;66 Suppl 2: severe at 92 % and less; lowest as for adults",
)  # fmt: skip

DEFAULTS: Final[Mapping[PatientClass, Mapping[Parameter, Limit]]] = {
    PatientClass.ADULT: {
        "heart_rate_bpm": Limit(
            low=41, high=130, lowest=30, highest=150, **_HEART,
            source=f"{_NEWS2}; highest: ERC 2021, rate-related symptoms from 150; lowest: ours,"
            " between NEWS2's 40 and the pause of 3 s (20/min) of ERC 2021",
        ),
        "spo2_pct": Limit(
            low=92, lowest=85, **_SATURATION,
            source=f"{_NEWS2}; lowest: BTS, Thorax 2017;72 Suppl 1, reservoir mask below 85 %",
        ),
        "respiratory_rate_bpm": Limit(
            low=9, high=24, lowest=6, highest=29, **_RATE,
            source=f"{_NEWS2}; highest: National Guideline for the Field Triage of Injured Patients"
            " 2021, above 29; lowest: ours",
        ),
        "systolic_mmhg": Limit(
            low=91, high=219, lowest=71, **_PRESSURE,
            source=f"{_NEWS2}; lowest: 70 and less, as shock was defined by Bulger et al."
            " Ann Surg 2011;253:431",
        ),
        "body_temp_c": Limit(
            low=35.1, high=39.0, lowest=28.0, highest=40.0, **_TEMPERATURE,
            source="RCP NEWS2 2017, red below and the upper amber; ERC 2021: severe hypothermia"
            " below 28 °C, heat stroke above 40 °C",
        ),
        "etco2_mmhg": _BREATH_OUT,
        "glucose_mmol_l": _SUGAR,
    },
    PatientClass.CHILD: {
        "heart_rate_bpm": Limit(
            low=75, high=140, lowest=60, highest=180, **_HEART,
            source=f"{_PALS}: toddler to school age, awake; lowest: PALS, bradycardia below 60;"
            " highest: PALS, supraventricular tachycardia from 180",
        ),
        "spo2_pct": _HYPOXIA_CHILD,
        "respiratory_rate_bpm": Limit(
            low=18, high=37, lowest=10, highest=60, **_RATE,
            source=f"{_PALS}: toddler to school age; 10 and 60: PALS, always abnormal beyond",
        ),
        "systolic_mmhg": Limit(
            low=90, lowest=70, **_PRESSURE,
            source="AHA PALS 2020, hypotension: 70 + 2 × age, 90 from ten years; with an age low is"
            " that; lowest: the infant's",
        ),
        "body_temp_c": Limit(
            low=35.1, high=39.0, lowest=28.0, highest=40.0, **_TEMPERATURE,
            source="as for adults",
        ),
        "etco2_mmhg": _BREATH_OUT,
        "glucose_mmol_l": _SUGAR,
    },
    PatientClass.INFANT: {
        "heart_rate_bpm": Limit(
            low=100, high=180, lowest=60, highest=220, **_HEART,
            source=f"{_PALS}: infant, awake; lowest: compressions below 60; highest: PALS,"
            " supraventricular tachycardia from 220",
        ),
        "spo2_pct": _HYPOXIA_CHILD,
        "respiratory_rate_bpm": Limit(
            low=30, high=53, lowest=10, highest=60, **_RATE,
            source=f"{_PALS}: infant; 10 and 60: PALS, always abnormal beyond",
        ),
        "systolic_mmhg": Limit(
            low=70, lowest=60, **_PRESSURE,
            source="AHA PALS 2020, hypotension below 70; lowest: the neonate's",
        ),
        "body_temp_c": Limit(
            low=36.0, high=38.9, lowest=32.0, highest=40.0, **_TEMPERATURE,
            source="NICE NG143: 39 °C and more; low and lowest: WHO, thermal protection of the"
            " newborn, 1997, moderate below 36.0, severe below 32.0",
        ),
        "etco2_mmhg": _BREATH_OUT,
        "glucose_mmol_l": _SUGAR,
    },
    PatientClass.NEONATE: {
        "heart_rate_bpm": Limit(
            low=100, high=205, lowest=60, highest=220, **_HEART,
            source=f"{_PALS}: neonate, awake; lowest: NRP 8th ed., compressions below 60",
        ),
        "spo2_pct": Limit(
            low=90, lowest=80, **_SATURATION,
            source="WHO pocket book of hospital care for children 2013, oxygen below 90 %; lowest:"
            " ours",
        ),
        "respiratory_rate_bpm": Limit(
            low=30, high=60, lowest=10, highest=80, **_RATE,
            source="WHO 2013, fast breathing from 60; lowest: PALS; highest: ours",
        ),
        "systolic_mmhg": Limit(
            low=60, lowest=50, **_PRESSURE,
            source="AHA PALS 2020, hypotension of a term neonate below 60; lowest: ours",
        ),
        "body_temp_c": Limit(
            low=36.5, high=37.5, lowest=32.0, highest=39.0, **_TEMPERATURE,
            source="WHO, thermal protection of the newborn, 1997; highest: ours",
        ),
        "etco2_mmhg": _BREATH_OUT,
        "glucose_mmol_l": Limit(
            low=2.6, lowest=2.0, back=0.2, delay_s=0.0,
            source="WHO 1997, hypoglycaemia of the newborn below 2.6; lowest: BAPM 2017, below 2.0",
        ),
    },
}  # fmt: skip
"""Source of every delay: see `_DELAY`."""

SCALE_2_LOW: Final = 84.0
"""SpO2 of a patient on NEWS2's scale 2 (target 88–92 %): red at 83 % and less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What a setting changes of one limit; None: as it was."""

    low: float | None = None
    high: float | None = None
    lowest: float | None = None
    highest: float | None = None


Limits = Mapping[Parameter, Limit]


def limits_of(
    patient: PatientClass,
    *,
    age_years: int | None = None,
    spo2_scale: Literal[1, 2] = 1,
    changed: Mapping[tuple[PatientClass, Parameter], Changed] | None = None,
) -> Limits:
    """Return the limits of one patient; what a setting says outweighs all else."""
    limits = dict(DEFAULTS[patient])
    if patient is PatientClass.CHILD and age_years is not None:
        low = float(min(90, 70 + 2 * age_years))
        limits["systolic_mmhg"] = replace(limits["systolic_mmhg"], low=low)
    if spo2_scale == 2 and patient is PatientClass.ADULT:  # noqa: PLR2004 -- the scale's own name
        limits["spo2_pct"] = replace(limits["spo2_pct"], low=SCALE_2_LOW, lowest=80.0)
    for (whose, parameter), change in (changed or {}).items():
        if whose is patient:
            said = {
                side: value
                for side in ("low", "high", "lowest", "highest")
                if (value := getattr(change, side)) is not None
            }
            limits[parameter] = replace(limits[parameter], **said)
    return limits
