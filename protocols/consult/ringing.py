"""A ring: a list of people rung step by step until one joins. Pure; time comes in as an argument.

Law: a person is rung once and is in one state; a ring that is over never rings again. Theory of
operation: all of a step ring together for `step_us`; when that has passed, or all have declined,
the next step rings. Whoever was rung may still join while the ring lasts, though their time is
over. The first who joins ends it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from protocols.errors import LocalProtocolError


class RingState(StrEnum):
    """Wire and table strings: add, never rename."""

    RINGING = "ringing"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # it reached the hub too late to ring anybody


class CallState(StrEnum):
    """Wire and table strings: add, never rename."""

    WAITING = "waiting"
    RINGING = "ringing"
    ANSWERED = "answered"
    DECLINED = "declined"
    TIMED_OUT = "timed_out"
    NOT_NEEDED = "not_needed"


class CallEvent(StrEnum):
    """What happens to one person's call."""

    RING = "ring"
    JOIN = "join"
    DECLINE = "decline"
    TIME_OUT = "time_out"
    END = "end"  # somebody else joined, or the crew cancelled


_C, _E = CallState, CallEvent

CALLS: Final[Mapping[CallState, Mapping[CallEvent, CallState]]] = {
    _C.WAITING: {_E.RING: _C.RINGING, _E.JOIN: _C.ANSWERED, _E.END: _C.NOT_NEEDED},
    _C.RINGING: {
        _E.JOIN: _C.ANSWERED, _E.DECLINE: _C.DECLINED, _E.TIME_OUT: _C.TIMED_OUT,
        _E.END: _C.NOT_NEEDED,
    },
    _C.TIMED_OUT: {_E.JOIN: _C.ANSWERED, _E.DECLINE: _C.DECLINED},
    _C.DECLINED: {_E.JOIN: _C.ANSWERED},
}  # fmt: skip
"""Every legal move of one person's call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One person of the list."""

    username: str
    name: str
    organisation: str
    step: int
    state: CallState = CallState.WAITING
    rung_utc_us: int | None = None
    ended_utc_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ringing:
    """Where the list stands; `step_until_utc_us` is when its present step is over."""

    state: RingState
    step: int
    step_until_utc_us: int
    calls: tuple[Call, ...]


def begun(people: Sequence[Call], *, now_utc_us: int, step_us: int) -> Ringing:
    """Return a ring whose first step rings; each person once, where they come first."""
    once: dict[str, Call] = {}
    for call in sorted(people, key=lambda one: one.step):
        once.setdefault(call.username, call)
    ring = Ringing(
        state=RingState.RINGING, step=-1, step_until_utc_us=now_utc_us, calls=tuple(once.values())
    )
    return _next_step(ring, now_utc_us, step_us)


def joined(ring: Ringing, username: str, *, now_utc_us: int) -> Ringing:
    """Return the ring after somebody of it came into the room; others are no longer needed."""
    if ring.state is not RingState.RINGING or username not in _names(ring):
        return ring
    calls = _moved(ring.calls, {username}, CallEvent.JOIN, now_utc_us)
    return _over(replace(ring, calls=calls), RingState.ANSWERED, now_utc_us)


def declined(ring: Ringing, username: str, *, now_utc_us: int, step_us: int) -> Ringing:
    """Return the ring after somebody declined; the next step rings if nobody is left in this one.

    Raises:
        LocalProtocolError: that person is not rung, or the ring is over; nothing has changed.
    """
    state = next((call.state for call in ring.calls if call.username == username), None)
    if ring.state is not RingState.RINGING or state is None:
        raise LocalProtocolError(reason="not rung", state=ring.state.value)
    if CallEvent.DECLINE not in CALLS.get(state, {}):
        raise LocalProtocolError(reason="no such move", state=state.value)
    ring = replace(ring, calls=_moved(ring.calls, {username}, CallEvent.DECLINE, now_utc_us))
    if any(call.state is CallState.RINGING for call in ring.calls):
        return ring
    return _next_step(ring, now_utc_us, step_us)


def ticked(ring: Ringing, *, now_utc_us: int, step_us: int) -> Ringing:
    """Return the ring at this time: one step on, if its present one is over."""
    if ring.state is not RingState.RINGING or now_utc_us < ring.step_until_utc_us:
        return ring
    rung = {call.username for call in ring.calls if call.state is CallState.RINGING}
    calls = _moved(ring.calls, rung, CallEvent.TIME_OUT, now_utc_us)
    return _next_step(replace(ring, calls=calls), now_utc_us, step_us)


def cancelled(ring: Ringing, *, now_utc_us: int) -> Ringing:
    """Return the ring after the crew needed nobody any more."""
    if ring.state is not RingState.RINGING:
        return ring
    return _over(ring, RingState.CANCELLED, now_utc_us)


def _next_step(ring: Ringing, now_us: int, step_us: int) -> Ringing:
    steps = sorted({call.step for call in ring.calls if call.state is CallState.WAITING})
    if not steps:
        return _over(ring, RingState.UNANSWERED, now_us)
    rung = {call.username for call in ring.calls if call.step == steps[0]}
    return replace(
        ring,
        step=steps[0],
        step_until_utc_us=now_us + step_us,
        calls=tuple(
            replace(call, state=CALLS[call.state][CallEvent.RING], rung_utc_us=now_us)
            if call.username in rung and call.state is CallState.WAITING
            else call
            for call in ring.calls
        ),
    )


def _over(ring: Ringing, state: RingState, now_us: int) -> Ringing:
    unanswered = {
        call.username for call in ring.calls if call.state in {CallState.WAITING, CallState.RINGING}
    }
    calls = _moved(ring.calls, unanswered, CallEvent.END, now_us)
    return replace(ring, state=state, calls=calls)


def _moved(
    calls: Sequence[Call], usernames: set[str], event: CallEvent, now_us: int
) -> tuple[Call, ...]:
    return tuple(
        replace(call, state=CALLS[call.state][event], ended_utc_us=now_us)
        if call.username in usernames
        else call
        for call in calls
    )


def _names(ring: Ringing) -> set[str]:
    return {call.username for call in ring.calls if CallEvent.JOIN in CALLS.get(call.state, {})}
