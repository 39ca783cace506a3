"""One clock for stamps, ages and screens: the computer's until a receiver has been believed."""

from edge_agent.timekeeping import Learnt
from edge_agent.vehicle_clock import VehicleClock
from protocols.clock import ClockSource
from tests.fakes.clock import FakeClock

DAY_US = 86_400_000_000


async def hear(clock: VehicleClock, system: FakeClock, seconds: int, *, off_us: int = 0) -> None:
    for _ in range(seconds):
        await system.advance(1.0)
        assert clock.heard_gnss(system.utc_us() + off_us)


def test_without_a_receiver_nothing_is_known_of_the_error() -> None:
    system = FakeClock()
    clock = VehicleClock(system)
    stamp = clock.stamp()
    assert (stamp.utc_us, stamp.source, stamp.error_us) == (system.utc_us(), ClockSource.RTC, None)
    assert clock.corrections() == []


def test_a_clock_that_was_never_set_says_so() -> None:
    stamp = VehicleClock(FakeClock(utc_us=DAY_US)).stamp()
    assert (stamp.utc_us, stamp.source, stamp.error_us) == (DAY_US, ClockSource.UNSET, None)


async def test_a_believed_receiver_dates_and_bounds_every_stamp() -> None:
    system = FakeClock()
    clock = VehicleClock(system)
    await hear(clock, system, 3, off_us=-DAY_US)
    stamp = clock.stamp()
    assert (stamp.source, stamp.error_us) == (ClockSource.GNSS, 500_000)
    assert stamp.utc_us == clock.utc_us() == system.utc_us() - DAY_US


async def test_a_jump_of_the_system_clock_is_not_seen() -> None:
    system = FakeClock()
    clock = VehicleClock(system)
    await hear(clock, system, 3)
    before_us = clock.utc_us()
    system.jump_utc(-5 * DAY_US)
    await system.advance(2.0)
    assert clock.stamp().utc_us == before_us + 2_000_000


async def test_what_was_learnt_before_a_restart_is_gone_on_with() -> None:
    system = FakeClock(utc_us=DAY_US)
    clock = VehicleClock(system)
    clock.learnt = Learnt(
        offset_us=1_800_000_000_000_000, least_us=1_800_000_000_000_000, confirmed_us=0
    )
    await system.advance(7_200.0)
    stamp = clock.stamp()
    assert stamp.utc_us == 1_800_007_200_000_000
    assert (stamp.source, stamp.error_us) == (ClockSource.GNSS, 1_300_000)


class Ticking(FakeClock):
    """A clock that moves on whenever it is read, as every real one does."""

    def utc_us(self) -> int:
        self.jump_utc(3)
        return super().utc_us()


async def test_a_clock_that_moves_on_while_it_is_read_keeps_its_vote() -> None:
    system = Ticking()
    clock = VehicleClock(system)
    assert clock.stamp().source is ClockSource.RTC
    for _ in range(3):
        await system.advance(1.0)
        assert clock.heard_gnss(system.utc_us() - 300_000)
    assert abs(clock.utc_us() - system.utc_us()) < 1_000
    clock.not_before(system.utc_us() - 1_000_000)


async def test_what_the_hub_says_keeps_a_computer_of_1970_from_the_past() -> None:
    system = FakeClock(utc_us=DAY_US)
    clock = VehicleClock(system)
    clock.heard_hub(1_800_000_000_000_000)
    clock.heard_hub(1_700_000_000_000_000)
    await system.advance(5.0)
    stamp = clock.stamp()
    assert stamp.utc_us == clock.utc_us() == 1_800_000_003_000_000
    assert (stamp.source, stamp.error_us) == (ClockSource.UNSET, None)


def test_the_word_of_a_hub_takes_nothing_from_a_computer_that_is_right() -> None:
    system = FakeClock()
    clock = VehicleClock(system)
    clock.heard_hub(system.utc_us() + 1_500_000)
    assert (clock.stamp().utc_us, clock.stamp().source) == (system.utc_us(), ClockSource.RTC)
