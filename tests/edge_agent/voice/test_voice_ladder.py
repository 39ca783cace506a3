"""Readings first, then voices, then pictures: what a voice may use as the link thins."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.voice.ladder import STEPS_BPS, VoiceLadder

LOOK_S = 0.25
TOP = STEPS_BPS[-1]


class Link:
    """A link and its ladder, looked at four times a second."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.ladder = VoiceLadder(now_s=self.now_s)

    def goes(
        self,
        for_s: float,
        *,
        late_s: float = 0.0,
        queue_s: float = 0.0,
        moves: bool = False,
        is_answered: bool = True,
    ) -> list[int]:
        seen = []
        for _ in range(round(for_s / LOOK_S)):
            self.now_s += LOOK_S
            self.ladder.look(
                now_s=self.now_s,
                is_answered=is_answered,
                late_s=late_s,
                queue_s=queue_s,
                moves=moves,
            )
            seen.append(self.ladder.bps)
        return seen


def test_a_good_link_carries_a_full_voice() -> None:
    assert set(Link().goes(60)) == {TOP}


def test_pictures_give_way_before_a_voice_does() -> None:
    link = Link()
    assert set(link.goes(20, late_s=0.8, moves=True)) == {TOP}
    assert link.goes(2, late_s=0.8)[-1] < TOP


def test_a_voice_gives_way_before_readings_suffer_for_long_whatever_else_moves() -> None:
    assert Link().goes(2, late_s=2.5, moves=True)[-1] < TOP


def test_a_moment_of_lateness_is_no_sign() -> None:
    link = Link()
    for _ in range(20):
        assert set(link.goes(0.75, late_s=3.0)) == {TOP}
        assert set(link.goes(0.5)) == {TOP}


def test_it_steps_down_one_at_a_time_to_nothing_and_comes_back() -> None:
    link = Link()
    seen = link.goes(10, queue_s=1.0)
    assert list(dict.fromkeys(seen)) == list(reversed(STEPS_BPS))
    assert link.goes(60)[-1] == TOP


def test_a_step_that_failed_is_tried_ever_more_rarely() -> None:
    link = Link()
    trials = 0
    for _ in range(round(200 / LOOK_S)):
        before = link.ladder.bps
        (after,) = link.goes(LOOK_S, late_s=1.5 if before == TOP else 0.0)
        trials += after > before
    assert trials <= 6


def test_without_the_hub_there_is_no_voice_and_it_begins_again_in_the_middle() -> None:
    link = Link()
    assert set(link.goes(3, is_answered=False)) == {0}
    assert not link.ladder.is_up
    assert link.goes(1)[-1] == STEPS_BPS[2]
    assert link.goes(10)[-1] == TOP


@given(
    st.lists(
        st.tuples(st.floats(0, 5), st.floats(0, 5), st.booleans(), st.booleans()), max_size=200
    )
)
def test_it_is_always_one_of_its_steps_and_never_jumps_up(
    looks: list[tuple[float, float, bool, bool]],
) -> None:
    link = Link()
    before = TOP
    for late_s, queue_s, moves, is_answered in looks:
        (bps,) = link.goes(
            LOOK_S, late_s=late_s, queue_s=queue_s, moves=moves, is_answered=is_answered
        )
        assert bps in STEPS_BPS
        was_up = before > 0
        assert not was_up or STEPS_BPS.index(bps) <= STEPS_BPS.index(before) + 1
        before = bps
