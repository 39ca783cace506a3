"""One way to the peer, as the sender sees it: what is in flight on it, and how well it carries.

A frame that three later ones have overtaken, or that is not acknowledged in time, is lost; the
timeout doubles (RFC 6298, 5.5) until an ack arrives.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from protocols.link.ranges import SeqRanges
from protocols.link.round_trip import RoundTrip
from protocols.link.streams import Stream
from protocols.link.window import Window

_OVERTAKEN: Final = 3  # frames sent later and acknowledged. Source: RFC 5681, 3.2
_MAX_BACKOFF: Final = 16.0

Span = tuple[Stream, int, int]
"""Records of one stream, first and last."""

IsAcked = Callable[[Span], bool]


@dataclass(slots=True)
class InFlight:
    """One frame that left and was not answered yet."""

    span: Span
    size_bytes: int
    sent_utc_us: int
    sent_s: float
    delivered_bytes: int  # on this path in all, when this left
    delivered_s: float
    filled: bool  # the window was full


class Path:
    """The account of one path."""

    def __init__(self) -> None:
        self.round_trip = RoundTrip()
        self.window = Window()
        self.in_flight_bytes = 0
        self.is_connected = False
        self.copies: dict[Stream, SeqRanges] = {}  # urgent seqs that are to go this way, too
        self._in_flight: dict[int, InFlight] = {}  # numbered as they were sent
        self._backoff = 1.0
        self._number = 0
        self._progress_s = 0.0  # when an ack last freed something
        self._delivered_bytes = 0

    @property
    def is_quiet(self) -> bool:
        """What was sent last has not been answered in time."""
        return self._backoff > 1.0

    @property
    def is_idle(self) -> bool:
        """Nothing is in flight."""
        return not self._in_flight

    @property
    def oldest_in_flight_s(self) -> float | None:
        """When the longest unanswered frame was sent; None with nothing in flight."""
        return next((frame.sent_s for frame in self._in_flight.values()), None)

    @property
    def timeout_at_s(self) -> float | None:
        """When the oldest frame in flight is given up; None with nothing in flight."""
        if self.is_idle:
            return None
        oldest_s = max(next(iter(self._in_flight.values())).sent_s, self._progress_s)
        return oldest_s + self.round_trip.timeout_s * self._backoff

    def has_room(self, share: float) -> bool:
        """Whether less than `share` windows are in flight; one frame always may be."""
        return self.is_idle or self.in_flight_bytes < self.window.size_bytes * share

    def connected(self) -> list[Span]:
        """Begin a session; return what was in flight, for what carried it is gone."""
        self.is_connected = True
        self._backoff = 1.0
        self.window.reset()
        return self._take(list(self._in_flight))

    def disconnected(self) -> list[Span]:
        """End the session; return what was in flight."""
        self.is_connected = False
        return self._take(list(self._in_flight))

    def sent(self, span: Span, *, size_bytes: int, sent_utc_us: int, now_s: float) -> None:
        """Note that a frame left this way."""
        if self.is_idle:
            self._progress_s = now_s  # what was idle measures no rate
        self._number += 1
        self.in_flight_bytes += size_bytes
        self._in_flight[self._number] = InFlight(
            span=span,
            size_bytes=size_bytes,
            sent_utc_us=sent_utc_us,
            sent_s=now_s,
            delivered_bytes=self._delivered_bytes,
            delivered_s=self._progress_s,
            filled=self.in_flight_bytes >= self.window.size_bytes,
        )

    def acked(self, echo_utc_us: int | None, is_acked: IsAcked, *, now_s: float) -> list[Span]:
        """Forget the frames that `is_acked` whole; return what was lost on the way.

        `echo_utc_us` tells which frame the ack answers, and so how long the round trip was.
        """
        echoed: InFlight | None = None
        freed: list[int] = []
        freed_bytes = 0
        for number, frame in self._in_flight.items():
            if echoed is None and frame.sent_utc_us == echo_utc_us:
                echoed = frame
            if is_acked(frame.span):
                freed.append(number)
                freed_bytes += frame.size_bytes
        for number in freed:
            del self._in_flight[number]
        if freed:
            self.in_flight_bytes -= freed_bytes
            self._delivered_bytes += freed_bytes
            self._progress_s = now_s
        if echoed is not None:
            self._measure(echoed, freed_bytes, now_s)
        if not freed or not self._in_flight:
            return []
        newest = freed[-1]  # they are numbered as they were sent
        return self._lose([number for number in self._in_flight if number < newest - _OVERTAKEN])

    def tick(self, *, now_s: float) -> list[Span]:
        """Return what has been in flight for longer than the timeout."""
        if not self._in_flight:
            return []
        limit_s = self.round_trip.timeout_s * self._backoff
        late = [
            number
            for number, frame in self._in_flight.items()
            if now_s - max(frame.sent_s, self._progress_s) >= limit_s
        ]
        if late:
            self._backoff = min(self._backoff * 2, _MAX_BACKOFF)
        return self._lose(late)

    def _measure(self, echoed: InFlight, freed_bytes: int, now_s: float) -> None:
        round_trip_s = max(0.0, now_s - echoed.sent_s)
        self.round_trip.measured(round_trip_s)
        self._backoff = 1.0
        self.window.delivered(
            self._delivered_bytes - echoed.delivered_bytes,
            over_s=now_s - echoed.delivered_s,
            now_s=now_s,
        )
        self.window.measured(
            round_trip_s,
            frame_bytes=echoed.size_bytes,
            freed_bytes=freed_bytes,
            was_full=echoed.filled,
            now_s=now_s,
        )

    def _lose(self, numbers: list[int]) -> list[Span]:
        if numbers:
            self.window.lost()
        return self._take(numbers)

    def _take(self, numbers: Iterable[int]) -> list[Span]:
        frames = [self._in_flight.pop(number) for number in numbers]
        self.in_flight_bytes -= sum(frame.size_bytes for frame in frames)
        return [frame.span for frame in frames]
