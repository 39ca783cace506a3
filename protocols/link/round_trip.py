"""Round-trip estimate: how long until an ack, and when to stop waiting for it.

Source: RFC 6298, sections 2.2, 2.3 and 2.4 (alpha = 1/8, beta = 1/4, K = 4).
"""

from typing import Final

_ALPHA: Final = 1 / 8
_BETA: Final = 1 / 4
_K: Final = 4.0
MIN_TIMEOUT_S: Final = 0.5
"""Below RFC 6298's 1 s, for an ack waits for a commit, not for a delayed-ack timer of 500 ms."""
MAX_TIMEOUT_S: Final = 60.0
FIRST_TIMEOUT_S: Final = 3.0


class RoundTrip:
    """Smoothed round trip and its variation, seconds."""

    def __init__(self) -> None:
        self.smoothed_s: float | None = None
        self.smallest_s: float | None = None
        self._variation_s = 0.0

    def measured(self, round_trip_s: float) -> None:
        """Take in one measurement, ≥ 0; an ack without an echo measures nothing."""
        if self.smoothed_s is None:
            self.smoothed_s = round_trip_s
            self._variation_s = round_trip_s / 2
        else:
            error_s = abs(self.smoothed_s - round_trip_s)
            self._variation_s += _BETA * (error_s - self._variation_s)
            self.smoothed_s += _ALPHA * (round_trip_s - self.smoothed_s)
        if self.smallest_s is None or round_trip_s < self.smallest_s:
            self.smallest_s = round_trip_s

    @property
    def timeout_s(self) -> float:
        """How long an ack may take before its frame is sent again."""
        if self.smoothed_s is None:
            return FIRST_TIMEOUT_S
        timeout_s = self.smoothed_s + _K * self._variation_s
        return min(MAX_TIMEOUT_S, max(MIN_TIMEOUT_S, timeout_s))
