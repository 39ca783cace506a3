"""The book of alarms: which stand, and what the next look changes. Pure.

Laws. A look is total and idempotent: with the same findings at the same moment nothing changes a
second time. A standing alarm ends only by a change that says why, and one that ends because nothing
is measured any more ends after the technical alarm that says so has been raised, in the same look
and with no lower priority. What flaps is damped: each return within five minutes doubles how long
the condition must have been gone, up to a minute, so an hour of one code is at most some 120
changes, whatever the readings do.

Theory of operation. `judge` compares findings with what stands and returns the changes and the
timers; nothing stands until the caller, who has written the change down, puts it in with `after`.
Timers are monotonic and not kept over a restart: a delay then begins again, what stands goes on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from protocols.clinical.alarms.finding import RANK, Finding, Truth, worst_of_each
from protocols.clinical.alarms.table import AlarmEvent, Phase, advance, phase_of
from protocols.messages.alarm import Alarm, AlarmPriority

WORSE_AFTER_S: Final = 5.0
"""So long must a higher priority be asked for before a standing alarm takes it."""

FLAPS_WITHIN_S: Final = 300.0
LONGEST_END_S: Final = 60.0
REMEMBERED_S: Final = 3600.0
"""What has ended is remembered so long; with it the codes of the past stay few."""

UNSEEN_AFTER_S: Final = 60.0
"""A standing alarm of the patient of which no look says anything for so long is lost."""

NOT_MEASURED: Final = "not_measured."


class Concern(Protocol):
    """What tells whom an alarm concerns."""

    @property
    def code(self) -> str:
        """The alarm's code."""
        ...

    @property
    def nature(self) -> str | None:
        """Physiological, technical, or not said."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """Since when, by code; monotonic seconds."""

    begin_s: Mapping[str, float] = field(default_factory=dict)
    worse_s: Mapping[str, float] = field(default_factory=dict)
    end_s: Mapping[str, float] = field(default_factory=dict)
    raised_s: Mapping[str, float] = field(default_factory=dict)
    unseen_s: Mapping[str, float] = field(default_factory=dict)
    ended_s: Mapping[str, float] = field(default_factory=dict)
    flaps: Mapping[str, int] = field(default_factory=dict)
    resumes: frozenset[str] = frozenset()  # lost while they stood: they come back without delay


@dataclass(frozen=True, slots=True)
class Change:
    """One move of one alarm; `alarm` is how it then is."""

    event: AlarmEvent
    alarm: Alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The standing alarms by code, none of which is cleared."""

    standing: Mapping[str, Alarm] = field(default_factory=dict)
    timers: Timers = field(default_factory=Timers)

    def after(self, change: Change) -> "Book":
        """Return the book with `change` in it."""
        standing = {k: v for k, v in self.standing.items() if k != change.alarm.code}
        if change.alarm.state != "cleared":
            standing[change.alarm.code] = change.alarm
        return replace(self, standing=standing)

    def worst_first(self) -> list[Alarm]:
        """Return the standing alarms: those not yet seen first, by priority, newest first."""
        return sorted(
            self.standing.values(),
            key=lambda one: (
                one.state == "acknowledged",
                -RANK[one.priority],
                -(one.raised_utc_us or 0),
                one.code,
            ),
        )


def judge(
    book: Book,
    findings: Iterable[Finding],
    *,
    now_s: float,
    now_utc_us: int,
    escalate_after_s: float = 0.0,
) -> tuple[Book, Sequence[Change]]:
    """Return the book with its timers as of now, and what has changed: raised first, ended last.

    `escalate_after_s`: a medium alarm of the patient's that nobody has seen for so long becomes a
    high one; 0: never.
    """
    look = _Look(book, now_s, now_utc_us, escalate_after_s)
    found = worst_of_each(findings)
    for finding in found:
        look.take(finding)
    look.lose_unseen({finding.code for finding in found})
    return look.outcome()


def acknowledge(book: Book, alarm_id: str, *, by: str) -> Change | None:
    """Return the change that `by` makes by having seen it; None: it was seen, or is no more."""
    alarm = next((one for one in book.standing.values() if one.alarm_id == alarm_id), None)
    if alarm is None or alarm.state == "acknowledged":
        return None
    is_over = phase_of(alarm) is Phase.OVER
    return _moved(alarm, AlarmEvent.ACKNOWLEDGE, by=by, cause="acknowledged" if is_over else None)


def leave(book: Book) -> Sequence[Change]:
    """Return what ends with the patient: all but what concerns the vehicle itself."""
    return [
        _moved(alarm, AlarmEvent.LEAVE, cause="patient-gone")
        for _, alarm in sorted(book.standing.items())
        if is_of_patient(alarm)
    ]


def is_of_patient(alarm: Concern) -> bool:
    """Say whether `alarm` ends with the patient: vital signs, and what measures them."""
    return alarm.nature != "technical" or alarm.code.startswith(
        (NOT_MEASURED, "ecg.", "device.monitor", "monitor.")
    )


class _Look:
    """One pass of `judge`: copies of the timers, and the changes so far."""

    def __init__(self, book: Book, now_s: float, now_utc_us: int, escalate_after_s: float) -> None:
        old = book.timers
        self._book, self._now_s, self._now_utc_us = book, now_s, now_utc_us
        self._escalate_after_s = escalate_after_s
        self._begin, self._worse, self._end = dict(old.begin_s), dict(old.worse_s), dict(old.end_s)
        self._raised, self._unseen = dict(old.raised_s), dict(old.unseen_s)
        self._flaps, self._ended = dict(old.flaps), dict(old.ended_s)
        self._resumes = set(old.resumes)
        self._up: dict[str, Change] = {}
        self._down: list[Change] = []

    def take(self, finding: Finding) -> None:
        code, phase = finding.code, self._phase(finding.code)
        self._unseen.pop(code, None)
        self._stop_timers(finding)
        is_up = phase in {Phase.RAISED, Phase.ACKNOWLEDGED}
        match finding.truth, is_up:
            case Truth.PRESENT, True:
                self._worsen(finding)
            case Truth.PRESENT, False:
                self._raise_in_time(finding)
            case Truth.ABSENT, True:
                self._end_in_time(finding)
            case Truth.UNKNOWN, True:
                self._lose(self._standing(code), finding.gone)
            case _:
                pass

    def _stop_timers(self, finding: Finding) -> None:
        """Have no timer run for what is not found any more."""
        code, truth = finding.code, finding.truth
        if truth is not Truth.PRESENT:
            self._worse.pop(code, None)
        if truth in {Truth.NEAR, Truth.ABSENT}:
            self._begin.pop(code, None)
        if truth is Truth.ABSENT:
            self._resumes.discard(code)
        else:
            self._end.pop(code, None)

    def lose_unseen(self, seen: set[str]) -> None:
        """Have what stands and nobody speaks of any more be lost, in its time."""
        for code, alarm in sorted(self._book.standing.items()):
            is_up = phase_of(alarm) in {Phase.RAISED, Phase.ACKNOWLEDGED}
            if code in seen or not is_up or alarm.nature == "technical":
                self._unseen.pop(code, None)
            elif self._now_s - self._unseen.setdefault(code, self._now_s) >= UNSEEN_AFTER_S:
                self._lose(alarm, None)

    def outcome(self) -> tuple[Book, Sequence[Change]]:
        since_s = self._now_s - REMEMBERED_S
        self._ended = {code: at_s for code, at_s in self._ended.items() if at_s > since_s}
        known = self._ended.keys() | self._up.keys() | self._book.standing.keys()
        self._flaps = {code: count for code, count in self._flaps.items() if code in known}
        self._resumes &= self._ended.keys()
        timers = Timers(
            begin_s=self._begin,
            worse_s=self._worse,
            end_s=self._end,
            raised_s=self._raised,
            unseen_s=self._unseen,
            ended_s=self._ended,
            flaps=self._flaps,
            resumes=frozenset(self._resumes),
        )
        return replace(self._book, timers=timers), [*self._up.values(), *self._down]

    def _phase(self, code: str) -> Phase:
        known = self._up.get(code)
        return phase_of(known.alarm if known else self._book.standing.get(code))

    def _raise_in_time(self, finding: Finding) -> None:
        code = finding.code
        delay_s = 0.0 if code in self._resumes else finding.delay_s
        if self._now_s - self._begin.setdefault(code, self._now_s) >= delay_s:
            self._raise(finding)

    def _raise(self, finding: Finding) -> None:
        code = finding.code
        self._begin.pop(code, None)
        self._resumes.discard(code)
        self._raised[code] = self._now_s
        recent = self._now_s - self._ended.pop(code, float("-inf")) < FLAPS_WITHIN_S
        self._flaps[code] = self._flaps.get(code, 0) + 1 if recent else 0
        standing = self._book.standing.get(code)
        fields: dict[str, Any] = {
            "alarm_id": f"{code[:46]}-{self._now_utc_us}"
            if standing is None
            else standing.alarm_id,
            "raised_utc_us": self._now_utc_us if standing is None else standing.raised_utc_us,
        }
        advance(phase_of(standing), AlarmEvent.BEGIN)
        alarm = Alarm(
            code=code, priority=finding.priority, state="raised", value=finding.value,
            limit=finding.limit, nature=finding.nature, origin=finding.origin, text=finding.text,
            **fields,
        )  # fmt: skip
        self._up[code] = Change(AlarmEvent.BEGIN, alarm)

    def _worsen(self, finding: Finding) -> None:
        """Raise the priority where that is asked for, by the value or by the time unseen."""
        code, alarm = finding.code, self._standing(finding.code)
        if RANK[finding.priority] > RANK[alarm.priority]:
            since_s = self._worse.setdefault(code, self._now_s)
            if self._now_s - since_s >= min(WORSE_AFTER_S, finding.delay_s):
                self._up[code] = Change(AlarmEvent.WORSEN, _worse(alarm, finding))
                self._worse.pop(code)
            return
        self._worse.pop(code, None)
        waits = alarm.state == "raised" and alarm.priority is AlarmPriority.MEDIUM
        unseen_s = self._now_s - self._raised.setdefault(code, self._now_s)
        if waits and alarm.nature == "physiological" and 0 < self._escalate_after_s <= unseen_s:
            worse = replace(finding, priority=AlarmPriority.HIGH)
            self._up[code] = Change(AlarmEvent.WORSEN, _worse(alarm, worse))

    def _end_in_time(self, finding: Finding) -> None:
        code, alarm = finding.code, self._standing(finding.code)
        since_s = self._end.setdefault(code, self._now_s)
        wait_s = min(LONGEST_END_S, finding.end_delay_s * 2 ** min(self._flaps.get(code, 0), 10))
        if self._now_s - since_s < wait_s:
            return
        self._forget(code)
        latches = finding.latches and alarm.state == "raised"
        if latches:
            self._down.append(Change(AlarmEvent.LATCH, _latched(alarm)))
        else:
            self._down.append(_moved(alarm, AlarmEvent.END, cause="ended"))

    def _lose(self, alarm: Alarm, gone: str | None) -> None:
        """Put the technical alarm that says so in the place of one that nothing tells of."""
        gone = gone or f"{NOT_MEASURED}{_subject(alarm.code)}"
        says = Finding(
            code=gone, truth=Truth.PRESENT, priority=alarm.priority, nature="technical",
            value=alarm.value, limit=alarm.limit,
        )  # fmt: skip
        match self._phase(gone):
            case Phase.CLEARED | Phase.OVER:
                self._raise(says)
            case Phase.RAISED | Phase.ACKNOWLEDGED:
                known = self._standing(gone)
                if RANK[alarm.priority] > RANK[known.priority]:
                    self._up[gone] = Change(AlarmEvent.WORSEN, _worse(known, says))
        self._forget(alarm.code)
        self._resumes.add(alarm.code)
        self._down.append(_moved(alarm, AlarmEvent.LOSE, cause="not-measured", replaced_by=gone))

    def _standing(self, code: str) -> Alarm:
        known = self._up.get(code)
        return known.alarm if known else self._book.standing[code]

    def _forget(self, code: str) -> None:
        for timer in (self._begin, self._worse, self._end, self._raised, self._unseen):
            timer.pop(code, None)
        self._ended[code] = self._now_s


def _moved(alarm: Alarm, event: AlarmEvent, **fields: Any) -> Change:
    phase = advance(phase_of(alarm), event)
    gone = {"is_over": None} if phase is Phase.CLEARED else {}
    return Change(event, alarm.model_copy(update={"state": phase.value, **gone, **fields}))


def _worse(alarm: Alarm, finding: Finding) -> Alarm:
    """Return `alarm` at the higher priority: raised again, also where it had been seen."""
    state = advance(phase_of(alarm), AlarmEvent.WORSEN).value
    return alarm.model_copy(
        update={
            "state": state,
            "priority": finding.priority,
            "value": finding.value,
            "limit": finding.limit,
            "by": None,
        }
    )


def _latched(alarm: Alarm) -> Alarm:
    advance(phase_of(alarm), AlarmEvent.LATCH)
    return alarm.model_copy(update={"is_over": True})


def _subject(code: str) -> str:
    """Return what an alarm is about: `limit.spo2_pct.low` is about `spo2_pct`."""
    parts = code.split(".")
    return parts[1] if parts[0] == "limit" and len(parts) > 1 else parts[0]
