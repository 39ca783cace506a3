"""Fleet health: what is wrong with a vehicle, and who comes first."""

from typing import Any

import pytest

from hub.fleet import Reported
from hub.fleet.health import DISK_LOW_BYTES, UnitHealth, health_of, worst_first
from hub.store.ledgers import Loss
from protocols.ids import UnitId
from protocols.live import UnitView
from protocols.live.feed import LinkView
from protocols.messages import DeviceHealth, LinkHealth
from tests.hub.vehicle import NOON_US

MINUTE_US = 60_000_000


def how_is(
    unit: str = "A-001",
    *,
    link: Any = "live",
    loss: Loss | None = None,
    is_silent: bool = False,
    **told: Any,
) -> UnitHealth:
    view = UnitView(
        unit=unit, call_sign="Y1", profile="ambulance", light=False, online=True,
        link=LinkView(state=link),
    )  # fmt: skip
    well = {
        "state": "live", "waiting_records": 0, "waiting_bytes": 0, "software": "1",
        "disk_free_bytes": 2 * DISK_LOW_BYTES, "clock": "gnss", "clock_error_us": 100,
    }  # fmt: skip
    health = Reported(LinkHealth.model_validate(well | told), NOON_US)
    return health_of(view, None if is_silent else health, loss, now_utc_us=NOON_US)


def device(state: Any, name: str = "monitor") -> DeviceHealth:
    return DeviceHealth(name=name, state=state, heard=1)


def given_up(*, open_gaps: int = 0) -> Loss:
    return Loss(unit=UnitId("A-001"), gaps=2, records=400, open_gaps=open_gaps, last_noted_utc_us=1)


def test_a_vehicle_that_is_well_has_no_problem() -> None:
    assert how_is(devices=(device("ok"),)).problems == []


@pytest.mark.parametrize(
    ("asked", "code", "severity", "subject"),
    [
        ({"link": "lost"}, "link", "fault", "lost"),
        ({"link": "store-and-forward"}, "link", "warning", "store-and-forward"),
        ({"link": "recovering"}, "link", "note", "recovering"),
        ({"link": "unknown", "is_silent": True}, "link", "warning", "unknown"),
        ({"disk_free_bytes": DISK_LOW_BYTES - 1}, "disk", "fault", None),
        ({"clock": "unset", "clock_error_us": None}, "clock", "warning", "unset"),
        ({"clock": "rtc", "clock_error_us": 1_000_001}, "clock", "warning", "rtc"),
        ({"devices": (device("disconnected"),)}, "device", "fault", "monitor"),
        ({"devices": (device("no-fix", "gnss"),)}, "device", "warning", "gnss"),
        ({"video": "360p"}, "video", "note", "360p"),
        ({"oldest_waiting_utc_us": NOON_US - 16 * MINUTE_US}, "waiting", "warning", None),
        ({"loss": given_up()}, "gap", "warning", None),
        ({"loss": given_up(open_gaps=1)}, "open-gap", "warning", None),
    ],
)
def test_what_is_wrong_is_named(
    asked: dict[str, Any], code: str, severity: str, subject: str | None
) -> None:
    (problem,) = how_is(**asked).problems
    assert (problem.code, problem.severity, problem.subject) == (code, severity, subject)


def test_the_worst_comes_first_in_a_unit_and_in_the_fleet() -> None:
    noted = how_is("A-1", video="360p")
    warned = how_is("A-2", loss=given_up(), video="360p")
    faulty = how_is("A-3", video="360p", devices=(device("fault"),))
    worse = how_is("A-4", video="360p", devices=(device("fault"), device("silent", "gnss")))
    well = how_is("A-0")
    assert [problem.severity for problem in worse.problems] == ["fault", "warning", "note"]
    fleet = worst_first([well, noted, warned, faulty, worse])
    assert [unit.unit for unit in fleet] == ["A-4", "A-3", "A-2", "A-1", "A-0"]
