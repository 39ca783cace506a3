"""The room as screens are told of it: who is there, who is rung, and what happens."""

from typing import Literal

from protocols.live.feed import FeedModel, ScoreView
from protocols.messages.room import CallStateWord, RingStateWord


class CallView(FeedModel):
    """One person of a ring."""

    name: str
    organisation: str
    step: int
    state: CallStateWord
    rung_utc_us: int | None = None
    ended_utc_us: int | None = None


class RingView(FeedModel):
    """One ring of a room."""

    ring_id: str
    target: str
    state: RingStateWord
    asked_by: str
    asked_utc_us: int
    calls: list[CallView]


class SeatView(FeedModel):
    """Somebody who is in the room; `is_lost`: their screen is not heard at present."""

    who: str  # the same person in `VoicesChanged`
    name: str
    organisation: str
    role: Literal["doctor", "guest"]
    joined_utc_us: int
    is_lost: bool = False
    is_me: bool = False


class RoomChanged(FeedModel):
    """A room, whole, after each change of who is there or who is rung."""

    t: Literal["room"] = "room"
    unit: str
    encounter_id: str
    people: list[SeatView]
    rings: list[RingView]


class VoiceView(FeedModel):
    """Somebody who takes part in the conversation; `is_on`: sound comes from their microphone."""

    who: str  # as in `SeatView`; "crew" for the vehicle
    is_on: bool
    is_speaking: bool


class VoicesChanged(FeedModel):
    """A room's conversation, whole, after each change of who hears, is heard, and speaks.

    `crew_bps`: the most that one voice may use on the vehicle's link, 0 where there is no room for
    any, None where the vehicle has not said.
    """

    t: Literal["voices"] = "voices"
    unit: str
    encounter_id: str
    version: int
    voices: list[VoiceView]
    crew_bps: int | None = None


class RoomHappened(FeedModel):
    """One thing that happened in a room, as it goes into the encounter's record."""

    t: Literal["room_event"] = "room_event"
    unit: str
    encounter_id: str
    number: int
    at_utc_us: int
    kind: str
    by: str | None = None
    facts: dict[str, str]


class RingChanged(FeedModel):
    """A ring for whoever reads this: the one line that matters, and whether it still rings."""

    t: Literal["ring"] = "ring"
    ring_id: str
    encounter_id: str
    unit: str
    call_sign: str
    target: str
    state: RingStateWord
    call: CallStateWord
    asked_by: str
    asked_utc_us: int
    complaint: str | None = None
    sex: str | None = None
    age_years: int | None = None
    news2: ScoreView | None = None
    eta_utc_us: int | None = None


class ScreenReplaced(FeedModel):
    """This screen's seat was taken by a newer one of the same person."""

    t: Literal["replaced"] = "replaced"
    encounter_id: str
