"""The fleet's picture: what it shows depends on when things were captured, not on their arrival."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.fleet import FleetPicture
from hub.fleet.alarms import MOST_SHOWN, without_patient
from hub.fleet.picture import LOST_AFTER_US, MAX_CAMERAS
from hub.ingest import Arrived
from hub.store.stored import StoredRecord
from hub.store.units import Unit
from protocols.dispatch.time_nodes import NodeSource, TimeNode
from protocols.dispatch.unit_status import CrewEvent, UnitStatus
from protocols.ids import JournalId, Seq, UnitId
from protocols.link import Lane, Stream
from protocols.live import UnitView
from protocols.messages import (
    Alarm,
    AlarmPriority,
    CameraHealth,
    LinkHealth,
    Message,
    Presence,
    Score,
    StatusChange,
    TimeNodeStamp,
)
from protocols.video import VideoReason, VideoStep
from tests.hub.vehicle import NOON_US, new_journal, position, vitals

A1 = UnitId("A-001")
JOURNAL = new_journal()
SECOND_US = 1_000_000


def unit(name: UnitId = A1) -> Unit:
    return Unit(
        unit=name, call_sign="Y1", profile="ambulance", organisation="120", password_bcrypt="",
        order_journal=JournalId(JOURNAL), light=False, presence=None,
    )  # fmt: skip


def born(connection: str, *, online: bool = True) -> Presence:
    return Presence(
        online=online, connection=connection, journal=JOURNAL, profile="ambulance",
        call_sign="Y1", software="x", since_utc_us=1, cameras=["patient"],
    )  # fmt: skip


ONE = "00000000-0000-4000-8000-000000000001"
TWO = "00000000-0000-4000-8000-000000000002"


def arrived(stream: Stream, message: Message | None, at_s: int, *, received_s: int = 0) -> Arrived:
    record = StoredRecord(
        unit=A1, journal=JOURNAL, stream=stream, seq=Seq(at_s + 1),
        captured_utc_us=NOON_US + at_s * SECOND_US, clock="gnss", clock_error_us=None,
        received_utc_us=NOON_US + received_s * SECOND_US, lane=Lane.LIVE,
        understood=message is not None, body=b"",
    )  # fmt: skip
    return Arrived(record, message)


def picture() -> tuple[FleetPicture, list[UnitId]]:
    changed: list[UnitId] = []
    made = FleetPicture(on_change=changed.append)
    made.enrolled([unit()])
    changed.clear()
    return made, changed


def view(of: FleetPicture, *, now_s: int = 0) -> UnitView:
    found = of.view(A1, now_utc_us=NOON_US + now_s * SECOND_US)
    assert found is not None
    return found


def by_clock(clock: str, arrived: Arrived) -> Arrived:
    return arrived._replace(record=arrived.record._replace(clock=clock))


def test_a_clock_that_runs_a_day_ahead_does_not_hold_the_view_still_for_a_day() -> None:
    made, _ = picture()
    ahead = arrived(Stream.POSITION, position(latitude_deg=23.0), 86_400, received_s=5)
    made.records([by_clock("rtc", ahead)])
    assert view(made).clock == "rtc"
    made.records([arrived(Stream.POSITION, position(latitude_deg=24.0), 9, received_s=9)])
    found = view(made)
    assert found.position is not None
    assert (found.position.latitude_deg, found.clock) == (24.0, "gnss")


def test_a_vehicle_that_booted_in_1970_is_shown_and_its_time_is_said_to_be_unset() -> None:
    made, _ = picture()
    made.records([arrived(Stream.POSITION, position(latitude_deg=23.0), 1, received_s=1)])
    record = arrived(Stream.POSITION, position(latitude_deg=24.0), 0, received_s=2).record
    first = record._replace(captured_utc_us=7, clock="unset")
    made.records([Arrived(first, position(latitude_deg=24.0))])
    found = view(made)
    assert found.position is not None
    assert found.position.latitude_deg == 24.0
    assert found.position.captured_utc_us == NOON_US + 2 * SECOND_US
    assert (found.clock, found.clock_error_us) == ("unset", None)


def story() -> list[Arrived]:
    """A run with two of everything, the later meant to be shown."""
    score = Score(score="news2", edition="x", low=1, high=3, band="low", parts=())
    return [
        arrived(Stream.POSITION, position(latitude_deg=23.0), 1),
        arrived(Stream.POSITION, position(latitude_deg=23.5), 9),
        arrived(
            Stream.STATUS,
            StatusChange(status=UnitStatus.EN_ROUTE, event=CrewEvent.ROLL, run_id="r2"),
            3,
        ),
        arrived(Stream.STATUS, StatusChange(status=UnitStatus.EN_ROUTE, run_id="r2"), 7),
        arrived(Stream.STATUS, StatusChange(status=UnitStatus.ON_SCENE), 8),
        arrived(Stream.STATUS, stamp(TimeNode.ROLLING, "r1", 1), 2),
        arrived(Stream.STATUS, stamp(TimeNode.ROLLING, "r2", 3), 4),
        arrived(Stream.STATUS, stamp(TimeNode.ON_SCENE, "r2", 8), 9),
        arrived(Stream.STATUS, stamp(TimeNode.PATIENT_ON_BOARD, "r2", 9), 10),
        arrived(Stream.STATUS, stamp(TimeNode.PATIENT_ON_BOARD, "r2", 9, undone=True), 11),
        arrived(Stream.TRIAGE, score, 5),
        arrived(Stream.TRIAGE, score.model_copy(update={"low": 7.0, "band": "high"}), 6),
        arrived(Stream.VITALS, vitals(), 7),
        arrived(Stream.CHART, None, 7),
    ]


def stamp(node: TimeNode, run_id: str, at_s: int, *, undone: bool = False) -> TimeNodeStamp:
    return TimeNodeStamp(
        node=node, source=NodeSource.BUTTON, run_id=run_id,
        at_utc_us=NOON_US + at_s * SECOND_US, undone=undone,
    )  # fmt: skip


def told(order: Sequence[Arrived]) -> UnitView:
    made, _ = picture()
    made.presence(A1, born(ONE))
    for one in order:
        made.records([one])
    return view(made)


@given(seed=st.integers(0, 2**32), repeats=st.integers(1, 3))
def test_any_order_and_any_repetition_show_the_same(seed: int, repeats: int) -> None:
    shuffled = story() * repeats
    random.Random(seed).shuffle(shuffled)
    assert told(shuffled) == told(story())


def test_the_latest_of_everything_is_shown() -> None:
    shown = told(story())
    assert shown.position is not None
    assert shown.news2 is not None
    assert (shown.position.latitude_deg, shown.news2.low, shown.news2.band) == (23.5, 7, "high")
    assert (shown.status, shown.run_id) == ("on_scene", "r2")
    assert [node.node for node in shown.nodes] == ["rolling", "on_scene"]


def test_backlog_never_sets_a_unit_back() -> None:
    made, changed = picture()
    made.records([arrived(Stream.POSITION, position(latitude_deg=23.5), 60)])
    changed.clear()
    made.records([arrived(Stream.POSITION, position(latitude_deg=22.0), 5)])
    shown = view(made).position
    assert shown is not None
    assert shown.latitude_deg == 23.5
    assert changed == []


def test_a_silent_unit_is_lost_after_ten_seconds_and_that_is_told_once() -> None:
    made, changed = picture()
    made.presence(A1, born(ONE))
    made.records([arrived(Stream.VITALS, vitals(), 0)])
    heard_s, lost_s = 0, LOST_AFTER_US // SECOND_US
    made.look_at_links(now_utc_us=NOON_US + heard_s * SECOND_US)
    changed.clear()
    for second in range(1, lost_s + 3):
        made.look_at_links(now_utc_us=NOON_US + second * SECOND_US)
        expected = "live" if second <= lost_s else "lost"
        assert view(made, now_s=second).link.state == expected
    assert changed == [A1]


def test_a_link_shows_what_the_vehicle_says_of_it() -> None:
    made, _ = picture()
    made.presence(A1, born(ONE))
    health = LinkHealth(
        state="recovering", waiting_records=12, waiting_bytes=900, drain_s=4.0, software="x"
    )
    made.records([arrived(Stream.LINK, health, 0)])
    link = view(made).link
    assert (link.state, link.waiting_records, link.drain_s) == ("recovering", 12, 4.0)


@pytest.mark.parametrize(("dead", "online"), [(ONE, True), (TWO, False)])
def test_a_late_death_of_an_earlier_connection_changes_nothing(dead: str, *, online: bool) -> None:
    made, _ = picture()
    made.presence(A1, born(ONE))
    made.presence(A1, born(TWO))
    made.presence(A1, born(dead, online=False))
    assert view(made).online is online


def test_units_that_are_not_enrolled_are_not_shown() -> None:
    made, changed = picture()
    made.enrolled([])
    changed.clear()
    made.presence(A1, born(ONE))
    made.records(story())
    made.encounter(A1, ONE)
    assert made.views(now_utc_us=NOON_US) == []
    assert changed == []


def test_enrolling_again_keeps_what_is_known() -> None:
    made, _ = picture()
    made.records(story())
    made.enrolled([unit(), unit(UnitId("B-1"))])
    assert view(made).status == "on_scene"
    assert [one.unit for one in made.views(now_utc_us=NOON_US)] == ["A-001", "B-1"]


def alarm(state: str, number: int = 1, **fields: object) -> Alarm:
    said = {
        "alarm_id": f"limit.spo2_pct.low-{number}", "code": "limit.spo2_pct.low",
        "priority": AlarmPriority.MEDIUM, "state": state, "nature": "physiological",
        "value": 88.0, "limit": 92.0, "raised_utc_us": NOON_US + number,
    }  # fmt: skip
    return Alarm.model_validate(said | fields)


STORY = [
    alarm("raised"),
    alarm("acknowledged", by="Chen"),
    alarm("raised", priority=AlarmPriority.HIGH),
    alarm("raised", 2, code="link.lost", nature="technical", priority=AlarmPriority.LOW),
    alarm("cleared", 2, code="link.lost", nature="technical", priority=AlarmPriority.LOW),
]


@given(order=st.permutations(range(len(STORY))), clock=st.sampled_from([1, -1]))
def test_standing_alarms_do_not_depend_on_the_order_of_arrival(
    order: list[int], clock: int
) -> None:
    """Nor on a clock that runs backwards: within one journal the numbers order."""
    made, _ = picture()
    for at in [*order, *order]:
        record = arrived(Stream.ALARM, STORY[at], at).record
        moved = record._replace(captured_utc_us=NOON_US + clock * at * SECOND_US)
        made.records([Arrived(moved, STORY[at])])
    view = made.view(A1, now_utc_us=NOON_US)
    assert view is not None
    (stands,) = view.alarms
    assert (stands.state, stands.priority, stands.value) == ("raised", "high", 88)


def test_a_unit_that_is_lost_keeps_its_alarms_and_the_worst_is_first() -> None:
    made, changed = picture()
    made.records([arrived(Stream.ALARM, alarm("raised", 1), 1)])
    made.records([arrived(Stream.ALARM, alarm("raised", 2, priority=AlarmPriority.HIGH), 2)])
    made.records([arrived(Stream.ALARM, alarm("acknowledged", 3, priority=AlarmPriority.HIGH), 3)])
    assert len(changed) == 3
    made.look_at_links(now_utc_us=NOON_US + 3_600 * SECOND_US)
    view = made.view(A1, now_utc_us=NOON_US + 3_600 * SECOND_US)
    assert view is not None
    assert [(one.priority, one.state) for one in view.alarms] == [
        ("high", "raised"),
        ("medium", "raised"),
        ("high", "acknowledged"),
    ]


def test_a_flood_of_alarms_of_one_unit_is_bounded_and_what_stands_goes_last() -> None:
    made, _ = picture()
    made.records([arrived(Stream.ALARM, alarm("raised", 0), 0)])
    for number in range(1, 1_000):
        made.records([arrived(Stream.ALARM, alarm("cleared", number), number)])
    view = made.view(A1, now_utc_us=NOON_US)
    assert view is not None
    assert len(view.alarms) == 1
    for number in range(1_000, 2_000):
        made.records([arrived(Stream.ALARM, alarm("raised", number), number)])
    view = made.view(A1, now_utc_us=NOON_US)
    assert view is not None
    assert len(view.alarms) == MOST_SHOWN


def test_who_may_not_see_the_patient_sees_that_there_is_an_alarm_and_no_value() -> None:
    made, _ = picture()
    made.records([arrived(Stream.ALARM, alarm("raised"), 1)])
    view = made.view(A1, now_utc_us=NOON_US)
    assert view is not None
    (masked,) = without_patient(view.alarms)
    assert (masked.code, masked.priority, masked.value, masked.limit) == (
        "patient",
        "medium",
        None,
        None,
    )


def test_a_camera_s_newest_step_is_shown_whichever_record_brought_it() -> None:
    fleet, _ = picture()
    fleet.enrolled([unit()])
    small = CameraHealth(camera="patient", step=VideoStep.SMALL, reason=VideoReason.RATE)
    whole = CameraHealth(camera="patient", step=VideoStep.HD)
    report = LinkHealth(
        state="live", waiting_records=0, waiting_bytes=0, software="x", cameras=(whole,)
    )
    fleet.records([arrived(Stream.LINK, report, 10), arrived(Stream.STILL, small, 12)])
    assert [(one.camera, one.step, one.reason) for one in view(fleet, now_s=12).video] == [
        ("patient", "180p", "rate")
    ]
    fleet.records([arrived(Stream.STILL, whole, 11)])
    assert view(fleet, now_s=12).video[0].step == "180p"
    fleet.records([arrived(Stream.LINK, report, 15)])
    assert (view(fleet, now_s=15).video[0].step, view(fleet, now_s=15).video[0].reason) == (
        "720p",
        None,
    )


def test_a_unit_cannot_name_cameras_without_end() -> None:
    fleet, _ = picture()
    fleet.enrolled([unit()])
    names = [CameraHealth(camera=f"c{n}", step=VideoStep.HD) for n in range(100)]
    fleet.records([arrived(Stream.STILL, one, 10) for one in names])
    assert len(view(fleet, now_s=10).video) == MAX_CAMERAS
