"""The vehicle's clock claims only what it knows."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.vehicle_clock import VehicleClock
from protocols.clock import ClockSource
from tests.fakes.clock import FakeClock


def test_without_a_receiver_nothing_is_known_of_the_error() -> None:
    stamp = VehicleClock(FakeClock()).stamp()
    assert (stamp.source, stamp.error_us) == (ClockSource.RTC, None)


def test_a_receiver_that_agrees_bounds_the_error() -> None:
    system = FakeClock()
    clock = VehicleClock(system)
    clock.heard_gnss(system.utc_us() - 300_000)
    assert clock.stamp().source is ClockSource.GNSS
    assert clock.stamp().error_us == 350_000
    assert clock.stamp().utc_us == system.utc_us()


async def test_a_receiver_is_believed_for_ten_minutes() -> None:
    system = FakeClock()
    clock = VehicleClock(system)
    clock.heard_gnss(system.utc_us())
    await system.advance(599.0)
    assert clock.stamp().source is ClockSource.GNSS
    await system.advance(2.0)
    assert clock.stamp().source is ClockSource.RTC


def test_a_recording_played_back_changes_nothing_and_its_difference_shows() -> None:
    system = FakeClock()
    clock = VehicleClock(system)
    clock.heard_gnss(system.utc_us() - 86_400_000_000)
    assert clock.stamp().source is ClockSource.RTC
    assert clock.gnss_difference_us == -86_400_000_000


def test_a_jump_of_the_system_clock_shows_at_once() -> None:
    system = FakeClock()
    clock = VehicleClock(system)
    clock.heard_gnss(system.utc_us())
    system.jump_utc(5_000_000)
    assert clock.stamp().source is ClockSource.RTC
    assert clock.gnss_difference_us == -5_000_000


def test_a_clock_that_was_never_set_says_so() -> None:
    stamp = VehicleClock(FakeClock(utc_us=86_400_000_000)).stamp()
    assert (stamp.source, stamp.error_us) == (ClockSource.UNSET, None)


@given(difference_us=st.integers(-(10**15), 10**15))
def test_gnss_is_claimed_exactly_while_the_two_agree(difference_us: int) -> None:
    system = FakeClock()
    clock = VehicleClock(system)
    clock.heard_gnss(system.utc_us() + difference_us)
    agrees = abs(difference_us) <= 2_000_000
    assert (clock.stamp().source is ClockSource.GNSS) == agrees
