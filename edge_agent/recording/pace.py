"""How fast recordings may go to the hub: what the link has to spare, told by its round trip. Pure.

Uploading is a scavenger: it grows while an acknowledgement of the link takes about as long as it
ever does, halves where that grows, and rests while records wait. Source of the idea: RFC 6817. A
piece is as long as the link carries in a fifth of a second: an alarm may find itself behind one.
"""

from dataclasses import dataclass
from typing import Final

_LEAST_BPS: Final = 16_000
_FIRST_BPS: Final = 64_000
_PIECE_S: Final = 0.2
_LEAST_PIECE_BYTES, _MOST_PIECE_BYTES = 2 * 1024, 48 * 1024
_SLOW_S: Final = 0.3  # a piece that took longer tells what the link carries
_SHARE: Final = 0.8  # of that, for this
_GROWTH: Final = 1.15  # a look
_LONGER_S: Final = 0.2  # than the shortest round trip: somebody else waits by now
_FORGETS: Final = 1.002  # how much the shortest grows a look, for routes change


@dataclass(slots=True)
class UploadPace:
    """What one knows of the link; `look` before each piece."""

    most_bps: int
    rate_bps: float = _FIRST_BPS
    _shortest_s: float | None = None

    def look(self, *, round_trip_s: float | None, waiting_records: int) -> bool:
        """Take in how the link stands; say whether a piece may go now."""
        if round_trip_s is None or waiting_records:
            self.rate_bps = max(_LEAST_BPS, self.rate_bps / 2)
            return False
        shortest_s = round_trip_s if self._shortest_s is None else self._shortest_s * _FORGETS
        self._shortest_s = min(shortest_s, round_trip_s)
        if round_trip_s > self._shortest_s + _LONGER_S:
            self.rate_bps = max(_LEAST_BPS, self.rate_bps / 2)
        else:
            self.rate_bps = min(self.most_bps, self.rate_bps * _GROWTH)
        return True

    @property
    def piece_bytes(self) -> int:
        """How long the next piece may be."""
        wanted = round(self.rate_bps * _PIECE_S / 8)
        return max(_LEAST_PIECE_BYTES, min(_MOST_PIECE_BYTES, wanted))

    def pause_s(self, piece_bytes: int, took_s: float) -> float:
        """Take in that a piece took `took_s` to go; return how long to wait before the next."""
        carried_s = took_s - (self._shortest_s or 0.0)  # distance is no want of room
        if carried_s > _SLOW_S:
            told_bps = _SHARE * piece_bytes * 8 / carried_s
            self.rate_bps = max(_LEAST_BPS, min(self.rate_bps, told_bps))
        return max(0.0, piece_bytes * 8 / self.rate_bps - took_s)
