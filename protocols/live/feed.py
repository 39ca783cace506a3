"""The text messages of the live feed. JSON numbers are exact: stamps stay under 2**53."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from protocols.ids import TopicSafe, UuidText


class FeedModel(BaseModel):
    """What every feed message has in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Watch(FeedModel):
    """Screen → server: what to send from now on; replaces the watch before it.

    `fleet`: every unit's view. `units`: also each record and waveform of these. `room`: the
    encounter in whose room this screen is; leaving it out leaves the room.
    """

    t: Literal["watch"] = "watch"
    fleet: bool = False
    units: Annotated[list[TopicSafe], Field(max_length=16)] = []
    waveforms: bool = True
    room: UuidText | None = None


class Hello(FeedModel):
    """First message: who the server takes the screen for, and its clock."""

    t: Literal["hello"] = "hello"
    now_utc_us: int
    server: Literal["hub", "vehicle"]
    software: str


class Tick(FeedModel):
    """Once a second: the server's clock, and the proof that the feed lives."""

    t: Literal["tick"] = "tick"
    now_utc_us: int


LinkState = Literal["live", "thin", "store-and-forward", "recovering", "lost", "unknown"]


class LinkView(FeedModel):
    """The unit's link as one sees it. `lost`: the hub hears nothing."""

    state: LinkState
    waiting_records: int | None = None
    waiting_bytes: int | None = None
    drain_s: float | None = None
    round_trip_ms: float | None = None
    last_heard_utc_us: int | None = None
    video: str | None = None  # what was given up: "360p", "none"


class PositionView(FeedModel):
    """Where the unit was, and when."""

    latitude_deg: float
    longitude_deg: float
    captured_utc_us: int
    speed_mps: float | None = None
    heading_deg: float | None = None


class ScoreView(FeedModel):
    """The newest NEWS2, with what is missing."""

    low: float
    high: float
    band: str
    captured_utc_us: int
    missing: list[str] = []


class AlarmView(FeedModel):
    """One standing alarm. Who may not see the patient reads `patient` as its code, and no value."""

    alarm_id: str
    code: str
    priority: Literal["high", "medium", "low"]
    state: Literal["raised", "acknowledged"]
    raised_utc_us: int
    is_of_patient: bool
    value: float | None = None
    limit: float | None = None
    text: str | None = None
    by: str | None = None
    is_over: Literal[True] | None = None


class NodeView(FeedModel):
    """One time node of the current run."""

    node: str
    at_utc_us: int
    source: str


class VideoView(FeedModel):
    """One camera: how much of its picture travels (`VideoStep`), and why not more."""

    camera: str
    step: str
    reason: str | None = None
    faults: list[str] = []
    blurs_faces: bool = False


class UnitView(FeedModel):
    """All that a list or a map shows of one unit.

    `clock`: what dates its newest records, and how far that may be off (None: not known).
    """

    unit: str
    call_sign: str
    profile: Literal["ambulance", "patrol"]
    light: bool
    online: bool
    status: str | None = None
    status_since_utc_us: int | None = None
    position: PositionView | None = None
    news2: ScoreView | None = None
    alarms: list[AlarmView] = []
    link: LinkView
    encounter_id: str | None = None
    run_id: str | None = None
    nodes: list[NodeView] = []
    cameras: list[str] = []
    clock: str | None = None
    clock_error_us: int | None = None
    video: list[VideoView] = []


class FleetChanged(FeedModel):
    """Units whose view changed since the last message, merged; the first one holds them all."""

    t: Literal["fleet"] = "fleet"
    full: bool
    units: list[UnitView]


class RecordSeen(FeedModel):
    """One record of a watched unit, after the hub has committed it. `body` as in the messages."""

    t: Literal["record"] = "record"
    unit: str
    stream: str
    seq: int
    captured_utc_us: int
    clock: str
    clock_error_us: int | None
    received_utc_us: int | None  # None on the vehicle's own feed
    lane: Literal["live", "backfill"]
    body: dict[str, Any]


class Backfilled(FeedModel):
    """Older records of a watched unit have arrived: a trend over this span is out of date."""

    t: Literal["backfilled"] = "backfilled"
    unit: str
    stream: str
    first_utc_us: int
    last_utc_us: int
    records: int


class EncounterChanged(FeedModel):
    """An encounter was opened or closed."""

    t: Literal["encounter"] = "encounter"
    unit: str
    encounter_id: str
    state: Literal["open", "closed"]
    opened_utc_us: int
    closed_utc_us: int | None = None


class HandoffChanged(FeedModel):
    """How a hand-over to a hospital stands."""

    t: Literal["handoff"] = "handoff"
    unit: str
    encounter_id: str
    handover_id: str
    hospital_id: str
    state: Literal["queued", "accepted", "failed"]
    attempts: int
    detail: str | None = None
    updated_utc_us: int
