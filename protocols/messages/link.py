"""Link health: what the vehicle says of its own link, journal, clock and devices."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, Strict

from protocols.ids import TopicSafe
from protocols.messages.base import Message
from protocols.units import UtcMicros
from protocols.video import CameraFault, VideoReason, VideoStep

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]


class DeviceHealth(Message):
    """One device driver: what it heard and what it could not understand, by reason."""

    kind: Literal["device"] = "device"
    name: Annotated[str, Field(max_length=40)]
    state: Literal["ok", "silent", "no-fix", "fault", "disconnected"]
    heard: Count
    rejected: dict[str, Count] = Field(max_length=64, default_factory=dict)
    last_heard_utc_us: UtcMicros | None = None


class CameraHealth(Message):
    """One camera: how much of its picture travels, and why not more.

    A record of the stream `still` at each change, so that it is seen soon on a thin link; and in
    every report on the link, so that nobody has to look back for it.
    """

    kind: Literal["camera"] = "camera"
    camera: TopicSafe
    step: Annotated[VideoStep, Strict(strict=False)]
    reason: Annotated[VideoReason, Strict(strict=False)] | None = None  # None: nothing is given up
    faults: (
        Annotated[
            tuple[Annotated[CameraFault, Strict(strict=False)], ...],
            Strict(strict=False),
            Field(max_length=8),
        ]
        | None
    ) = None  # None: the picture is as it should be
    blurs_faces: Literal[True] | None = None  # before anything leaves the vehicle


class StreamBacklog(Message):
    """What one stream still holds that the hub has not acknowledged."""

    kind: Literal["backlog"] = "backlog"
    stream: Annotated[str, Field(max_length=16)]
    last_seq: Count
    acked_through: Count
    waiting_records: Count
    waiting_bytes: Count


class LinkHealth(Message):
    """Every few seconds while the agent runs; also what the hub's fleet-health page shows."""

    kind: Literal["link"] = "link"
    state: Literal["live", "thin", "store-and-forward", "recovering"]
    waiting_records: Count
    waiting_bytes: Count
    oldest_waiting_utc_us: UtcMicros | None = None
    last_ack_utc_us: UtcMicros | None = None
    round_trip_ms: Annotated[float, Field(ge=0, le=3_600_000)] | None = None
    rate_bps: Annotated[float, Field(ge=0, le=1e12)] | None = None
    drain_s: Annotated[float, Field(ge=0, le=1e9)] | None = None
    disk_free_bytes: Count | None = None
    clock: Annotated[str, Field(max_length=8)] = "rtc"
    clock_error_us: Count | None = None
    software: Annotated[str, Field(max_length=40)]
    video: Annotated[str, Field(max_length=40)] | None = None
    backlog: Annotated[tuple[StreamBacklog, ...], Strict(strict=False), Field(max_length=16)] = ()
    devices: Annotated[tuple[DeviceHealth, ...], Strict(strict=False), Field(max_length=32)] = ()
    cameras: (
        Annotated[tuple[CameraHealth, ...], Strict(strict=False), Field(max_length=8)] | None
    ) = None


def given_up(cameras: Iterable[CameraHealth]) -> str | None:
    """Return in a word what travels of the first camera that gives less than it could."""
    return next((one.step.value for one in cameras if one.reason is not None), None)
