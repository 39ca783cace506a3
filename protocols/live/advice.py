"""Advice as screens are told of it, whole after each change."""

from typing import Annotated, Literal

from pydantic import Field

from protocols.live.feed import FeedModel
from protocols.messages.medication import DoseUnit, PatientClass, RateUnit, Route

AdviceStateWord = Literal[
    "sent", "delivered", "seen", "read_back", "confirmed", "administered", "declined", "expired",
    "lapsed", "withdrawn",
]  # fmt: skip


class MedicationView(FeedModel):
    """A drug as it was ordered."""

    drug: str
    name_en: str
    name_zh: str
    dose: float
    unit: DoseUnit
    route: Route
    rate: float | None = None
    rate_unit: RateUnit | None = None
    patient_class: PatientClass
    weight_kg: float | None = None
    usual: str
    source: str
    override_reason: str | None = None
    remark: str | None = None


class PictureView(FeedModel):
    """A picture for the crew; `standing`: whether whoever tells of it has it."""

    width_px: int
    height_px: int
    captured_utc_us: int
    source: str  # the camera, or `ecg`
    standing: Literal["here", "coming", "lost"]


class AdviceStep(FeedModel):
    """One thing that happened to an advice.

    `misread` is a dose that was not the one ordered, `fetched` a picture that has arrived.
    """

    said: str
    at_utc_us: int
    by: str | None = None
    detail: str | None = None


class AdviceChanged(FeedModel):
    """One advice, whole, after each change of its state."""

    t: Literal["advice"] = "advice"
    unit: str
    encounter_id: str
    advice_id: str
    text: str
    by: str
    state: AdviceStateWord
    given_utc_us: int
    expires_utc_us: int
    answered_utc_us: int | None = None
    answered_by: str | None = None
    reason: str | None = None
    read_back: str | None = None
    administered_utc_us: int | None = None
    administered_dose: float | None = None
    withdraw_asked_utc_us: int | None = None  # the doctor took it back; the vehicle decides
    medication: MedicationView | None = None
    picture: PictureView | None = None
    steps: Annotated[list[AdviceStep], Field(default_factory=list, max_length=64)]
