"""The window: how many bytes may be in flight, grown by acks and cut by losses.

Source: slow start and additive increase, multiplicative decrease as in RFC 5681, sections 3.1
and 3.2, counted in bytes.
"""

from typing import Final

FIRST_BYTES: Final = 16 * 1024
SMALLEST_BYTES: Final = 4 * 1024
LARGEST_BYTES: Final = 1024 * 1024
"""A megabyte covers 8 Mbit/s at a second's round trip; more would only fill the modem's queue."""


class Window:
    """A byte budget in flight."""

    def __init__(self) -> None:
        self.size_bytes = FIRST_BYTES
        self._slow_start_until = LARGEST_BYTES

    @property
    def frame_bytes(self) -> int:
        """How long the records of one frame may be: a quarter of the window, 1 to 32 KiB."""
        return max(1024, min(32 * 1024, self.size_bytes // 4))

    def reset(self) -> None:
        """Begin afresh: a new session says nothing of the old one's network."""
        self.size_bytes = FIRST_BYTES
        self._slow_start_until = LARGEST_BYTES

    def acked(self, freed_bytes: int) -> None:
        """Grow: by what was freed in slow start, by about one frame a window after it."""
        if self.size_bytes < self._slow_start_until:
            grown = self.size_bytes + freed_bytes
        else:
            grown = self.size_bytes + max(1, self.frame_bytes * freed_bytes // self.size_bytes)
        self.size_bytes = min(LARGEST_BYTES, grown)

    def lost(self) -> None:
        """Halve, at most once for all that timed out together."""
        self.size_bytes = max(SMALLEST_BYTES, self.size_bytes // 2)
        self._slow_start_until = self.size_bytes
