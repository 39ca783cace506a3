"""A monitor's clock against the vehicle's, and the count of its samples. Pure.

Theory of operation. A monitor's clock may be wrong by years and still tick well, and messages
arrive late by whatever the wire and the monitor's buffer add. So of each message only this is
taken: how much longer it was under way than the quickest message of the last minute. That is its
age; everything else in it is placed by the device's own spacing. A clock that is wrong does no
harm; one that is set shows as a step, and the comparison begins anew:

    age = (arrival − device time of the last sample) − the least such difference of 60 s

Both differences are of monotonic time, so that a jump of the vehicle's clock moves nothing.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

WINDOW_S: Final = 60.0
STEP_US: Final = 2_000_000
"""Device times that go back by more than this: its clock was set."""

_MOST_KEPT: Final = 1_024
_HOLE_SLACK_S: Final = 10.0


class Alignment:
    """Ages of the messages of one kind from one device."""

    def __init__(self) -> None:
        self._least: deque[tuple[float, float]] = deque(maxlen=_MOST_KEPT)  # rising differences
        self._last_us: int | None = None

    def age_us(self, device_utc_us: int, now_s: float) -> int:
        """Return how long ago, beyond the least delay, the device's `device_utc_us` was."""
        if self._last_us is not None and device_utc_us < self._last_us - STEP_US:
            self._least.clear()
        self._last_us = device_utc_us
        difference_s = now_s - device_utc_us / 1_000_000
        while self._least and self._least[-1][1] >= difference_s:
            self._least.pop()
        self._least.append((now_s, difference_s))
        while now_s - self._least[0][0] > WINDOW_S:
            self._least.popleft()
        return max(0, round((difference_s - self._least[0][1]) * 1_000_000))


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a block's samples stand: index of the first, and how many of them were known."""

    first_index: int
    skip: int


class SampleCounter:
    """Numbers the samples of one signal group of one device.

    The count begins at the device's own time (samples since 1970), so that it goes on after the
    agent has been restarted; from block to block samples are counted, so that a sample clock which
    drifts makes no hole.
    """

    def __init__(self) -> None:
        self._next_index: int | None = None
        self._last_start_us = 0
        self._next_us = 0.0
        self._arrived_s = 0.0

    def place(self, start_us: int, count: int, *, rate_hz: float, now_s: float) -> Placed:
        """Return the place of `count` samples that begin at the device's `start_us`."""
        passed_s, self._arrived_s = now_s - self._arrived_s, now_s
        skip = 0
        if self._next_index is None:
            first = round(start_us * rate_hz / 1_000_000)
        else:
            gap_s = (start_us - self._next_us) / 1_000_000
            tolerance_s = max(0.02, 2 / rate_hz)
            first = self._next_index
            if abs(gap_s) > tolerance_s:
                if -gap_s * 1_000_000 <= self._next_us - self._last_start_us and gap_s < 0:
                    skip = min(count, round(-gap_s * rate_hz))  # sent before
                elif 0 < gap_s <= passed_s + _HOLE_SLACK_S:
                    first += round(gap_s * rate_hz)  # a hole, as long as the device says
                else:  # its clock was set: as long as the vehicle saw
                    first += max(1, round((passed_s - count / rate_hz) * rate_hz))
        if skip < count:
            self._next_index = first + count - skip
            self._last_start_us = start_us
            self._next_us = start_us + count / rate_hz * 1_000_000
        return Placed(first, skip)
