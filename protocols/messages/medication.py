"""A drug as it is ordered: what, how much, by which way, how fast. Never changed on its way."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from protocols.ids import TopicSafe
from protocols.messages.base import Message

DoseUnit = Literal["mg", "g", "ug", "mL", "IU", "L/min"]
RateUnit = Literal["mL/h", "mL/min", "mg/min", "ug/kg/min", "L/min"]
Route = Literal[
    "oral", "sublingual", "buccal", "intranasal", "inhaled", "nebulised", "iv", "io", "im", "sc"
]
PatientClass = Literal["adult", "child", "infant"]
Dose = Annotated[float, Field(gt=0, le=100_000)]


class Medication(Message):
    """One drug of the hub's formulary, with the words for it in both languages.

    `usual` and `source` are what the hub held the dose against, and whose word that is. A dose
    beyond it travels only with the doctor's `override_reason`, for the crew to read.
    """

    kind: Literal["medication"] = "medication"
    drug: TopicSafe
    name_en: Annotated[str, Field(min_length=1, max_length=80)]
    name_zh: Annotated[str, Field(min_length=1, max_length=80)]
    dose: Dose
    unit: DoseUnit
    route: Route
    rate: Dose | None = None
    rate_unit: RateUnit | None = None
    patient_class: PatientClass
    weight_kg: Annotated[float, Field(gt=0, le=400)] | None = None
    usual: Annotated[str, Field(max_length=80)]
    source: Annotated[str, Field(max_length=160)]
    override_reason: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    remark: Annotated[str, Field(max_length=400)] | None = None

    @model_validator(mode="after")
    def _rate_has_its_unit(self) -> Self:
        if (self.rate is None) != (self.rate_unit is None):
            raise ValueError("a rate and its unit come together")
        return self
