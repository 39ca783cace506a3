"""What is wrong with each vehicle, worst first: link, journal, disk, clock, cameras and devices.

Pure: from the live view, the vehicle's own report and the gaps that it declared.
"""

from collections.abc import Iterator
from typing import Final, Literal

from pydantic import BaseModel

from hub.fleet.picture import Reported
from hub.store.ledgers import Loss
from protocols.live import UnitView
from protocols.messages import LinkHealth

DISK_LOW_BYTES: Final = 2 * 2**30
"""Below this a disk is low: a fully instrumented ambulance without a link fills it in some days."""

OFF_CLOCK_US: Final = 1_000_000
"""A clock that may be wrong by more than this puts events of two vehicles in the wrong order."""

LONG_WAIT_US: Final = 15 * 60 * 1_000_000

Severity = Literal["fault", "warning", "note"]
_RANK: Final[dict[Severity, int]] = {"fault": 0, "warning": 1, "note": 2}

_LINKS: Final[dict[str, Severity]] = {
    "lost": "fault",
    "unknown": "warning",
    "store-and-forward": "warning",
    "thin": "note",
    "recovering": "note",
}
_DEVICES: Final[dict[str, Severity]] = {
    "fault": "fault",
    "disconnected": "fault",
    "silent": "warning",
    "no-fix": "warning",
}


class Problem(BaseModel):
    """One thing that is wrong. `code` is stable; `subject`: which device or state, if any."""

    code: Literal[
        "link", "waiting", "disk", "clock", "device", "camera", "video", "gap", "open-gap"
    ]
    severity: Severity
    subject: str | None = None


class DeviceState(BaseModel):
    """One device driver: what it heard, and what it could not understand, by reason."""

    name: str
    state: str
    heard: int
    rejected: dict[str, int]
    last_heard_utc_us: int | None


class UnitHealth(BaseModel):
    """How one vehicle is. What it reports itself stands as of `reported_utc_us`."""

    unit: str
    call_sign: str
    profile: str
    light: bool
    link: str
    last_heard_utc_us: int | None
    reported_utc_us: int | None
    waiting_records: int | None
    waiting_bytes: int | None
    oldest_waiting_utc_us: int | None
    drain_s: float | None
    round_trip_ms: float | None
    rate_bps: float | None
    disk_free_bytes: int | None
    clock: str | None
    clock_error_us: int | None
    software: str | None
    video: str | None
    cameras: list[str]
    devices: list[DeviceState]
    gaps: int
    records_given_up: int
    problems: list[Problem]


def health_of(
    view: UnitView, told: Reported | None, loss: Loss | None, *, now_utc_us: int
) -> UnitHealth:
    """Return how the unit is; its problems are the worst first."""
    problems = sorted(
        _problems(view, told, loss, now_utc_us), key=lambda problem: _RANK[problem.severity]
    )
    health = told.health if told else None
    return UnitHealth(
        unit=view.unit,
        call_sign=view.call_sign,
        profile=view.profile,
        light=view.light,
        link=view.link.state,
        last_heard_utc_us=view.link.last_heard_utc_us,
        reported_utc_us=told.captured_utc_us if told else None,
        waiting_records=health.waiting_records if health else None,
        waiting_bytes=health.waiting_bytes if health else None,
        oldest_waiting_utc_us=health.oldest_waiting_utc_us if health else None,
        drain_s=health.drain_s if health else None,
        round_trip_ms=health.round_trip_ms if health else None,
        rate_bps=health.rate_bps if health else None,
        disk_free_bytes=health.disk_free_bytes if health else None,
        clock=health.clock if health else None,
        clock_error_us=health.clock_error_us if health else None,
        software=health.software if health else None,
        video=health.video if health else None,
        cameras=view.cameras,
        devices=[
            DeviceState(**device.model_dump(exclude={"kind"}))
            for device in (health.devices if health else ())
        ],
        gaps=loss.gaps if loss else 0,
        records_given_up=loss.records if loss else 0,
        problems=problems,
    )


def worst_first(fleet: list[UnitHealth]) -> list[UnitHealth]:
    """Return the units with the worst problem first, then those with the most, then by id."""

    def key(unit: UnitHealth) -> tuple[int, int, str]:
        worst = min((_RANK[problem.severity] for problem in unit.problems), default=len(_RANK))
        return worst, -len(unit.problems), unit.unit

    return sorted(fleet, key=key)


def _problems(
    view: UnitView, told: Reported | None, loss: Loss | None, now_utc_us: int
) -> Iterator[Problem]:
    if severity := _LINKS.get(view.link.state):
        yield Problem(code="link", severity=severity, subject=view.link.state)
    if loss is not None:
        code: Literal["gap", "open-gap"] = "open-gap" if loss.open_gaps else "gap"
        yield Problem(code=code, severity="warning")
    if told is None:
        return
    health = told.health
    oldest_us = health.oldest_waiting_utc_us
    if oldest_us is not None and now_utc_us - oldest_us > LONG_WAIT_US:
        yield Problem(code="waiting", severity="warning")
    if health.disk_free_bytes is not None and health.disk_free_bytes < DISK_LOW_BYTES:
        yield Problem(code="disk", severity="fault")
    error_us = health.clock_error_us
    if error_us is None or error_us > OFF_CLOCK_US:
        yield Problem(code="clock", severity="warning", subject=health.clock)
    for device in health.devices:
        if device_severity := _DEVICES.get(device.state):
            yield Problem(code="device", severity=device_severity, subject=device.name)
    yield from _pictures(health)


def _pictures(health: LinkHealth) -> Iterator[Problem]:
    for camera in health.cameras or ():
        for fault in camera.faults or ():
            yield Problem(code="camera", severity="warning", subject=f"{camera.camera}/{fault}")
    if health.video is not None:
        yield Problem(code="video", severity="note", subject=health.video)
