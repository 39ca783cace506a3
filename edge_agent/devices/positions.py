"""Keeps positions to a rate, and records them."""

from typing import Final

from edge_agent.devices.hearing import Hearing
from edge_agent.devices.reasons import Reason
from edge_agent.vehicle_clock import Stamp
from protocols.link.streams import Stream
from protocols.messages import Position

_DAY_US: Final = 86_400_000_000
_SLACK: Final = 0.9
"""An epoch this much of the spacing after the last one still counts as the next."""


class PositionRecorder:
    """Records at most `max_rate_hz` positions a second, by the receiver's own time.

    By its own, because arrivals jitter: a receiver that speaks once a second would else lose
    every other position.
    """

    def __init__(self, hearing: Hearing, *, max_rate_hz: float) -> None:
        self._hearing = hearing
        self._spacing_us = round(1_000_000 / max_rate_hz)
        self._last_us: int | None = None

    async def take(self, position: Position, stamp: Stamp, time_us: int | None) -> None:
        """Record `position`, heard at `stamp`; `time_us` is the receiver's own time of the day."""
        at_us = (stamp.utc_us if time_us is None else time_us) % _DAY_US
        if self._last_us is not None:
            passed_us = (at_us - self._last_us) % _DAY_US
            if passed_us < self._spacing_us * _SLACK:
                self._hearing.reject(Reason.THINNED)
                return
        self._last_us = at_us
        await self._hearing.store(Stream.POSITION, position, stamp)
