"""The steady clock disciplined by a receiver: jumps, lies, repeats, rollovers, silence."""

import random
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.timekeeping.discipline import (
    ALMANAC_US,
    EARLIEST_UTC_US,
    LEAP_US,
    ROLLOVER_US,
    SENTENCE_LATE_US,
    Discipline,
)

S_US = 1_000_000
DAY_US = 86_400 * S_US
TRUTH_US = 1_800_000_000 * S_US  # UTC where the steady clock is 0


@dataclass
class Vehicle:
    """What is true, what the computer's clock says, and a receiver that may lie."""

    discipline: Discipline = field(default_factory=Discipline)
    steady_us: int = 5_000 * S_US
    computer_off_us: int = -200_000  # less than the sentences leave open
    receiver_off_us: int = 0
    late_us: int = 80_000

    @property
    def true_us(self) -> int:
        return TRUTH_US + self.steady_us

    @property
    def computer_us(self) -> int:
        return max(0, self.true_us + self.computer_off_us)

    def hear(self, seconds: int, *, off_us: int | None = None) -> list[bool]:
        """Let so many seconds pass, a sentence in each."""
        off_us = self.receiver_off_us if off_us is None else off_us
        return [self._hear_one(off_us) for _ in range(seconds)]

    def _hear_one(self, off_us: int) -> bool:
        self.steady_us += S_US
        return self.discipline.heard(
            self.true_us - self.late_us + off_us,
            steady_us=self.steady_us,
            computer_us=self.computer_us,
        )

    def repeat(self, seconds: int, utc_us: int) -> None:
        """Let a receiver that hangs say the same time again and again."""
        for _ in range(seconds):
            self.steady_us += S_US
            self.discipline.heard(utc_us, steady_us=self.steady_us, computer_us=self.computer_us)

    @property
    def wrong_us(self) -> int:
        found_us = self.discipline.utc_us(self.steady_us)
        assert found_us is not None
        return found_us - self.true_us

    @property
    def error_us(self) -> int:
        found_us = self.discipline.error_us(self.steady_us)
        assert found_us is not None
        return found_us

    def is_honest(self) -> bool:
        return abs(self.wrong_us) <= self.error_us


def test_nothing_is_claimed_before_the_receiver_has_said_the_same_three_times() -> None:
    vehicle = Vehicle()
    vehicle.hear(2)
    assert vehicle.discipline.utc_us(vehicle.steady_us) is None
    assert vehicle.discipline.error_us(vehicle.steady_us) is None
    vehicle.hear(1)
    assert vehicle.wrong_us == -80_000
    assert vehicle.error_us == SENTENCE_LATE_US


def test_what_the_sentences_leave_open_the_computer_s_clock_tells() -> None:
    vehicle = Vehicle(computer_off_us=0)
    vehicle.hear(3)
    assert vehicle.wrong_us == 0
    vehicle.computer_off_us = 300_000  # it is slewed, not followed at once
    vehicle.hear(20)
    assert vehicle.wrong_us == 100_000
    for jump_us in (600_000, -DAY_US):  # more than they leave open: it has no word any more
        vehicle.computer_off_us = jump_us
        vehicle.hear(1)
        assert 90_000 <= vehicle.wrong_us <= 100_000
    vehicle.hear(100)
    assert vehicle.wrong_us == -80_000


def test_first_sentences_that_are_read_late_do_not_set_the_time_back() -> None:
    """A computer that starts is busy; else each screen would take what comes for a second old."""
    vehicle = Vehicle(computer_off_us=0, late_us=1_400_000)
    vehicle.hear(3)
    assert vehicle.wrong_us == 0
    assert vehicle.is_honest()
    vehicle.late_us = 80_000
    vehicle.hear(10)
    assert vehicle.wrong_us == 0
    vehicle.hear(ALMANAC_US // S_US)
    assert vehicle.error_us == SENTENCE_LATE_US


def test_a_computer_that_is_a_second_ahead_is_left_slowly() -> None:
    vehicle = Vehicle(computer_off_us=S_US)
    vehicle.hear(3)
    assert vehicle.wrong_us == S_US
    wrong = []
    for _ in range(300):
        vehicle.hear(1)
        assert vehicle.is_honest()
        wrong.append(vehicle.wrong_us)
    assert max(before - after for before, after in pairwise(wrong)) == 5_000
    assert wrong[-1] == -80_000


@pytest.mark.parametrize("jump_us", [DAY_US, -DAY_US, 47 * S_US, -TRUTH_US * 2])
def test_a_jump_of_the_computer_s_clock_moves_nothing(jump_us: int) -> None:
    vehicle = Vehicle()
    vehicle.hear(5)
    vehicle.computer_off_us = jump_us
    vehicle.hear(600)
    assert vehicle.wrong_us == -80_000
    assert vehicle.error_us == SENTENCE_LATE_US


@pytest.mark.parametrize("off_us", [-TRUTH_US * 2, DAY_US, -DAY_US, -200 * DAY_US])
def test_a_computer_that_was_never_set_or_is_wrong_by_days_believes_its_receiver(
    off_us: int,
) -> None:
    vehicle = Vehicle(computer_off_us=off_us)
    vehicle.hear(3)
    assert vehicle.wrong_us == -80_000


@pytest.mark.parametrize("rollovers", [1, 2])
@pytest.mark.parametrize("computer_off_us", [-200_000, -TRUTH_US * 2, DAY_US])
def test_a_week_count_that_rolled_over_is_put_right(rollovers: int, computer_off_us: int) -> None:
    vehicle = Vehicle(computer_off_us=computer_off_us, receiver_off_us=-rollovers * ROLLOVER_US)
    vehicle.hear(3)
    assert vehicle.wrong_us == -80_000


def test_a_week_count_that_rolls_over_on_the_way_is_put_right() -> None:
    vehicle = Vehicle()
    vehicle.hear(10)
    vehicle.computer_off_us = -DAY_US
    assert all(vehicle.hear(300, off_us=-ROLLOVER_US))
    assert vehicle.wrong_us == -80_000


def test_a_recording_of_another_year_is_not_believed() -> None:
    for ago_us in (60 * DAY_US, 6 * 365 * DAY_US, 12 * 365 * DAY_US):
        vehicle = Vehicle(receiver_off_us=-ago_us)
        assert not any(vehicle.hear(100))
        assert vehicle.discipline.learnt is None


def test_a_receiver_that_repeats_an_old_time_is_never_believed() -> None:
    first = Vehicle()
    first.repeat(1_000, first.true_us)
    assert first.discipline.learnt is None
    later = Vehicle()
    later.hear(10)
    later.repeat(2_000, later.true_us)
    assert later.wrong_us == -80_000


def test_a_lie_of_a_second_moves_nothing_while_the_computer_s_clock_knows_better() -> None:
    vehicle = Vehicle()
    vehicle.hear(10)
    for lie_us in (S_US, -S_US):
        vehicle.hear(500, off_us=lie_us)
        assert vehicle.wrong_us == -80_000
        assert vehicle.is_honest()


def test_a_lie_of_a_second_is_within_what_is_stated_whatever_the_computer_says() -> None:
    for computer_off_us in (-TRUTH_US * 2, DAY_US):
        vehicle = Vehicle(computer_off_us=computer_off_us)
        vehicle.hear(10)
        for _ in range(300):
            vehicle.hear(1, off_us=S_US)
            assert vehicle.is_honest()


def test_a_receiver_that_lacked_the_leap_seconds_is_followed_once_it_knows_them() -> None:
    vehicle = Vehicle(receiver_off_us=18 * S_US)
    vehicle.hear(60)
    assert vehicle.is_honest()  # the computer's clock said otherwise
    vehicle.hear(6, off_us=0)
    assert vehicle.wrong_us == -80_000
    assert vehicle.error_us > LEAP_US - 3 * S_US
    vehicle.hear(ALMANAC_US // S_US, off_us=0)
    assert vehicle.error_us == SENTENCE_LATE_US


def test_another_time_that_stays_is_believed_in_the_end_and_the_doubt_is_stated() -> None:
    vehicle = Vehicle(computer_off_us=-TRUTH_US * 2, receiver_off_us=DAY_US)
    vehicle.hear(10)
    vehicle.hear(70, off_us=0)
    assert vehicle.wrong_us == -80_000
    assert vehicle.error_us >= DAY_US


def test_without_a_fix_the_time_is_held_and_the_error_grows() -> None:
    vehicle = Vehicle()
    vehicle.hear(10)
    errors = []
    for _ in range(4):
        vehicle.steady_us += 3_600 * S_US
        errors.append(vehicle.error_us)
    assert errors == [900_000, 1_300_000, 1_600_000, 2_000_000]
    assert vehicle.wrong_us == -80_000


def test_a_clock_that_drifts_as_fast_as_it_may_is_followed() -> None:
    vehicle = Vehicle(computer_off_us=-TRUTH_US * 2)
    vehicle.hear(10)
    for second in range(20_000):
        vehicle.hear(1, off_us=-second * 90)  # 90 ppm
    assert abs(vehicle.wrong_us + 80_000 + 19_999 * 90) <= 1_000


def test_a_sentence_that_comes_late_does_not_set_the_time_back() -> None:
    vehicle = Vehicle()
    vehicle.hear(10)
    before = vehicle.wrong_us
    rng = random.Random(1)
    for _ in range(600):
        vehicle.late_us = rng.randrange(80_000, 5 * S_US)
        vehicle.hear(1)
    assert before - 100 * 600 <= vehicle.wrong_us <= before
    assert vehicle.error_us <= SENTENCE_LATE_US + 100_000


@given(
    seed=st.integers(0, 2**32),
    computer_off_us=st.sampled_from(
        [0, -200_000, 300_000, 1_500_000, DAY_US, -DAY_US, -TRUTH_US * 2]
    ),
)
def test_what_is_stated_is_true_whatever_lasts_less_than_a_minute(
    seed: int, computer_off_us: int
) -> None:
    """A receiver that began well may do anything for up to 50 s at a time."""
    rng = random.Random(seed)
    vehicle = Vehicle(computer_off_us=computer_off_us)
    vehicle.hear(5)
    for _ in range(8):
        seconds, kind = rng.randrange(1, 50), rng.randrange(5)
        if kind == 0:
            vehicle.repeat(seconds, rng.randrange(EARLIEST_UTC_US, 2**51))
        elif kind == 1:
            vehicle.hear(seconds, off_us=rng.choice((1, -1, 18, -18, 3_600)) * S_US)
        elif kind == 2:
            vehicle.steady_us += rng.randrange(4_000) * S_US
        elif kind == 3:
            most_us = rng.choice((400_000, 2 * S_US, 2 * DAY_US))
            vehicle.computer_off_us = rng.randrange(-most_us, most_us)
        else:
            vehicle.hear(seconds, off_us=-ROLLOVER_US)
        assert vehicle.is_honest(), f"seed {seed}"
        vehicle.hear(5)
        assert vehicle.is_honest(), f"seed {seed}"
