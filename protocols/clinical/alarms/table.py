"""The life of one alarm. Law: every legal move is in TRANSITIONS, nowhere else.

Source: IEC 60601-1-8, alarm conditions, latching alarm signals, acknowledgement. `over` travels as
`raised` with `is_over`: whoever shows three states still shows a standing alarm.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from protocols.errors import LocalProtocolError
from protocols.messages.alarm import Alarm


class Phase(StrEnum):
    """Where an alarm stands."""

    CLEARED = "cleared"
    RAISED = "raised"
    OVER = "over"  # latched: its condition has ended, nobody has seen it
    ACKNOWLEDGED = "acknowledged"


class AlarmEvent(StrEnum):
    """What happens to an alarm."""

    BEGIN = "begin"  # the condition is there, and has been for its delay
    WORSEN = "worsen"  # it asks for a higher priority
    END = "end"  # the condition is no more
    LATCH = "latch"  # the same, of an alarm that must be seen
    LOSE = "lose"  # what it was told by is no longer measured
    ACKNOWLEDGE = "acknowledge"  # a named person has seen it
    LEAVE = "leave"  # the patient has left


_P, _E = Phase, AlarmEvent

TRANSITIONS: Final[Mapping[Phase, Mapping[AlarmEvent, Phase]]] = {
    _P.CLEARED: {_E.BEGIN: _P.RAISED},
    _P.RAISED: {
        _E.WORSEN: _P.RAISED,
        _E.END: _P.CLEARED,
        _E.LATCH: _P.OVER,
        _E.LOSE: _P.CLEARED,
        _E.ACKNOWLEDGE: _P.ACKNOWLEDGED,
        _E.LEAVE: _P.CLEARED,
    },
    _P.OVER: {_E.BEGIN: _P.RAISED, _E.ACKNOWLEDGE: _P.CLEARED, _E.LEAVE: _P.CLEARED},
    _P.ACKNOWLEDGED: {
        _E.WORSEN: _P.RAISED,
        _E.END: _P.CLEARED,
        _E.LOSE: _P.CLEARED,
        _E.LEAVE: _P.CLEARED,
    },
}


def advance(phase: Phase, event: AlarmEvent) -> Phase:
    """Return the phase that `event` leads to from `phase`.

    Raises:
        LocalProtocolError: the table has no such move; nothing has changed.
    """
    try:
        return TRANSITIONS[phase][event]
    except KeyError:
        raise LocalProtocolError(
            reason="no such move", phase=phase.value, event=event.value
        ) from None


def phase_of(alarm: Alarm | None) -> Phase:
    """Return where `alarm` stands; None: there is none."""
    if alarm is None:
        return Phase.CLEARED
    if alarm.state == "raised" and alarm.is_over:
        return Phase.OVER
    return Phase(alarm.state)
