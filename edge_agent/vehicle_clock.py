"""The vehicle's clock: the steady clock, disciplined by the receiver; else the computer's own.

The system's clock is never set from here, and once the receiver has been believed it is no longer
asked: it may jump as it likes. Everything that the agent dates, and every age that its screens
show, goes by this one clock.
"""

from dataclasses import dataclass
from typing import Final

from edge_agent.timekeeping import EARLIEST_UTC_US, Discipline, Learnt, Undated
from protocols.clock import Clock, ClockSource
from protocols.messages import ClockCorrection

HUB_MAY_BE_AHEAD_US: Final = 2_000_000
"""Of a computer that is right; what the hub says only keeps one from the past."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment, by which clock, and how far that may be off (None: not known)."""

    utc_us: int
    source: ClockSource
    error_us: int | None


class VehicleClock:
    """Implements `Clock`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._discipline = Discipline()
        self._least_offset_us: int | None = None
        self.undated = Undated()

    def utc_us(self) -> int:
        """Return UTC in microseconds since 1970, the same that a stamp says."""
        found_us = self._discipline.utc_us(self.steady_us())
        return self.untaught_us() if found_us is None else found_us

    def monotonic_s(self) -> float:
        """Return seconds from an arbitrary start; never goes back."""
        return self._clock.monotonic_s()

    async def sleep(self, duration_s: float) -> None:
        """Return after `duration_s` of monotonic time."""
        await self._clock.sleep(duration_s)

    def steady_us(self) -> int:
        """Return the monotonic clock in microseconds."""
        return round(self._clock.monotonic_s() * 1_000_000)

    def computer_us(self) -> int:
        """Return UTC as the computer's clock has it; may jump."""
        return self._clock.utc_us()

    def not_before(self, utc_us: int) -> None:
        """Take it for certain that `utc_us` is past: a receiver told so before this start."""
        offset_us = utc_us - self.steady_us()
        if self._least_offset_us is None or offset_us > self._least_offset_us:
            self._least_offset_us = offset_us

    def heard_hub(self, utc_us: int) -> None:
        """Take the hub's word that it was `utc_us` when it spoke."""
        self.not_before(utc_us - HUB_MAY_BE_AHEAD_US)

    def _is_set(self, computer_us: int) -> bool:
        """Say whether the computer's clock may be right: what it says is not past for certain."""
        return computer_us >= EARLIEST_UTC_US and computer_us == self._untaught(computer_us)

    def untaught_us(self) -> int:
        """Return UTC as known without a receiver: the computer's, but no less than is past."""
        return self._untaught(self._clock.utc_us())

    def _untaught(self, computer_us: int) -> int:
        if self._least_offset_us is None:
            return computer_us
        return max(computer_us, self.steady_us() + self._least_offset_us)

    @property
    def learnt(self) -> Learnt | None:
        """What is known of UTC; None until a receiver has been believed."""
        return self._discipline.learnt

    @learnt.setter
    def learnt(self, learnt: Learnt) -> None:
        self._discipline = Discipline(learnt)

    def heard_gnss(self, utc_us: int) -> bool:
        """Take the receiver's word that it is `utc_us` now; False where that cannot be."""
        computer_us = self._clock.utc_us()
        return self._discipline.heard(
            utc_us,
            steady_us=self.steady_us(),
            computer_us=computer_us if self._is_set(computer_us) else 0,
        )

    def corrections(self) -> list[ClockCorrection]:
        """Return what to add to the stamps of before the time was known; each is told once."""
        learnt, steady_us = self._discipline.learnt, self.steady_us()
        error_us = self._discipline.error_us(steady_us)
        if learnt is None or error_us is None:
            return []
        return self.undated.corrections(learnt.offset_us, error_us)

    def stamp(self) -> Stamp:
        """Return now, and how far that may be off."""
        steady_us = self.steady_us()
        found_us, error_us = (
            self._discipline.utc_us(steady_us),
            self._discipline.error_us(steady_us),
        )
        if found_us is not None:
            return Stamp(found_us, ClockSource.GNSS, error_us)
        computer_us = self._clock.utc_us()
        now_us = self._untaught(computer_us)
        self.undated.look(steady_us=steady_us, computer_us=now_us)
        source = ClockSource.RTC if self._is_set(computer_us) else ClockSource.UNSET
        return Stamp(max(0, now_us), source, None)
