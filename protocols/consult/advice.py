"""Advice: what may become of it. Law: every legal move is in TRANSITIONS, nowhere else.

The vehicle alone moves an advice; the hub follows, for the crew may answer while no link stands.
Words (`ADVICE`) are confirmed or declined. A drug (`MEDICATION`) is read back first, the dose
typed again; then confirmed; then given, at a time of its own. What was not confirmed in time
expires; what was confirmed and not given in time lapses: the crew is told not to give it, yet what
was given all the same can be put on record, for a record states what happened.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Final

from protocols.errors import LocalProtocolError


class AdviceKind(StrEnum):
    """What is asked for."""

    ADVICE = "advice"
    MEDICATION = "medication"


class AdviceState(StrEnum):
    """Wire strings: add, never rename."""

    SENT = "sent"  # the hub has it; the vehicle not yet
    DELIVERED = "delivered"
    SEEN = "seen"
    READ_BACK = "read_back"
    CONFIRMED = "confirmed"
    ADMINISTERED = "administered"
    DECLINED = "declined"
    EXPIRED = "expired"  # nobody confirmed it in time
    LAPSED = "lapsed"  # confirmed, and not given in time
    WITHDRAWN = "withdrawn"


class AdviceEvent(StrEnum):
    """What happens to it; imperatives of the crew, but for what time and the doctor do."""

    DELIVER = "deliver"
    SEE = "see"
    READ_BACK = "read_back"
    MISREAD = "misread"  # the dose read back was not the one ordered
    CONFIRM = "confirm"
    ADMINISTER = "administer"
    DECLINE = "decline"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"  # the doctor's word has reached the vehicle


_S, _E = AdviceState, AdviceEvent
_Moves = Mapping[AdviceState, Mapping[AdviceEvent, AdviceState]]
_ENDS: Final = {_E.DECLINE: _S.DECLINED, _E.EXPIRE: _S.EXPIRED, _E.WITHDRAW: _S.WITHDRAWN}

TRANSITIONS: Final[Mapping[AdviceKind, _Moves]] = {
    AdviceKind.ADVICE: {
        _S.SENT: {_E.DELIVER: _S.DELIVERED, _E.EXPIRE: _S.EXPIRED},
        _S.DELIVERED: {_E.SEE: _S.SEEN, _E.CONFIRM: _S.CONFIRMED, **_ENDS},
        _S.SEEN: {_E.CONFIRM: _S.CONFIRMED, **_ENDS},
    },
    AdviceKind.MEDICATION: {
        _S.SENT: {_E.DELIVER: _S.DELIVERED, _E.EXPIRE: _S.EXPIRED},
        _S.DELIVERED: {
            _E.SEE: _S.SEEN, _E.READ_BACK: _S.READ_BACK, _E.MISREAD: _S.DELIVERED, **_ENDS,
        },
        _S.SEEN: {_E.READ_BACK: _S.READ_BACK, _E.MISREAD: _S.SEEN, **_ENDS},
        _S.READ_BACK: {_E.CONFIRM: _S.CONFIRMED, **_ENDS},
        _S.CONFIRMED: {
            _E.ADMINISTER: _S.ADMINISTERED, _E.DECLINE: _S.DECLINED, _E.EXPIRE: _S.LAPSED,
            _E.WITHDRAW: _S.WITHDRAWN,
        },
        _S.LAPSED: {_E.ADMINISTER: _S.ADMINISTERED, _E.DECLINE: _S.DECLINED},
    },
}  # fmt: skip

OPEN: Final = frozenset({_S.SENT, _S.DELIVERED, _S.SEEN, _S.READ_BACK})
"""Still to be answered: what is in one of these when its time is over has expired."""


def advance(kind: AdviceKind, state: AdviceState, event: AdviceEvent) -> AdviceState:
    """Return the state that `event` leads to from `state`.

    Raises:
        LocalProtocolError: the table has no such move; nothing has changed.
    """
    try:
        return TRANSITIONS[kind][state][event]
    except KeyError:
        raise LocalProtocolError(
            reason="no such move", kind=kind.value, state=state.value, event=event.value
        ) from None


def merged(
    kind: AdviceKind, known: AdviceState, told: AdviceState, *, is_presumed: bool = False
) -> AdviceState | None:
    """Return the state after the vehicle's word `told` was heard; None if it changes nothing.

    `is_presumed`: the hub called it expired by itself, for want of a word; any answer stands above.
    """
    if is_presumed:
        return None if told in OPEN else told
    return told if reaches(kind, known, told) else None


@cache
def reaches(kind: AdviceKind, known: AdviceState, told: AdviceState) -> bool:
    """Say whether `told` may come after `known`, by whatever moves.

    Answers arrive in any order after an outage: who follows takes in what lies ahead, and only
    notes what lies behind.
    """
    ahead, waiting = set[AdviceState](), [known]
    while waiting:
        moves = TRANSITIONS[kind].get(waiting.pop(), {})
        fresh = set(moves.values()) - ahead - {known}
        ahead |= fresh
        waiting += fresh
    return told in ahead
