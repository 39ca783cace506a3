"""Vital signs: what one reading of the patient monitor says."""

from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from protocols.messages.base import Message
from protocols.units import (
    BeatsPerMinute,
    BreathsPerMinute,
    Celsius,
    MillimetresOfMercury,
    MillimolesPerLitre,
    Percent,
    UtcMicros,
)

MEASUREMENTS: Final = (
    "heart_rate_bpm", "pulse_bpm", "spo2_pct", "respiratory_rate_bpm",
    "systolic_mmhg", "diastolic_mmhg", "mean_arterial_mmhg",
    "body_temp_c", "etco2_mmhg", "glucose_mmol_l",
)  # fmt: skip


class VitalsReading(Message):
    """One averaged reading of one patient.

    `None` is "not measured" and is never zero: a pulse of 0 is a finding. Bounds reject impossible
    bytes, not unlikely patients.
    """

    fields_alone_decide: ClassVar[bool] = True

    kind: Literal["vitals"] = "vitals"
    heart_rate_bpm: BeatsPerMinute | None = None  # from the ECG
    pulse_bpm: BeatsPerMinute | None = None  # from the pleth
    spo2_pct: Percent | None = None
    respiratory_rate_bpm: BreathsPerMinute | None = None
    systolic_mmhg: MillimetresOfMercury | None = None
    diastolic_mmhg: MillimetresOfMercury | None = None
    mean_arterial_mmhg: MillimetresOfMercury | None = None
    nibp_measured_utc_us: UtcMicros | None = None  # the cuff's own time, often minutes ago
    body_temp_c: Celsius | None = None
    etco2_mmhg: MillimetresOfMercury | None = None
    glucose_mmol_l: MillimolesPerLitre | None = None
    source: Annotated[str, Field(max_length=120)] | None = None
    """What made the numbers, as the device says: a monitor's model, or `model` in a simulation."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(getattr(self, name) is None for name in MEASUREMENTS):
            raise ValueError("a reading must carry at least one measurement")
        return self
