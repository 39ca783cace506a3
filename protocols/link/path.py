"""One way to the peer, as the sender sees it: what is in flight on it, and how well it carries.

A frame that was sent four before one that is acknowledged, so that three have overtaken it, or that
is not acknowledged in time, is lost; the timeout doubles (RFC 6298, 5.5) until an ack arrives. A
frame has the time on top of it that the link needs for it and for those before it: the round trip
is measured mostly with short ones.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from protocols.link.ranges import SeqRanges
from protocols.link.round_trip import RoundTrip
from protocols.link.streams import Stream
from protocols.link.window import SMALLEST_BYTES, Window

_OVERTAKEN: Final = 3  # frames between the two. Source: RFC 5681, 3.2, three duplicate acks
_MAX_BACKOFF: Final = 16.0
SLOWEST_BYTES_PER_S: Final = 1_000.0
"""A rate below this says that little was sent, not that the link is so thin."""

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
        oldest = next(iter(self._in_flight.values()))
        return max(oldest.sent_s, self._progress_s) + self._timeout_s(oldest.size_bytes)

    def occupied_bytes(self, now_s: float) -> float:
        """Return how much of what is in flight the link must still hold.

        A frame is acknowledged as one, long after most of it has arrived. Since the last ack the
        link has carried what its rate says, but no more than the frame whose ack comes next.
        """
        if self.is_idle:
            return 0.0
        rate = self.window.rate_bytes_per_s or 0.0
        carried_bytes = rate * (now_s - self._progress_s)
        oldest = next(iter(self._in_flight.values()))
        return self.in_flight_bytes - min(carried_bytes, oldest.size_bytes)

    def has_room(self, share: float, *, frame_bytes: float = 0.0, now_s: float) -> bool:
        """Whether less than `share` windows are in flight; one frame always may be.

        One of `frame_bytes` that is longer than frames should be leaves only as the link would
        begin to idle: what comes after it waits for all of it.
        """
        if self.is_idle:
            return True
        most = self.window.size_bytes * share
        if frame_bytes > self.window.frame_bytes:
            most = min(most, max(SMALLEST_BYTES, self.window.least_bytes))
        return self.in_flight_bytes < most or self.occupied_bytes(now_s) < most

    def frees_itself(self) -> bool:
        """Whether time alone makes room: what is in flight is longer than frames should be."""
        return self.in_flight_bytes > self.window.frame_bytes * len(self._in_flight)

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
        late: list[int] = []
        through_bytes = 0
        for number, frame in self._in_flight.items():
            through_bytes += frame.size_bytes
            waited_s = now_s - max(frame.sent_s, self._progress_s)
            if waited_s < self._timeout_s(through_bytes):
                break  # those after it left later, and have more before them
            late.append(number)
        if late:
            self._backoff = min(self._backoff * 2, _MAX_BACKOFF)
        return self._lose(late)

    def _timeout_s(self, through_bytes: int) -> float:
        """Return how long a frame is waited for that ends so many bytes of what is in flight."""
        rate = self.window.rate_bytes_per_s
        own_s = through_bytes / max(rate, SLOWEST_BYTES_PER_S) if rate else 0.0
        return (self.round_trip.timeout_s + own_s) * self._backoff

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
