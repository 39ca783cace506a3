"""Settings of the alarms."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from protocols.clinical.alarms import DEFAULTS, Changed, Parameter, PatientClass


class LimitChange(BaseModel):
    """One vital sign's limits; what is left out stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    low: float | None = None
    high: float | None = None
    lowest: float | None = None
    highest: float | None = None


class AlarmSettings(BaseModel):
    """When the vehicle calls attention to something."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    patient_class: PatientClass = Field(
        default=PatientClass.ADULT,
        description="whose limits hold while the patient's age is not known: adult, child, infant,"
        " neonate",
    )
    limits: dict[PatientClass, dict[Parameter, LimitChange]] = Field(
        default_factory=dict,
        description='JSON, what differs from docs/ALARMS.md: {"adult": {"spo2_pct": {"low": 88}}}',
    )
    escalate_after_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=180.0,
        description="a medium alarm of the patient's that nobody has acknowledged for so long"
        " becomes a high one, s; 0: never",
    )
    link_lost_after_s: Annotated[float, Field(ge=5, le=3600)] = Field(
        default=30.0, description="without the hub for so long the link is an alarm, s"
    )
    disk_low_bytes: Annotated[int, Field(ge=0, le=2**44)] = Field(
        default=512 * 2**20, description="with less free on the journal's disk there is an alarm"
    )

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        for patient, changes in self.limits.items():
            for parameter, change in changes.items():
                default = DEFAULTS[patient][parameter]
                sides = [
                    given if (given := getattr(change, side)) is not None else usual
                    for side, usual in (
                        ("lowest", default.lowest),
                        ("low", default.low),
                        ("high", default.high),
                        ("highest", default.highest),
                    )
                ]
                known = [side for side in sides if side is not None]
                if known != sorted(known):
                    raise ValueError(
                        f"{patient.value} {parameter}: lowest ≤ low ≤ high ≤ highest does not hold"
                    )
        return self

    def changed(self) -> Mapping[tuple[PatientClass, Parameter], Changed]:
        """Return what these settings change of the default limits."""
        return {
            (patient, parameter): Changed(**change.model_dump())
            for patient, changes in self.limits.items()
            for parameter, change in changes.items()
        }
