"""The window: how many bytes may be in flight, so that the link is full and its queue is short.

Delay is the sign of congestion (LEDBAT, RFC 6817): the window grows while the time that a frame
spends in queues stays under `TARGET_S` and shrinks above it, so a backlog takes what is left of a
thin link and hardly delays what is new. It begins with slow start (RFC 5681, 3.1), which ends at
the first sign of a queue. A frame's own time on the link is no queue and is taken off first.

What a queue of live frames makes a backfill wait is no congestion, and must not leave the link
idle: a window never shrinks below what the link itself holds, its rate times the shortest round
trip, but where the queue is so long that the rate must have fallen. Nor does it grow far beyond.
"""

from collections import deque
from typing import Final

FIRST_BYTES: Final = 4 * 1024
SMALLEST_BYTES: Final = 2 * 1024
LARGEST_BYTES: Final = 1024 * 1024
"""A megabyte covers 8 Mbit/s at a second's round trip; more would only fill the modem's queue."""

TARGET_S: Final = 0.1
"""Source: RFC 6817, 2.5: at most 100 ms."""

_SMALLEST_FRAME_BYTES: Final = 512
_LARGEST_FRAME_BYTES: Final = 32 * 1024
_FRAME_S: Final = 0.15
"""A frame occupies a link that was measured for no longer. Source: the protocol's scheduling rule,
about 200 ms."""

_UNMEASURED_FRAME_BYTES: Final = 4 * 1024
"""Of a link that was never full of late: half a second of 64 kbit/s, should it be so thin now."""

_FILTER: Final = 4  # samples; the shortest of them is believed (RFC 6817, 3.4.2, CURRENT_FILTER)
_RATE_SPAN_S: Final = 10.0
_CONGESTED: Final = 3.0  # targets: then the window is cut by a fifth, once a round trip
_CUT: Final = 0.8
_QUEUED_TARGETS: Final = 1.5
"""What is in flight beyond what the link holds stands in its queue: never for longer than this."""


class Window:
    """A byte budget in flight, from round trips; and how long a frame may be."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._size = float(FIRST_BYTES)
        self._in_slow_start = True
        self._shortest_s: float | None = None
        self._queued: deque[float] = deque(maxlen=_FILTER)
        self._rates: deque[tuple[float, float]] = deque()  # (when, bytes a second), falling
        self._cut_s = float("-inf")
        self._filled_s: float | None = None  # when it was full last
        self._since_full_s = 0.0

    def reset(self) -> None:
        """Begin afresh: a new session says nothing of the old one's network."""
        self._begin()

    @property
    def size_bytes(self) -> int:
        """What may be in flight."""
        return int(self._size)

    @property
    def rate_bytes_per_s(self) -> float | None:
        """How much the link carried at best of late; None before it carried anything."""
        return self._rates[0][1] if self._rates else None

    @property
    def queue_s(self) -> float:
        """How long a frame waits in queues now."""
        return min(self._queued, default=0.0)

    @property
    def frame_bytes(self) -> int:
        """How long one frame may be: a quarter of the window, and 150 ms of the link.

        A window that has not been full of late has measured what there was to send, not the link;
        then a frame may be as long as a second of an ambulance.
        """
        rate = self.rate_bytes_per_s
        if self._since_full_s > _RATE_SPAN_S:
            longest = min(self._size, _UNMEASURED_FRAME_BYTES)
        else:
            longest = self._size / 4 if rate is None else min(self._size / 4, rate * _FRAME_S)
        return int(max(_SMALLEST_FRAME_BYTES, min(_LARGEST_FRAME_BYTES, longest)))

    @property
    def least_bytes(self) -> float:
        """What the link itself holds, as far as that is known: with less in flight it idles."""
        rate, shortest_s = self.rate_bytes_per_s, self._shortest_s
        return 0.0 if rate is None or shortest_s is None else rate * shortest_s

    def delivered(self, size_bytes: int, *, over_s: float, now_s: float) -> None:
        """Take note that so many bytes were acknowledged over so long a time."""
        rate = size_bytes / max(over_s, 1e-3)
        while self._rates and self._rates[-1][1] <= rate:
            self._rates.pop()
        self._rates.append((now_s, rate))
        self._forget_rates(before_s=now_s - _RATE_SPAN_S)

    def measured(
        self,
        round_trip_s: float,
        *,
        frame_bytes: int,
        freed_bytes: int,
        was_full: bool,
        now_s: float,
    ) -> None:
        """Take in a round trip: of a frame so long, whose ack freed so many bytes.

        A window that was not full was no limit, and does not grow.
        """
        if self._shortest_s is None or round_trip_s < self._shortest_s:
            self._shortest_s = round_trip_s
        rate = self.rate_bytes_per_s
        own_s = frame_bytes / rate if rate else 0.0
        if was_full or self._filled_s is None:
            self._filled_s = now_s
        self._since_full_s = now_s - self._filled_s
        self._queued.append(max(0.0, round_trip_s - self._shortest_s - own_s))
        queue_s = self.queue_s
        if self._in_slow_start and queue_s > TARGET_S / 2:
            self._in_slow_start = False
        if queue_s > _CONGESTED * TARGET_S and now_s - self._cut_s > round_trip_s:
            self._resize(self._size * _CUT)
            self._cut_s = now_s
            self._forget_rates(before_s=now_s - 2 * round_trip_s)
        elif self._in_slow_start:
            self._resize(self._size + (freed_bytes if was_full else 0))
        else:
            off_target = max(-1.0, (TARGET_S - queue_s) / TARGET_S)
            gain = off_target * self.frame_bytes * freed_bytes / self._size
            size = self._size + (gain if was_full or gain < 0 else 0)
            if was_full and rate:
                size = min(size, self.least_bytes + _QUEUED_TARGETS * TARGET_S * rate)
            self._resize(max(size, self.least_bytes))

    def lost(self) -> None:
        """Halve, once for all that went missing together."""
        self._in_slow_start = False
        self._resize(self._size / 2)

    def _forget_rates(self, *, before_s: float) -> None:
        """Forget what was measured before then, but not the newest."""
        while len(self._rates) > 1 and self._rates[0][0] < before_s:
            self._rates.popleft()

    def _resize(self, size: float) -> None:
        self._size = max(SMALLEST_BYTES, min(LARGEST_BYTES, size))
