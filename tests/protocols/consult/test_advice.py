"""What may become of advice: the table is total, ends where it should, and never goes back."""

from itertools import product

import pytest

from protocols.consult import (
    OPEN,
    TRANSITIONS,
    AdviceEvent,
    AdviceKind,
    AdviceState,
    advance,
    merged,
    reaches,
)
from protocols.errors import LocalProtocolError

A, M = AdviceKind.ADVICE, AdviceKind.MEDICATION
S, E = AdviceState, AdviceEvent


def walk(kind: AdviceKind, *events: AdviceEvent) -> AdviceState:
    state = S.SENT
    for event in events:
        state = advance(kind, state, event)
    return state


@pytest.mark.parametrize(("kind", "state", "event"), list(product(AdviceKind, S, E)))
def test_every_move_is_in_the_table_or_refused(
    kind: AdviceKind, state: AdviceState, event: AdviceEvent
) -> None:
    reached = TRANSITIONS[kind].get(state, {}).get(event)
    if reached is None:
        with pytest.raises(LocalProtocolError):
            advance(kind, state, event)
    else:
        assert advance(kind, state, event) is reached


def test_a_drug_is_confirmed_only_after_it_was_read_back() -> None:
    assert walk(A, E.DELIVER, E.CONFIRM) is S.CONFIRMED
    for before in ([E.DELIVER], [E.DELIVER, E.SEE], [E.DELIVER, E.SEE, E.MISREAD]):
        with pytest.raises(LocalProtocolError):
            walk(M, *before, E.CONFIRM)
    assert walk(M, E.DELIVER, E.MISREAD, E.READ_BACK, E.CONFIRM, E.ADMINISTER) is S.ADMINISTERED


def test_what_is_over_stays_over_and_a_lapsed_drug_can_still_be_put_on_record() -> None:
    assert walk(M, E.DELIVER, E.READ_BACK, E.CONFIRM, E.EXPIRE) is S.LAPSED
    assert advance(M, S.LAPSED, E.ADMINISTER) is S.ADMINISTERED
    for state in (S.EXPIRED, S.DECLINED, S.WITHDRAWN, S.ADMINISTERED):
        assert not any(reaches(kind, state, other) for other in S for kind in AdviceKind)


@pytest.mark.parametrize("kind", AdviceKind)
def test_no_state_comes_after_itself_or_after_what_it_leads_to(kind: AdviceKind) -> None:
    for one, other in product(S, S):
        assert not (reaches(kind, one, other) and reaches(kind, other, one))
    known = {state for state in S if reaches(kind, state, S.EXPIRED)}
    assert known == OPEN & set(TRANSITIONS[kind])


def test_who_may_be_confirmed_and_then_declined_is_a_drug_alone() -> None:
    assert reaches(M, S.CONFIRMED, S.DECLINED)
    assert not reaches(A, S.CONFIRMED, S.DECLINED)


@pytest.mark.parametrize("told", S)
def test_any_answer_stands_above_the_hub_s_own_presumption(told: AdviceState) -> None:
    reached = merged(M, S.EXPIRED, told, is_presumed=True)
    assert reached == (None if told in OPEN else told)
    assert merged(M, S.EXPIRED, told) is None
