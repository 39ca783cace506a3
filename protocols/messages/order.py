"""Orders: what the hub asks of a vehicle (stream `order`), and the answers (stream `ack`)."""

from typing import Annotated, Literal

from pydantic import Field, Strict

from protocols.ids import TopicSafe, UuidText
from protocols.messages.base import Message
from protocols.messages.medication import Dose, Medication
from protocols.messages.picture import Picture
from protocols.units import UtcMicros


class AdviceOrder(Message):
    """A doctor's advice to the crew; rings on the tablet until it is confirmed or declined.

    With a `medication` it is an order of a drug, to be read back; `text` then says the same in
    words, for a vehicle that does not know the field. With a `picture` it shows that; the vehicle
    fetches it, and nobody confirms what is not there to be seen.
    """

    kind: Literal["advice"] = "advice"
    order_id: UuidText
    encounter_id: UuidText
    text: Annotated[str, Field(min_length=1, max_length=2000)]
    by: Annotated[str, Field(max_length=80)]
    by_role: Literal["doctor", "operator"]
    given_utc_us: UtcMicros
    expires_utc_us: UtcMicros  # later than this it is shown as expired and cannot be confirmed
    medication: Medication | None = None
    picture: Picture | None = None


class WithdrawOrder(Message):
    """A doctor takes an advice back; too late for one that was carried out."""

    kind: Literal["withdraw"] = "withdraw"
    order_id: UuidText
    withdrawn_order_id: UuidText
    by: Annotated[str, Field(max_length=80)]
    given_utc_us: UtcMicros
    expires_utc_us: UtcMicros


class TaskOrder(Message):
    """A task from dispatch: where, what, who."""

    kind: Literal["task"] = "task"
    order_id: UuidText
    run_id: Annotated[str, Field(max_length=64)]
    summary: Annotated[str, Field(max_length=400)]
    address: Annotated[str, Field(max_length=200)]
    latitude_deg: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude_deg: Annotated[float, Field(ge=-180, le=180)] | None = None
    given_utc_us: UtcMicros
    expires_utc_us: UtcMicros


class EncounterOrder(Message):
    """The hub opened an encounter for this unit (a doctor did); the tablet joins it."""

    kind: Literal["encounter"] = "encounter"
    order_id: UuidText
    encounter_id: UuidText
    opened_by: Annotated[str, Field(max_length=80)]
    given_utc_us: UtcMicros
    expires_utc_us: UtcMicros


class HandoffReceipt(Message):
    """How a hand-over stands, for the tablet to show."""

    kind: Literal["handoff_receipt"] = "handoff_receipt"
    order_id: UuidText
    handover_id: UuidText
    hospital_id: TopicSafe
    state: Literal["queued", "accepted", "failed"]
    detail: Annotated[str, Field(max_length=200)] | None = None
    given_utc_us: UtcMicros
    expires_utc_us: UtcMicros


class HospitalEntry(Message):
    """One hospital to which a crew may hand over."""

    kind: Literal["hospital"] = "hospital"
    hospital_id: TopicSafe
    name: Annotated[str, Field(min_length=1, max_length=120)]


class HospitalsOrder(Message):
    """The hospitals to choose from; the newest list replaces the one before."""

    kind: Literal["hospitals"] = "hospitals"
    order_id: UuidText
    hospitals: Annotated[tuple[HospitalEntry, ...], Strict(strict=False), Field(max_length=200)]
    given_utc_us: UtcMicros
    expires_utc_us: UtcMicros


class OrderAnswer(Message):
    """What became of an order in the vehicle; one record for each change.

    `hub_utc_us`: when, by the hub's clock as the vehicle knew it; what a validity is judged by.
    `misread` changes nothing: the dose typed at the read-back was not the one ordered. Nor does
    `fetched`: the picture is in the vehicle, and can be seen.
    """

    kind: Literal["answer"] = "answer"
    order_id: UuidText
    state: Literal[
        "delivered", "fetched", "seen", "misread", "read_back", "confirmed", "administered",
        "declined", "expired", "lapsed", "withdrawn",
    ]  # fmt: skip
    by: Annotated[str, Field(max_length=80)] | None = None
    reason: Annotated[str, Field(max_length=400)] | None = None
    read_back: Annotated[str, Field(max_length=2000)] | None = None
    hub_utc_us: UtcMicros | None = None
    administered_utc_us: UtcMicros | None = None
    administered_dose: Dose | None = None
