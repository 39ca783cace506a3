"""The ring list: step by step, each once, until one joins; nothing ever rings again."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.consult import ringing
from protocols.consult.ringing import Call, CallState, Ringing, RingState
from protocols.errors import LocalProtocolError

STEP_US = 30_000_000
C, R = CallState, RingState


def people(*steps: str) -> list[Call]:
    return [
        Call(username=name, name=name.upper(), organisation="H", step=step)
        for step, names in enumerate(steps)
        for name in names.split()
    ]


def begun(*steps: str) -> Ringing:
    return ringing.begun(people(*steps), now_utc_us=0, step_us=STEP_US)


def states(ring: Ringing) -> dict[str, str]:
    return {call.username: call.state.value for call in ring.calls}


def ticked(ring: Ringing, now_us: int) -> Ringing:
    return ringing.ticked(ring, now_utc_us=now_us, step_us=STEP_US)


def test_the_first_step_rings_together_and_the_next_after_its_time() -> None:
    ring = begun("ann bo", "cy")
    assert states(ring) == {"ann": "ringing", "bo": "ringing", "cy": "waiting"}
    assert ticked(ring, STEP_US - 1) == ring
    ring = ticked(ring, STEP_US)
    assert states(ring) == {"ann": "timed_out", "bo": "timed_out", "cy": "ringing"}
    assert (ring.step, ring.step_until_utc_us) == (1, 2 * STEP_US)
    ring = ticked(ring, 2 * STEP_US)
    assert (ring.state, states(ring)["cy"]) == (R.UNANSWERED, "timed_out")


def test_who_joins_ends_it_even_after_their_time_was_over() -> None:
    ring = ticked(begun("ann", "bo", "cy"), STEP_US)
    ring = ringing.joined(ring, "ann", now_utc_us=STEP_US + 1)
    assert ring.state is R.ANSWERED
    assert states(ring) == {"ann": "answered", "bo": "not_needed", "cy": "not_needed"}
    assert ringing.joined(ring, "bo", now_utc_us=STEP_US + 2) == ring


def test_when_all_of_a_step_decline_the_next_rings_at_once() -> None:
    ring = begun("ann bo", "cy")
    for name, at_us in (("ann", 5), ("bo", 6)):
        ring = ringing.declined(ring, name, now_utc_us=at_us, step_us=STEP_US)
    assert (ring.step, states(ring)["cy"], ring.step_until_utc_us) == (1, "ringing", 6 + STEP_US)
    with pytest.raises(LocalProtocolError):
        ringing.declined(ring, "ann", now_utc_us=7, step_us=STEP_US)
    with pytest.raises(LocalProtocolError):
        ringing.declined(ring, "stranger", now_utc_us=7, step_us=STEP_US)


def test_a_hub_that_was_away_rings_the_next_step_for_its_whole_time() -> None:
    ring = ticked(begun("ann", "bo", "cy"), 100 * STEP_US)
    assert (ring.step, ring.step_until_utc_us) == (1, 101 * STEP_US)


def test_nobody_to_ring_is_unanswered_and_a_stranger_who_joins_changes_nothing() -> None:
    assert begun().state is R.UNANSWERED
    ring = begun("ann")
    assert ringing.joined(ring, "stranger", now_utc_us=1) == ring


def test_one_who_stands_in_two_steps_is_rung_in_the_first() -> None:
    ring = begun("ann", "ann bo")
    assert [(call.username, call.step) for call in ring.calls] == [("ann", 0), ("bo", 1)]


MOVE = st.tuples(st.sampled_from(["join", "decline", "tick", "cancel"]), st.sampled_from("abcd"))


@given(steps=st.lists(st.sampled_from(["a", "b c", "d", "a d"]), max_size=4), moves=st.lists(MOVE))
def test_whatever_happens_the_law_holds(
    steps: Sequence[str], moves: Sequence[tuple[str, str]]
) -> None:
    ring, now_us = begun(*steps), 0
    for move, name in moves:
        before, now_us = ring, now_us + STEP_US // 2
        if move == "join":
            ring = ringing.joined(ring, name, now_utc_us=now_us)
        elif move == "tick":
            ring = ticked(ring, now_us)
        elif move == "cancel":
            ring = ringing.cancelled(ring, now_utc_us=now_us)
        else:
            try:
                ring = ringing.declined(ring, name, now_utc_us=now_us, step_us=STEP_US)
            except LocalProtocolError:
                assert ring == before
        assert ring == before or before.state is R.RINGING  # what is over stays as it was
        rung = [call for call in ring.calls if call.state is C.RINGING]
        assert bool(rung) == (ring.state is R.RINGING)
        assert {call.step for call in rung} <= {ring.step}
        assert [call.username for call in ring.calls] == [c.username for c in before.calls]
        answered = [call for call in ring.calls if call.state is C.ANSWERED]
        assert bool(answered) == (ring.state is R.ANSWERED)
