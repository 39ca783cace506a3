"""The hub's time, as far as the vehicle was told it. Law: it goes on steadily from what was heard.

Whether an order still holds must not hang on the vehicle's own clock, which may have been set to
1970 or jump. Every frame and ack of the hub says when it was sent; carried on by the monotonic
clock, the latest such word is never ahead of the hub and behind it by the quickest passage alone.
Before the first word of this start the system's clock stands in, read once; unless it is known to
be wrong, or says an earlier time than the hub had said before the start.
"""

from collections import deque
from typing import Final

from edge_agent.vehicle_clock import VehicleClock
from protocols.clock import ClockSource

AGREES_WITHIN_US: Final = 60_000_000
"""A clock that is further behind what the hub has said is wrong, not slow."""

_WORDS: Final = 64
"""So many are remembered: a hub whose clock was set back is followed after some seconds."""


class HubTime:
    """What the hub's clock says now."""

    def __init__(self, clock: VehicleClock) -> None:
        self._clock = clock
        self._offsets_us: deque[int] = deque(maxlen=_WORDS)  # hub's time less the monotonic clock
        self._earliest_us = 0
        self._own_us = self._own()

    def heard(self, hub_utc_us: int) -> None:
        """Take the hub's word that it was `hub_utc_us` as the message left."""
        self._offsets_us.append(hub_utc_us - self._monotonic_us())
        self._clock.heard_hub(hub_utc_us)

    def not_before(self, hub_utc_us: int) -> None:
        """Take up what was known before this start: it is later than that now."""
        self._earliest_us = max(self._earliest_us, hub_utc_us)
        self._own_us = self._own()

    def now_utc_us(self) -> int | None:
        """Return the hub's time; None while nothing can be said of it."""
        offset_us = max(self._offsets_us, default=self._own_us)
        return None if offset_us is None else offset_us + self._monotonic_us()

    def _own(self) -> int | None:
        stamp, earliest_us = self._clock.stamp(), self._earliest_us
        if stamp.source is ClockSource.UNSET or stamp.utc_us < earliest_us - AGREES_WITHIN_US:
            return None
        return max(stamp.utc_us, earliest_us) - self._monotonic_us()

    def _monotonic_us(self) -> int:
        return round(self._clock.monotonic_s() * 1_000_000)
