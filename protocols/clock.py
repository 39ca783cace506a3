"""Time as an argument: what a program may ask of a clock, and what a clock says of itself."""

from enum import StrEnum
from typing import Protocol


class ClockSource(StrEnum):
    """What sets a captured time. Wire strings: add, never rename."""

    GNSS = "gnss"
    NTP = "ntp"
    RTC = "rtc"  # the computer's own clock, not known to be disciplined
    UNSET = "unset"  # known to be wrong: booted in 1970, or jumped and not yet repaired


class Clock(Protocol):
    """Two times that are never mixed: stamps (UTC) and durations (monotonic)."""

    def utc_us(self) -> int:
        """Return UTC in microseconds since 1970; may jump."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds from an arbitrary start; never goes back."""
        ...

    async def sleep(self, duration_s: float) -> None:
        """Return after `duration_s` of monotonic time."""
        ...
