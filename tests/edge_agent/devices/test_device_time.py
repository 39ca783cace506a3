"""A monitor's wrong clock does no harm, and its samples are counted across everything."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.devices.monitor_hl7.device_time import Alignment, SampleCounter

START_US = 1_800_000_000_000_000


@given(
    error_s=st.floats(-1e9, 1e9),
    delays_s=st.lists(st.floats(0, 3), min_size=1, max_size=60),
)
def test_the_age_is_the_delay_beyond_the_least_whatever_the_device_believes(
    error_s: float, delays_s: list[float]
) -> None:
    alignment = Alignment()
    least = float("inf")
    for number, delay_s in enumerate(delays_s):
        least = min(least, delay_s)
        device_us = round(START_US + (error_s + number) * 1_000_000)
        age_us = alignment.age_us(device_us, number + delay_s)
        assert abs(age_us / 1_000_000 - (delay_s - least)) < 1e-3


def test_blocks_that_arrive_in_a_clump_keep_the_devices_spacing() -> None:
    alignment = Alignment()
    for number in range(10):
        alignment.age_us(START_US + number * 250_000, number * 0.25 + 0.05)
    clump = [alignment.age_us(START_US + n * 250_000, 10.05) for n in range(10, 40)]
    steps = {before - after for before, after in itertools.pairwise(clump)}
    assert steps == {250_000}


def test_a_clock_that_is_set_forward_or_back_begins_the_comparison_anew() -> None:
    alignment = Alignment()
    assert alignment.age_us(START_US, 0.0) == 0
    assert alignment.age_us(START_US + 3_601_000_000, 1.0) == 0  # an hour ahead
    assert alignment.age_us(START_US + 2_000_000, 2.0) == 0  # and back
    assert alignment.age_us(START_US + 3_000_000, 3.0) == 0


def test_a_minute_later_an_old_least_delay_is_forgotten() -> None:
    alignment = Alignment()
    alignment.age_us(START_US, 0.0)
    assert alignment.age_us(START_US + 1_000_000, 1.5) == 500_000
    ages = [alignment.age_us(START_US + s * 1_000_000, s + 0.5) for s in range(2, 70)]
    assert (ages[0], ages[-1]) == (500_000, 0)


def test_blocks_that_follow_one_another_are_numbered_without_a_hole() -> None:
    counter, rng = SampleCounter(), random.Random(1)
    at_us, index = float(START_US), None
    for _ in range(2_000):  # a sample clock 200 ppm fast, stamps to 0.1 ms
        count = rng.randint(60, 130)
        stamped = round(at_us / 100) * 100
        placed = counter.place(stamped, count, rate_hz=500, now_s=at_us / 1e6)
        assert index in {None, placed.first_index}
        assert placed.skip == 0
        index = placed.first_index + count
        at_us += count * 2_000 * (1 - 200e-6)


def test_a_hole_is_as_long_as_the_device_says() -> None:
    counter = SampleCounter()
    first = counter.place(START_US, 125, rate_hz=500, now_s=0.0).first_index
    later = counter.place(START_US + 5_000_000, 125, rate_hz=500, now_s=5.0)
    assert (later.first_index - first, later.skip) == (2_500, 0)


def test_what_was_sent_before_is_left_out() -> None:
    counter = SampleCounter()
    first = counter.place(START_US, 500, rate_hz=500, now_s=0.0).first_index
    again = counter.place(START_US + 500_000, 500, rate_hz=500, now_s=0.5)
    assert (again.first_index - first, again.skip) == (500, 250)
    whole = counter.place(START_US + 500_000, 500, rate_hz=500, now_s=0.6)
    assert whole.skip == 500


def test_a_clock_that_is_set_makes_a_hole_as_long_as_the_vehicle_saw() -> None:
    for step_us in (3_600_000_000, -3_600_000_000):
        counter = SampleCounter()
        first = counter.place(START_US, 500, rate_hz=500, now_s=0.0).first_index
        second = counter.place(START_US + step_us, 500, rate_hz=500, now_s=3.0)
        assert (second.first_index - first, second.skip) == (500 + 1_000, 0)
        third = counter.place(START_US + step_us + 1_000_000, 500, rate_hz=500, now_s=4.0)
        assert third.first_index == second.first_index + 500


def test_the_count_goes_on_after_the_agent_was_restarted() -> None:
    before, after = SampleCounter(), SampleCounter()
    index = before.place(START_US, 500, rate_hz=500, now_s=0.0).first_index
    assert after.place(START_US + 9_000_000, 500, rate_hz=500, now_s=1.0).first_index == (
        index + 4_500
    )


@given(
    starts=st.lists(st.integers(0, 2**52), min_size=1, max_size=20),
    count=st.integers(1, 5_000),
    rate_hz=st.sampled_from([0.1, 1.0, 62.5, 125.0, 500.0, 100_000.0]),
)
def test_numbers_never_go_back(starts: list[int], count: int, rate_hz: float) -> None:
    counter, end = SampleCounter(), 0
    for number, start in enumerate(starts):
        placed = counter.place(start, count, rate_hz=rate_hz, now_s=float(number))
        assert 0 <= placed.skip <= count
        assert placed.first_index >= end
        end = placed.first_index + count - placed.skip
