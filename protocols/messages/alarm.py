"""Alarms: what a device or a rule calls attention to. Source: IEC 60601-1-8, priorities."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, Strict

from protocols.messages.base import Message
from protocols.units import UtcMicros


class AlarmPriority(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Alarm(Message):
    """One alarm after one change; `alarm_id` ties its beginning, acknowledgement and end together.

    The record's captured time is that of the change, `raised_utc_us` that of the beginning. What
    is cleared says why: `ended`, the condition is over; `not-measured`, nobody can tell any more,
    and the technical alarm of code `replaced_by` says so; `acknowledged`, it was over and has been
    seen; `patient-gone`, the patient has left.
    """

    kind: Literal["alarm"] = "alarm"
    alarm_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    code: Annotated[str, Field(max_length=80)]  # dotted: "news2.high", "limit.spo2_pct.low"
    priority: Annotated[AlarmPriority, Strict(strict=False)]
    state: Literal["raised", "acknowledged", "cleared"]
    value: float | None = None
    limit: float | None = None
    by: Annotated[str, Field(max_length=80)] | None = None  # who acknowledged
    nature: Literal["physiological", "technical"] | None = None
    origin: Literal["agent", "monitor"] | None = None  # who says so
    raised_utc_us: UtcMicros | None = None
    is_over: Literal[True] | None = None  # raised and over, and stands until it is acknowledged
    cause: Literal["ended", "not-measured", "acknowledged", "patient-gone"] | None = None
    replaced_by: Annotated[str, Field(max_length=80)] | None = None
    text: Annotated[str, Field(max_length=80)] | None = None  # the device's own words, a lead


class AudioPause(Message):
    """The crew silenced the vehicle's alarm sound until then; what begins later sounds again."""

    kind: Literal["audio_pause"] = "audio_pause"
    until_utc_us: UtcMicros
    by: Annotated[str, Field(max_length=80)]
