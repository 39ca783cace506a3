"""The book: nothing ends without a reason, nothing is raised twice, a storm is bounded."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.clinical.alarms import (
    RANK,
    TRANSITIONS,
    AlarmEvent,
    Book,
    Change,
    Finding,
    Phase,
    Truth,
    acknowledge,
    judge,
    leave,
    phase_of,
)
from protocols.clinical.alarms.book import LONGEST_END_S, UNSEEN_AFTER_S
from protocols.clinical.alarms.table import advance
from protocols.errors import LocalProtocolError
from protocols.messages import Alarm, AlarmPriority

HIGH, MEDIUM, LOW = AlarmPriority.HIGH, AlarmPriority.MEDIUM, AlarmPriority.LOW
SPO2 = Finding(
    code="limit.spo2_pct.low", truth=Truth.PRESENT, priority=MEDIUM, value=88, limit=92,
    gone="not_measured.spo2_pct",
)  # fmt: skip


def finding(truth: Truth, *, like: Finding = SPO2, **changes: object) -> Finding:
    fields = {name: getattr(like, name) for name in Finding.__slots__}
    return Finding(**(fields | {"truth": truth} | changes))


class Ward:
    """A book and what it has told, with a clock of its own."""

    def __init__(self, *, escalate_after_s: float = 0.0) -> None:
        self.book, self.now_s, self.told = Book(), 0.0, list[Change]()
        self.escalate_after_s = escalate_after_s

    def look(self, *findings: Finding, after_s: float = 0.0) -> Sequence[Change]:
        self.now_s += after_s
        self.book, changes = judge(
            self.book,
            findings,
            now_s=self.now_s,
            now_utc_us=1_800_000_000_000_000 + int(self.now_s * 1e6),
            escalate_after_s=self.escalate_after_s,
        )
        return self.put_in(changes)

    def put_in(self, changes: Sequence[Change]) -> Sequence[Change]:
        for change in changes:
            self.book = self.book.after(change)
            self.told.append(change)
        return changes

    def seen(self, by: str = "Chen") -> None:
        for alarm in self.book.worst_first():
            change = acknowledge(self.book, alarm.alarm_id, by=by)
            self.put_in([change] if change else [])

    @property
    def codes(self) -> dict[str, Phase]:
        return {code: phase_of(alarm) for code, alarm in self.book.standing.items()}


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("event", AlarmEvent)
def test_every_move_is_in_the_table_or_refused(phase: Phase, event: AlarmEvent) -> None:
    if event in TRANSITIONS[phase]:
        assert advance(phase, event) is TRANSITIONS[phase][event]
    else:
        with pytest.raises(LocalProtocolError):
            advance(phase, event)


def test_an_alarm_waits_for_its_delay_and_ends_with_a_cause() -> None:
    ward, late = Ward(), finding(Truth.PRESENT, delay_s=10.0)
    assert not ward.look(late)
    assert not ward.look(late, after_s=9)
    (raised,) = ward.look(late, after_s=1)
    assert (raised.event, raised.alarm.value, raised.alarm.limit) == (AlarmEvent.BEGIN, 88, 92)
    assert not ward.look(finding(Truth.ABSENT), after_s=1)
    assert not ward.look(finding(Truth.NEAR), after_s=4)  # not clear of the limit: begins again
    assert not ward.look(finding(Truth.ABSENT), after_s=1)
    (cleared,) = ward.look(finding(Truth.ABSENT), after_s=5)
    assert (cleared.alarm.state, cleared.alarm.cause) == ("cleared", "ended")
    assert cleared.alarm.alarm_id == raised.alarm.alarm_id


def test_a_value_that_is_back_for_a_moment_begins_the_delay_again() -> None:
    ward, late = Ward(), finding(Truth.PRESENT, delay_s=10.0)
    ward.look(late)
    ward.look(finding(Truth.ABSENT), after_s=9)
    assert not ward.look(late, after_s=5)


def test_what_is_not_measured_any_more_is_said_before_it_is_cleared() -> None:
    ward = Ward()
    ward.look(finding(Truth.PRESENT, priority=HIGH))
    says, cleared = ward.look(finding(Truth.UNKNOWN), after_s=1)
    assert (says.alarm.code, says.alarm.state) == ("not_measured.spo2_pct", "raised")
    assert (says.alarm.priority, says.alarm.nature) == (HIGH, "technical")
    assert (says.alarm.value, says.alarm.limit) == (88, 92)
    assert (cleared.alarm.cause, cleared.alarm.replaced_by) == ("not-measured", says.alarm.code)
    # measured again and still low: raised at once, before the technical one ends
    gone = Finding(code="not_measured.spo2_pct", truth=Truth.ABSENT, end_delay_s=0.0)
    again, over = ward.look(finding(Truth.PRESENT, delay_s=10), gone, after_s=30)
    assert (again.alarm.code, again.event) == (SPO2.code, AlarmEvent.BEGIN)
    assert (over.alarm.code, over.alarm.cause) == (gone.code, "ended")


def test_a_standing_technical_alarm_takes_the_higher_priority_of_what_it_replaces() -> None:
    ward = Ward()
    ward.look(finding(Truth.PRESENT, like=SPO2, code="not_measured.spo2_pct", priority=LOW))
    ward.look(finding(Truth.PRESENT, priority=HIGH))
    ward.seen()
    ward.look(finding(Truth.UNKNOWN), after_s=1)
    alarm = ward.book.standing["not_measured.spo2_pct"]
    assert (alarm.priority, alarm.state) == (HIGH, "raised")


def test_a_seen_alarm_is_silent_until_it_gets_worse() -> None:
    ward = Ward()
    ward.look(SPO2)
    ward.seen("Chen")
    assert ward.book.standing[SPO2.code].by == "Chen"
    worse = finding(Truth.PRESENT, priority=HIGH, value=80, delay_s=3.0)
    assert not ward.look(worse, after_s=1)
    (change,) = ward.look(worse, after_s=3)
    assert (change.event, change.alarm.priority) == (AlarmEvent.WORSEN, HIGH)
    assert (change.alarm.state, change.alarm.by, change.alarm.value) == ("raised", None, 80)
    ward.look(SPO2, after_s=60)
    assert ward.book.standing[SPO2.code].priority is HIGH  # never lower while it stands


def test_a_medium_alarm_that_nobody_sees_becomes_a_high_one_once() -> None:
    ward = Ward(escalate_after_s=120)
    ward.look(SPO2)
    assert not ward.look(SPO2, after_s=119)
    (change,) = ward.look(SPO2, after_s=1)
    assert (change.event, change.alarm.priority) == (AlarmEvent.WORSEN, HIGH)
    assert not ward.look(SPO2, after_s=500)


def test_a_latching_alarm_that_is_over_stands_until_it_is_seen() -> None:
    ward = Ward()
    asystole = finding(Truth.PRESENT, code="ecg.asystole", priority=HIGH, latches=True)
    ward.look(asystole)
    ward.look(finding(Truth.ABSENT, like=asystole), after_s=1)
    ward.look(finding(Truth.ABSENT, like=asystole), after_s=10)
    alarm = ward.book.standing["ecg.asystole"]
    assert (alarm.state, alarm.is_over) == ("raised", True)
    ward.seen("Chen")
    cleared = ward.told[-1].alarm
    assert (cleared.state, cleared.cause, cleared.by) == ("cleared", "acknowledged", "Chen")
    assert cleared.is_over is None
    assert not ward.book.standing


def test_what_nobody_speaks_of_any_more_is_lost_and_said() -> None:
    ward = Ward()
    ward.look(SPO2)
    assert not ward.look(after_s=1)
    assert not ward.look(after_s=UNSEEN_AFTER_S - 1)
    ward.look(after_s=1)
    assert ward.codes == {"not_measured.spo2_pct": Phase.RAISED}


def test_what_is_the_patient_s_leaves_with_the_patient() -> None:
    ward = Ward()
    link = finding(Truth.PRESENT, code="link.lost", nature="technical")
    ward.look(SPO2, link)
    ward.put_in(leave(ward.book))
    assert set(ward.codes) == {"link.lost"}
    assert ward.told[-1].alarm.cause == "patient-gone"


@pytest.mark.parametrize("period_s", [1, 5, 20])
def test_an_hour_of_flapping_is_a_bounded_number_of_records(period_s: int) -> None:
    ward = Ward()
    for second in range(3_600):
        truth = Truth.PRESENT if second // period_s % 2 else Truth.ABSENT
        ward.look(finding(truth, end_delay_s=1.0), after_s=1)
    assert len(ward.told) <= 2 * 3_600 / LONGEST_END_S + 20


truths = st.sampled_from(Truth)
codes = st.sampled_from(["limit.spo2_pct.low", "limit.heart_rate_bpm.high", "ecg.asystole"])
one_finding = st.builds(
    lambda code, truth, priority, delay_s: Finding(
        code=code, truth=truth, priority=priority, delay_s=delay_s, value=1.0,
        latches=code == "ecg.asystole", gone=f"not_measured.{code.split('.')[1]}",
    ),
    codes, truths, st.sampled_from(AlarmPriority), st.sampled_from([0.0, 5.0]),
)  # fmt: skip
steps = st.lists(
    st.one_of(
        st.tuples(st.just("look"), st.lists(one_finding, max_size=3), st.floats(0, 120)),
        st.just(("see", [], 0.0)),
        st.just(("leave", [], 0.0)),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(steps=steps)
def test_no_history_loses_an_alarm_or_raises_it_twice(
    steps: list[tuple[str, list[Finding], float]],
) -> None:
    ward = Ward(escalate_after_s=60)
    for kind, findings, after_s in steps:
        before = dict(ward.book.standing)
        if kind == "see":
            ward.seen()
        elif kind == "leave":
            ward.put_in(leave(ward.book))
        else:
            changes = ward.look(*findings, after_s=after_s)
            assert not ward.look(*findings)  # the same moment again changes nothing
            _expect_said_before_cleared(before, changes)
    _expect_each_id_to_live_once(ward)
    assert all(phase_of(alarm) is not Phase.CLEARED for alarm in ward.book.standing.values())


def _expect_said_before_cleared(before: dict[str, Alarm], changes: Sequence[Change]) -> None:
    raised: dict[str, Alarm] = dict(before)
    for change in changes:
        alarm = change.alarm
        if alarm.state != "cleared":
            raised[alarm.code] = alarm
            continue
        assert alarm.cause is not None
        if alarm.cause == "not-measured":
            assert alarm.replaced_by is not None
            says = raised[alarm.replaced_by]
            assert RANK[says.priority] >= RANK[alarm.priority]


def _expect_each_id_to_live_once(ward: Ward) -> None:
    """Replaying what was told gives the standing alarms: nothing ended or began unsaid."""
    standing: dict[str, Alarm] = {}
    for change in ward.told:
        alarm = change.alarm
        known = standing.pop(alarm.code, None)
        assert change.event in TRANSITIONS[phase_of(known)]
        assert TRANSITIONS[phase_of(known)][change.event] is phase_of(alarm)
        if known is not None:
            assert alarm.alarm_id == known.alarm_id
        if alarm.state != "cleared":
            standing[alarm.code] = alarm
    assert standing == dict(ward.book.standing)


def test_the_same_seed_gives_the_same_alarms_whatever_the_order_of_findings() -> None:
    rng = random.Random(7)
    one, two = Ward(), Ward()
    for _ in range(500):
        findings = [
            finding(rng.choice(list(Truth)), code=code, priority=rng.choice(list(AlarmPriority)))
            for code in ("limit.spo2_pct.low", "limit.heart_rate_bpm.low", "news2.high")
        ]
        one.look(*findings, after_s=2)
        two.look(*reversed(findings), after_s=2)
    assert [change.alarm for change in one.told] == [change.alarm for change in two.told]
