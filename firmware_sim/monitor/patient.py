"""A patient who is not there: vital signs as pure functions of time, for one seed and course.

Law: `at(t)` depends on nothing but seed, course and t, so a run can be repeated to the digit. Each
quantity follows the course's line and wavers about it by slow sines of seeded phase.
"""

import math
import random
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalSigns:
    """The patient's state at one moment. Rates per minute, pressures mmHg, °C, percent."""

    heart_rate: float
    spo2: float
    respiratory_rate: float
    systolic: float
    diastolic: float
    temperature: float
    st_mv: float = 0.0  # ST elevation of an inferior infarction, in lead II
    irregular: float = 0.0  # 0 sinus rhythm, 1 atrial fibrillation

    @property
    def mean_arterial(self) -> float:
        """Mean pressure by the usual rule: a third of the way from diastolic to systolic."""
        return self.diastolic + (self.systolic - self.diastolic) / 3


_V = VitalSigns
COURSES: Final = MappingProxyType({
    "stable": (
        (0.0, _V(heart_rate=74, spo2=97.5, respiratory_rate=15, systolic=126, diastolic=76,
                 temperature=36.7)),
    ),
    "chest-pain": (
        (0.0, _V(heart_rate=88, spo2=96, respiratory_rate=19, systolic=142, diastolic=86,
                 temperature=36.8, st_mv=0.12)),
        (900.0, _V(heart_rate=104, spo2=94, respiratory_rate=22, systolic=112, diastolic=70,
                   temperature=36.8, st_mv=0.28)),
    ),
    "deterioration": (
        (0.0, _V(heart_rate=92, spo2=96, respiratory_rate=19, systolic=124, diastolic=72,
                 temperature=38.2)),
        (300.0, _V(heart_rate=108, spo2=94, respiratory_rate=23, systolic=108, diastolic=62,
                   temperature=38.6)),
        (900.0, _V(heart_rate=128, spo2=90, respiratory_rate=28, systolic=88, diastolic=50,
                   temperature=39.2)),
    ),
    "fibrillation": (
        (0.0, _V(heart_rate=118, spo2=96, respiratory_rate=18, systolic=118, diastolic=74,
                 temperature=36.6, irregular=1.0)),
    ),
})  # fmt: skip
"""Courses by name: points in time (s), straight lines between them, the last one lasts."""

_WAVER: Final = {
    "heart_rate": 2.5, "spo2": 0.5, "respiratory_rate": 1.0, "systolic": 4.0, "diastolic": 3.0,
    "temperature": 0.05, "st_mv": 0.0, "irregular": 0.0,
}  # fmt: skip
_PERIODS_S: Final = (17.0, 47.0, 131.0)


class Patient:
    """One simulated patient."""

    def __init__(self, *, seed: int, course: str = "stable") -> None:
        rng = random.Random(seed)
        self._line = COURSES[course]
        self._phases = {name: [rng.uniform(0, 2 * math.pi) for _ in _PERIODS_S] for name in _WAVER}

    def at(self, time_s: float) -> VitalSigns:
        """Return the patient's state `time_s` after the start."""
        values = {name: self._value(name, time_s) for name in _WAVER}
        values["spo2"] = min(100.0, values["spo2"])
        return VitalSigns(**values)

    def _value(self, name: str, time_s: float) -> float:
        waver = sum(
            math.sin(2 * math.pi * time_s / period_s + phase)
            for period_s, phase in zip(_PERIODS_S, self._phases[name], strict=True)
        )
        return self._course(name, time_s) + _WAVER[name] * waver / len(_PERIODS_S)

    def _course(self, name: str, time_s: float) -> float:
        before_s, before = self._line[0]
        for after_s, after in self._line[1:]:
            if time_s < after_s:
                part = max(0.0, (time_s - before_s) / (after_s - before_s))
                low, high = getattr(before, name), getattr(after, name)
                return float(low + (high - low) * part)
            before_s, before = after_s, after
        return float(getattr(before, name))


COUNTING: Final = "counting"
"""A course for tests of what carries the numbers: no two reports of a day are the same."""


class CountingPatient(Patient):
    """Nobody: heart rate, respiratory rate and temperature together count quarters of a second."""

    def __init__(self, *, seed: int) -> None:
        super().__init__(seed=seed, course="stable")

    def at(self, time_s: float) -> VitalSigns:
        """Return numbers that are like no others of that day."""
        count = round(time_s * 4)
        return replace(
            super().at(time_s),
            heart_rate=40.0 + count % 100,
            respiratory_rate=10.0 + count // 100 % 30,
            temperature=34.0 + count // 3_000 % 80 / 10,
        )


def patient_of(*, seed: int, course: str) -> Patient:
    """Return the patient of a course of `COURSES`, or of `COUNTING`."""
    return CountingPatient(seed=seed) if course == COUNTING else Patient(seed=seed, course=course)
