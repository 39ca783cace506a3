"""UTC from the vehicle's steady clock and what its receiver says. Pure.

Law: once learnt, time goes by the steady clock alone. A receiver moves it only after it has said
the same for as long as its word is worth, and what is stated as the error covers every doubt.

Theory of operation. A sentence names a moment and arrives a little after it, never before. So UTC
less the steady clock, taken at arrival, is at most the true offset: the largest seen is the least
that it can be. It rises at once with a sentence that came sooner, and falls no faster than a clock
may drift. In what the sentences leave open the computer's clock is taken where it lies there, for
NTP may have set it better than a line of text can; at first in a little more, for a computer that
is starting reads late. The time is not set back where it can be slewed.

What stands outside is another opinion. It counts only while it agrees with itself: a receiver that
repeats an old time, or a buffer that is being emptied, never does. The computer's clock has a vote:
for the new opinion it hastens it, against it, it holds it off.

All arguments are microseconds; the steady clock's begin anywhere and never go back.
"""

from dataclasses import dataclass
from typing import Final

EARLIEST_UTC_US: Final = 1_735_689_600_000_000
"""2025-01-01, before this was written: a clock that says an earlier time is wrong."""

ROLLOVER_US: Final = 1_024 * 7 * 86_400 * 1_000_000
"""A receiver that counts weeks in ten bits is behind by this. Source: IS-GPS-200, 20.3.3.3.1.1."""

SENTENCE_LATE_US: Final = 500_000
"""How late a sentence may stand behind its moment. Source: gpsd, "NTP service HOWTO": without PPS
the offset of NMEA is usually 0.1 to 0.5 s."""

DRIFT_PPM: Final = 100
"""How fast a computer's crystal may be wrong, over a vehicle's temperatures."""

SLEW_PPM: Final = 5_000
"""How fast the time is moved where it was not wrong by more than was stated: 5 ms a second, so that
no screen takes what is measured now for old."""

ALMANAC_US: Final = 750_000_000
"""For so long a receiver may lack the leap seconds. Source: IS-GPS-200, 20.3.3.5: the page that
holds them comes every 12.5 minutes."""

LEAP_US: Final = 20_000_000
"""A first time that is off by less than this may lack the leap seconds (18 s since 2017)."""

_FAR_US: Final = 30 * 86_400 * 1_000_000
_STEP_US: Final = 100_000
"""The error is stated in such steps: each change of it begins another frame on the link."""

_BUSY_US: Final = 2_000_000
"""How late the first sentences may come while all programs of a vehicle start at once."""

_ALIKE_US: Final = 300_000
_LONGEST_BREAK_US: Final = 10_000_000
_LEAST_HEARD: Final = 3
_AT_FIRST_US: Final = 2_000_000
_TWO_TO_ONE_US: Final = 5_000_000
_ONE_TO_ONE_US: Final = 60_000_000
_ONE_TO_TWO_US: Final = 600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """UTC is the steady clock plus `offset_us`, as last confirmed at `confirmed_us` of it.

    By its sentences it is at least `least_us`. `doubt_us`: until it is confirmed at
    `doubted_until_us` or later, another opinion, so far away, may have been the right one.
    """

    offset_us: int
    least_us: int
    confirmed_us: int
    doubt_us: int = 0
    doubted_until_us: int = 0

    def error_us(self, steady_us: int) -> int:
        """Return how far it may be off at `steady_us`; grows while nothing confirms it."""
        beyond_us = max(0, self.offset_us - self.least_us - SENTENCE_LATE_US)
        return self.scatter_us(steady_us) + beyond_us + self.doubt_left_us

    @property
    def doubt_left_us(self) -> int:
        """How far away another opinion stands that may still be right."""
        return self.doubt_us if self.confirmed_us < self.doubted_until_us else 0

    def scatter_us(self, steady_us: int) -> int:
        """Return how far away a sentence may stand that says the same."""
        return SENTENCE_LATE_US + _drift_us(steady_us - self.confirmed_us)


@dataclass(frozen=True, slots=True)
class _Opinion:
    """Another time that the receiver insists on."""

    least_us: int
    since_us: int
    last_us: int
    heard: int = 1

    @property
    def is_steady(self) -> bool:
        return self.heard >= _LEAST_HEARD and self.last_us - self.since_us >= _AT_FIRST_US


class Discipline:
    """Learns from a receiver. `learnt`: None until it has been believed once."""

    def __init__(self, learnt: Learnt | None = None) -> None:
        self.learnt = learnt
        self._opinion: _Opinion | None = None
        self._computer_us: int | None = None

    def heard(self, utc_us: int, *, steady_us: int, computer_us: int) -> bool:
        """Take the receiver's word that it was `utc_us` just now; False if that cannot be.

        `computer_us`: UTC by the computer's clock.
        """
        is_set = computer_us >= EARLIEST_UTC_US
        self._computer_us = computer_us - steady_us if is_set else None
        found_us = self._possible(utc_us, steady_us, computer_us if is_set else None)
        if found_us is None:
            return False
        offset_us, learnt = found_us - steady_us, self.learnt
        if learnt is not None:
            above_us = offset_us - learnt.least_us
            if abs(above_us) <= learnt.scatter_us(steady_us):
                self._confirm(learnt, offset_us, steady_us)
                return True
        self._hear_another(offset_us, steady_us)
        return True

    def utc_us(self, steady_us: int) -> int | None:
        """Return UTC at `steady_us`, or None while nothing is learnt."""
        return None if self.learnt is None else steady_us + self.learnt.offset_us

    def error_us(self, steady_us: int) -> int | None:
        """Return how far `utc_us` may be off, in whole steps; None while nothing is learnt."""
        learnt, other = self.learnt, self._opinion
        if learnt is None:
            return None
        error_us = learnt.error_us(steady_us)
        if other is not None and other.is_steady and not self._votes_for(learnt, other):
            error_us = max(error_us, abs(other.least_us - learnt.least_us) + SENTENCE_LATE_US)
        return -(-error_us // _STEP_US) * _STEP_US

    def _possible(self, utc_us: int, steady_us: int, computer_us: int | None) -> int | None:
        """Return `utc_us`, in the right week; None where it is a receiver's or a recording's past.

        Far behind a computer's clock that was set is impossible; far before it is not, for a
        computer without a battery goes on where it was switched off.
        """
        if utc_us >= EARLIEST_UTC_US:
            is_past = computer_us is not None and utc_us < computer_us - _FAR_US
            return None if is_past and not self._is_near(utc_us, steady_us) else utc_us
        weeks = -(-(EARLIEST_UTC_US - utc_us) // ROLLOVER_US)
        found_us = utc_us + weeks * ROLLOVER_US
        is_told = computer_us is not None and abs(found_us - computer_us) <= _FAR_US
        is_alone = computer_us is None and self.learnt is None
        return found_us if is_told or is_alone or self._is_near(found_us, steady_us) else None

    def _is_near(self, utc_us: int, steady_us: int) -> bool:
        known_us = self.utc_us(steady_us)
        return known_us is not None and abs(utc_us - known_us) <= _FAR_US

    def _confirm(self, learnt: Learnt, offset_us: int, steady_us: int) -> None:
        step_us = _drift_us(steady_us - learnt.confirmed_us)
        least_us = max(offset_us, learnt.least_us - step_us)
        wanted_us = self._within(least_us, SENTENCE_LATE_US)
        slew_us = max(0, steady_us - learnt.confirmed_us) * SLEW_PPM // 1_000_000
        slewed_us = min(max(wanted_us, learnt.offset_us - slew_us), learnt.offset_us + slew_us)
        self._opinion = None
        self.learnt = Learnt(
            offset_us=max(slewed_us, least_us),
            least_us=least_us,
            confirmed_us=steady_us,
            doubt_us=learnt.doubt_us,
            doubted_until_us=learnt.doubted_until_us,
        )

    def _hear_another(self, offset_us: int, steady_us: int) -> None:
        other = self._opinion
        if (
            other is None
            or abs(offset_us - other.least_us) > _ALIKE_US
            or steady_us - other.last_us > _LONGEST_BREAK_US
        ):
            self._opinion = _Opinion(offset_us, steady_us, steady_us)
            return
        best_us = max(offset_us, other.least_us)
        other = _Opinion(best_us, other.since_us, steady_us, other.heard + 1)
        self._opinion = other
        if other.is_steady and steady_us - other.since_us >= self._patience_us(other):
            self._believe(other, steady_us)

    def _believe(self, other: _Opinion, steady_us: int) -> None:
        found_us, before = self._within(other.least_us, _BUSY_US), self.learnt
        doubt_us = 0
        if before is not None:
            doubt_us = max(abs(found_us - before.offset_us), before.doubt_left_us)
        elif self._computer_us is not None:
            apart_us = abs(other.least_us - self._computer_us)
            doubt_us = apart_us if SENTENCE_LATE_US < apart_us < LEAP_US else 0
        self._opinion = None
        self.learnt = Learnt(
            offset_us=found_us,
            least_us=other.least_us,
            confirmed_us=steady_us,
            doubt_us=doubt_us,
            doubted_until_us=steady_us + ALMANAC_US,
        )

    def _within(self, least_us: int, late_us: int) -> int:
        """Return the computer's offset where sentences so late leave it open, else the least."""
        found_us = self._computer_us
        if found_us is None or not least_us <= found_us <= least_us + late_us:
            return least_us
        return found_us

    def _patience_us(self, other: _Opinion) -> int:
        if self.learnt is None:
            return _AT_FIRST_US
        if self._votes_for(other, self.learnt):
            return _TWO_TO_ONE_US
        return _ONE_TO_TWO_US if self._votes_for(self.learnt, other) else _ONE_TO_ONE_US

    def _votes_for(self, one: Learnt | _Opinion, other: Learnt | _Opinion) -> bool:
        """Whether the computer's clock says `one` and not `other`."""
        if self._computer_us is None:
            return False
        away = [abs(self._computer_us - each.least_us) for each in (one, other)]
        return away[0] <= SENTENCE_LATE_US < away[1]


def _drift_us(passed_us: int) -> int:
    return max(0, passed_us) * DRIFT_PPM // 1_000_000
