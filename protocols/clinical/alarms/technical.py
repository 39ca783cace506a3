"""The vehicle's own troubles as evidence: devices, link, disk, cameras. Pure.

Source: priorities by IEC 60601-1-8, table 1: a monitor that says nothing while a patient is in care
hides whatever happens next (medium); the rest is prompt enough as low.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from protocols.clinical.alarms.finding import Finding, Truth
from protocols.messages.alarm import AlarmPriority
from protocols.messages.link import DeviceHealth

MONITOR_SILENT: Final = "device.monitor.silent"
MONITOR_DELAY_S: Final = 5.0
"""After the five seconds that make a device silent: ten in all."""

GNSS_DELAY_S: Final = 30.0
CAMERA_DELAY_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleFacts:
    """How the vehicle is at this moment.

    `is_attended`: a patient is in its care, or was measured so lately that one may be.
    """

    devices: Sequence[DeviceHealth]
    cameras: Sequence[tuple[str, str]]  # camera, its state
    is_linked: bool
    disk_free_bytes: int | None
    is_disk_refusing: bool
    is_attended: bool


def technical_findings(
    facts: VehicleFacts, *, link_lost_after_s: float, disk_low_bytes: int
) -> Iterator[Finding]:
    """Yield what is wrong with the vehicle, and what is not."""
    for device in facts.devices:
        is_ok = device.state == "ok"
        if device.name == "monitor":
            is_missed = facts.is_attended and device.heard > 0 and not is_ok
            quiet = Truth.ABSENT if is_ok else Truth.NEAR
            yield _finding(
                MONITOR_SILENT,
                Truth.PRESENT if is_missed else quiet,
                AlarmPriority.MEDIUM,
                delay_s=MONITOR_DELAY_S,
                text=device.state,
                end_delay_s=0.0,
            )
        else:
            yield _finding(
                f"device.{device.name[:24]}.lost",
                Truth.ABSENT if is_ok else Truth.PRESENT,
                delay_s=GNSS_DELAY_S,
                text=device.state,
            )
    for camera, state in facts.cameras:
        yield _finding(
            f"camera.{camera[:24]}.fault",
            Truth.PRESENT if state == "camera_fault" else Truth.ABSENT,
            delay_s=CAMERA_DELAY_S,
            text=camera,
        )
    yield _finding(
        "link.lost",
        Truth.ABSENT if facts.is_linked else Truth.PRESENT,
        delay_s=link_lost_after_s,
    )
    yield from _disk(facts, disk_low_bytes)


def _disk(facts: VehicleFacts, disk_low_bytes: int) -> Iterator[Finding]:
    free = facts.disk_free_bytes
    is_low = free is not None and free < disk_low_bytes
    yield _finding(
        "disk.low",
        Truth.PRESENT if is_low or facts.is_disk_refusing else Truth.ABSENT,
        AlarmPriority.MEDIUM if facts.is_disk_refusing else AlarmPriority.LOW,
        value=None if free is None else float(free // 2**20),
        limit=float(disk_low_bytes // 2**20),
        end_delay_s=30.0,
    )


def _finding(  # noqa: PLR0913 -- one value
    code: str,
    truth: Truth,
    priority: AlarmPriority = AlarmPriority.LOW,
    *,
    delay_s: float = 0.0,
    end_delay_s: float = 5.0,
    text: str | None = None,
    value: float | None = None,
    limit: float | None = None,
) -> Finding:
    return Finding(
        code=code, truth=truth, priority=priority, nature="technical", delay_s=delay_s,
        end_delay_s=end_delay_s, text=text, value=value, limit=limit,
    )  # fmt: skip
