"""Alarms: what a device or a rule calls attention to. Source: IEC 60601-1-8, priorities."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, Strict

from protocols.messages.base import Message


class AlarmPriority(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Alarm(Message):
    """One change of one alarm; `alarm_id` ties its beginning, acknowledgement and end together."""

    kind: Literal["alarm"] = "alarm"
    alarm_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    code: Annotated[str, Field(max_length=80)]  # dotted: "news2.high", "monitor.limit.hr"
    priority: Annotated[AlarmPriority, Strict(strict=False)]
    state: Literal["raised", "acknowledged", "cleared"]
    value: float | None = None
    limit: float | None = None
    by: Annotated[str, Field(max_length=80)] | None = None  # who acknowledged
