"""The chart: what the crew documents of the patient, as events that are never overwritten."""

from typing import Annotated, Literal

from pydantic import Field

from protocols.ids import TopicSafe, UuidText
from protocols.messages.base import Message
from protocols.units import UtcMicros


class PatientNote(Message):
    """What is known of who the patient is; every field may be unknown, the newest record wins."""

    kind: Literal["patient"] = "patient"
    encounter_id: UuidText
    family_name: Annotated[str, Field(max_length=80)] | None = None
    given_name: Annotated[str, Field(max_length=80)] | None = None
    sex: Literal["female", "male", "other", "unknown"] | None = None
    age_years: Annotated[int, Field(ge=0, le=130)] | None = None
    age_days: Annotated[int, Field(ge=0, le=366)] | None = None  # of the very young
    complaint: Annotated[str, Field(max_length=400)] | None = None
    by: Annotated[str, Field(max_length=80)]


class ConsciousnessNote(Message):
    """Level of consciousness and oxygen, as NEWS2 asks for them. Source: RCP NEWS2, 2017."""

    kind: Literal["consciousness"] = "consciousness"
    acvpu: Literal["A", "C", "V", "P", "U"]
    on_oxygen: bool
    spo2_scale: Literal[1, 2] = 1  # 2 only for known hypercapnic respiratory failure
    by: Annotated[str, Field(max_length=80)]


class EncounterOpened(Message):
    """A patient is now in this unit's care."""

    kind: Literal["encounter_opened"] = "encounter_opened"
    encounter_id: UuidText
    run_id: Annotated[str, Field(max_length=64)] | None = None


class EncounterClosed(Message):
    """The patient has left this unit's care."""

    kind: Literal["encounter_closed"] = "encounter_closed"
    encounter_id: UuidText


class HandoverRequest(Message):
    """The crew hands the patient over: the hub sends the encounter to this hospital."""

    kind: Literal["handover"] = "handover"
    handover_id: UuidText
    encounter_id: UuidText
    hospital_id: TopicSafe
    signed_by: Annotated[str, Field(min_length=1, max_length=80)]
    at_utc_us: UtcMicros
