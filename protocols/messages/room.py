"""The room of an encounter: what the crew rings and writes, and what it is told of who is there."""

from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from protocols.ids import TopicSafe, UuidText
from protocols.messages.base import Message
from protocols.units import UtcMicros

Name = Annotated[str, Field(min_length=1, max_length=80)]
TeamKind = Literal["chest_pain", "stroke", "trauma", "paediatrics", "other"]
RingStateWord = Literal["ringing", "answered", "unanswered", "cancelled", "expired"]
CallStateWord = Literal["waiting", "ringing", "answered", "declined", "timed_out", "not_needed"]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Aliases = Annotated[tuple[UuidText, ...], Strict(strict=False), Field(max_length=16)]
"""Further ids of the encounter: doctor and crew may have opened it at one time."""


class RingRequest(Message):
    """The crew rings one team, one person, or every doctor of one hospital."""

    kind: Literal["ring"] = "ring"
    ring_id: UuidText
    encounter_id: UuidText
    team_id: TopicSafe | None = None
    username: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    organisation: Name | None = None
    by: Name
    eta_utc_us: UtcMicros | None = None  # when the crew expects to be at the hospital

    @model_validator(mode="after")
    def _rings_one(self) -> Self:
        if [self.team_id, self.username, self.organisation].count(None) != 2:  # noqa: PLR2004
            raise ValueError("a ring goes to a team, a person or a hospital")
        return self


class RingCancelled(Message):
    """The crew needs nobody any more."""

    kind: Literal["ring_cancelled"] = "ring_cancelled"
    ring_id: UuidText
    by: Name


class Said(Message):
    """What the crew wrote to the room."""

    kind: Literal["said"] = "said"
    said_id: UuidText
    encounter_id: UuidText
    text: Text
    by: Name


class TeamEntry(Message):
    """A team that may be rung."""

    kind: Literal["team"] = "team"
    team_id: TopicSafe
    name: Name
    team_kind: TeamKind
    organisation: Name


class PersonEntry(Message):
    """A doctor who may be rung."""

    kind: Literal["person"] = "person"
    username: Annotated[str, Field(min_length=1, max_length=64)]
    name: Name
    organisation: Name


class DirectoryOrder(Message):
    """Whom a crew may ring; the newest list replaces the one before."""

    kind: Literal["directory"] = "directory"
    order_id: UuidText
    teams: Annotated[tuple[TeamEntry, ...], Strict(strict=False), Field(max_length=100)] = ()
    people: Annotated[tuple[PersonEntry, ...], Strict(strict=False), Field(max_length=200)] = ()
    given_utc_us: UtcMicros
    expires_utc_us: UtcMicros


class Called(Message):
    """One person of a ring, and what became of it."""

    kind: Literal["called"] = "called"
    name: Name
    organisation: Name
    step: Annotated[int, Field(ge=0, le=20)]
    state: CallStateWord


class RingSeen(Message):
    """One ring as the crew sees it."""

    kind: Literal["ring_seen"] = "ring_seen"
    ring_id: UuidText
    target: Name
    state: RingStateWord
    calls: Annotated[tuple[Called, ...], Strict(strict=False), Field(max_length=60)] = ()


class Present(Message):
    """Somebody who is in the room."""

    kind: Literal["present"] = "present"
    name: Name
    organisation: Name
    role: Literal["doctor", "guest"]
    joined_utc_us: UtcMicros
    is_lost: bool = False  # their screen is not heard at present
    who: Annotated[str, Field(max_length=16)] | None = None  # the same person in the conversation


class RoomOrder(Message):
    """Who is in the room, and how its rings stand; the newest replaces the one before."""

    kind: Literal["room"] = "room"
    order_id: UuidText
    encounter_id: UuidText
    also_known_as: Aliases = ()
    rings: Annotated[tuple[RingSeen, ...], Strict(strict=False), Field(max_length=8)] = ()
    people: Annotated[tuple[Present, ...], Strict(strict=False), Field(max_length=40)] = ()
    given_utc_us: UtcMicros
    expires_utc_us: UtcMicros


class SaidOrder(Message):
    """What somebody in the room wrote."""

    kind: Literal["said_order"] = "said_order"
    order_id: UuidText
    encounter_id: UuidText
    also_known_as: Aliases = ()
    text: Text
    by: Name
    given_utc_us: UtcMicros
    expires_utc_us: UtcMicros
