"""Status: what the crew is doing, the time nodes of the run, gaps, and corrections of time."""

from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from protocols.dispatch.time_nodes import NodeSource, TimeNode
from protocols.dispatch.unit_status import CrewEvent, UnitStatus
from protocols.ids import TopicSafe, UuidText
from protocols.link.streams import Stream
from protocols.messages.base import Message
from protocols.units import UtcMicros
from protocols.video import CameraFault


class StatusChange(Message):
    """The unit's status after one event. `undone` takes the last change back."""

    kind: Literal["status"] = "status"
    status: Annotated[UnitStatus, Strict(strict=False)]
    event: Annotated[CrewEvent, Strict(strict=False)] | None = None  # None: stated at start
    undone: bool = False
    run_id: Annotated[str, Field(max_length=64)] | None = None  # ties the nodes of one run


class TimeNodeStamp(Message):
    """One time node of a run; the record's captured time is when it happened."""

    kind: Literal["time_node"] = "time_node"
    node: Annotated[TimeNode, Strict(strict=False)]
    source: Annotated[NodeSource, Strict(strict=False)]
    run_id: Annotated[str, Field(max_length=64)]
    at_utc_us: UtcMicros
    undone: bool = False


class DeviceFault(Message):
    """A device that works and yet fails its purpose: a camera that is covered, say."""

    kind: Literal["device_fault"] = "device_fault"
    device: TopicSafe
    fault: Annotated[CameraFault, Strict(strict=False)]
    state: Literal["raised", "cleared"]


class Gap(Message):
    """A hole: records `first_seq` … `last_seq` of `stream` were accepted and are gone for good.

    `journal`: under which they were accepted, where it is not the one that says so. `is_open`: what
    else was accepted after them, until `last_captured_utc_us`, is not known. Of `renamed` ones the
    name alone is gone: they were salvaged before, and are salvaged again under their first name.
    """

    kind: Literal["gap"] = "gap"
    stream: Annotated[Stream, Strict(strict=False)]
    first_seq: Annotated[int, Field(ge=1, le=2**53 - 1)]
    last_seq: Annotated[int, Field(ge=1, le=2**53 - 1)]
    reason: Literal["disk-full", "retention", "damaged", "oversized", "renamed"]
    first_captured_utc_us: UtcMicros | None = None
    last_captured_utc_us: UtcMicros | None = None
    journal: UuidText | None = None
    is_open: Literal[True] | None = None

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if self.last_seq < self.first_seq:
            raise ValueError("a gap ends before it begins")
        return self


class SeqSpan(Message):
    """Records `first_seq` … `last_seq` of one stream."""

    kind: Literal["span"] = "span"
    stream: Annotated[Stream, Strict(strict=False)]
    first_seq: Annotated[int, Field(ge=1, le=2**53 - 1)]
    last_seq: Annotated[int, Field(ge=1, le=2**53 - 1)]

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if self.last_seq < self.first_seq:
            raise ValueError("a span ends before it begins")
        return self


class ClockCorrection(Message):
    """Those records of `spans` that `rtc` or `unset` stamped were captured `add_us` later.

    They are of the journal that says so, and were not salvaged. Corrected they are off by no more
    than `error_us`, and count as `gnss`. What a body says of other times stays as it is.
    """

    kind: Literal["clock_correction"] = "clock_correction"
    spans: Annotated[tuple[SeqSpan, ...], Strict(strict=False), Field(min_length=1, max_length=16)]
    add_us: Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]
    error_us: Annotated[int, Field(ge=0, le=2**53 - 1)]
