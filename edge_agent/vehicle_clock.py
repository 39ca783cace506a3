"""The vehicle's clock: the computer's own, and what is known of how wrong it may be.

The system's clock is never set from here. The receiver's time is only compared with it: where the
two agree the stamp says so, with their difference as its error; where they do not (a receiver with
a week-number fault, a recording played back, a computer without its clock battery) nothing is
claimed.
"""

from dataclasses import dataclass
from typing import Final

from protocols.clock import Clock, ClockSource

AGREES_WITHIN_US: Final = 2_000_000
REMEMBERED_S: Final = 600.0
SENTENCE_DELAY_US: Final = 50_000
"""How late the receiver's sentence may stand behind the moment that it names."""

EARLIEST_UTC_US: Final = 1_577_836_800_000_000
"""2020-01-01: a clock before this was never set."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment, by which clock, and how far that may be off (None: not known)."""

    utc_us: int
    source: ClockSource
    error_us: int | None


@dataclass(frozen=True, slots=True)
class _Heard:
    utc_us: int
    at_s: float


class VehicleClock:
    """Implements `Clock` by delegation."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._gnss: _Heard | None = None

    def utc_us(self) -> int:
        """Return the system's UTC in microseconds since 1970; may jump."""
        return self._clock.utc_us()

    def monotonic_s(self) -> float:
        """Return seconds from an arbitrary start; never goes back."""
        return self._clock.monotonic_s()

    async def sleep(self, duration_s: float) -> None:
        """Return after `duration_s` of monotonic time."""
        await self._clock.sleep(duration_s)

    def heard_gnss(self, utc_us: int) -> None:
        """Take the receiver's word that it is `utc_us` now."""
        self._gnss = _Heard(utc_us, self._clock.monotonic_s())

    @property
    def gnss_difference_us(self) -> int | None:
        """Receiver's time less the system's, now; None without a receiver's time in 10 minutes.

        The receiver's time is carried on by the monotonic clock, so a jump of the system's clock
        shows here at once.
        """
        if self._gnss is None:
            return None
        passed_s = self._clock.monotonic_s() - self._gnss.at_s
        if passed_s > REMEMBERED_S:
            return None
        return self._gnss.utc_us + round(passed_s * 1_000_000) - self._clock.utc_us()

    def stamp(self) -> Stamp:
        """Return now, by the system's clock."""
        now_us = self._clock.utc_us()
        if now_us < EARLIEST_UTC_US:
            return Stamp(max(0, now_us), ClockSource.UNSET, None)
        difference_us = self.gnss_difference_us
        if difference_us is None or abs(difference_us) > AGREES_WITHIN_US:
            return Stamp(now_us, ClockSource.RTC, None)
        return Stamp(now_us, ClockSource.GNSS, abs(difference_us) + SENTENCE_DELAY_US)
