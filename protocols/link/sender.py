"""The sender: which records travel next, and when to send them again.

Law: every seq from 1 to the last appended is, at any moment, in exactly one of three places:
acknowledged, in flight, or to be sent. Only an ack (or a shed, which the journal declares by a gap
record) moves a seq to acknowledged. So nothing is forgotten, whatever the network does.

Theory of operation. The journal tells the sender what was `appended`; the shell asks `plan` what
to send, reads those rows, builds the frame, and reports it `sent`; acks come in by `acked`; time
comes in by `tick`. Nothing is sent while disconnected. On connecting, everything in flight returns
to be sent, for the session that carried it is gone; what is older than the connection is backlog.

Live lane: strictly by class (`PRIORITY`), within a stream oldest first. Backfill lane: only while
no live record waits and the window has room for a scavenger; clinical and status streams oldest
first, bulk streams newest first. A frame that is not acknowledged in time goes back to be sent,
and the timeout doubles (RFC 6298, 5.5) until an ack arrives. The window bounds bytes in flight.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from protocols.errors import LocalProtocolError
from protocols.ids import JournalId, Seq
from protocols.link.ack import Ack, Held
from protocols.link.ranges import SeqRanges
from protocols.link.round_trip import RoundTrip
from protocols.link.streams import DURABLE, PRIORITY, Lane, Stream
from protocols.link.window import Window

MAX_FRAME_RECORDS: Final = 256
"""Records in one frame at most; with small bodies a frame stays under the budget anyway."""

BACKFILL_SHARE: Final = 0.5
"""Backfill may fill this part of the window, so that a live frame always finds room."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Send records `first_seq` … `last_seq` of `stream`, or as many as `max_bytes` hold (≥ 1)."""

    stream: Stream
    first_seq: Seq
    last_seq: Seq
    lane: Lane
    max_bytes: int


@dataclass(slots=True)
class _InFlight:
    stream: Stream
    first: int
    last: int
    size_bytes: int
    sent_s: float


@dataclass(slots=True)
class _Stream:
    last: int
    live_from: int  # seqs from here on are live; those before are backlog
    acked: SeqRanges
    waiting: SeqRanges  # to be sent


class Sender:
    """Keeps the account of one journal's streams and picks what travels next."""

    def __init__(
        self, *, journal: JournalId, last: Mapping[Stream, int], acked: Mapping[Stream, Held]
    ) -> None:
        """`last`: the newest seq of each stream in the journal; `acked`: what the hub has."""
        self.journal = journal
        self.round_trip = RoundTrip()
        self.window = Window()
        self._streams: dict[Stream, _Stream] = {}
        self._in_flight: list[_InFlight] = []  # oldest first
        self._connected = False
        self._backoff = 1.0
        for stream, newest in last.items():
            state = self._state(stream)
            state.acked = SeqRanges(acked.get(stream))
            state.last = newest
            state.live_from = newest + 1
            for first, final in state.acked.missing(1, newest):
                state.waiting.add(first, final)

    @property
    def in_flight_bytes(self) -> int:
        """Bytes sent and not yet acknowledged."""
        return sum(frame.size_bytes for frame in self._in_flight)

    @property
    def oldest_in_flight_s(self) -> float | None:
        """When the longest unanswered frame was sent; None with nothing in flight."""
        return self._in_flight[0].sent_s if self._in_flight else None

    def waiting(self, stream: Stream) -> int:
        """Return how many records of `stream` the hub has not acknowledged."""
        state = self._state(stream)
        return state.last - state.acked.count()

    def backlog_waiting(self) -> int:
        """Return how many records from before this connection are not acknowledged."""
        return sum(
            sum(b - a + 1 for a, b in state.acked.missing(1, state.live_from - 1))
            for state in self._streams.values()
        )

    def newest(self, stream: Stream) -> int:
        """Return the seq of the last record appended to `stream`; 0 for none."""
        return self._state(stream).last

    def held(self, stream: Stream) -> Held:
        """Return what the hub is known to have of `stream`."""
        return self._state(stream).acked.held

    def appended(self, stream: Stream, seq: int) -> None:
        """Note a new record.

        Raises:
            LocalProtocolError: `seq` is not the one after the last; nothing has changed.
        """
        state = self._state(stream)
        if seq != state.last + 1:
            raise LocalProtocolError(reason="seq out of order", stream=stream.value, seq=seq)
        state.last = seq
        if seq not in state.acked:
            state.waiting.add(seq, seq)

    def connected(self) -> None:
        """Begin a session: everything unacknowledged is to be sent, what is here is backlog."""
        self._connected = True
        self._return_in_flight(self._in_flight)
        self._in_flight = []
        self._backoff = 1.0
        self.window.reset()
        for state in self._streams.values():
            state.live_from = state.last + 1

    def disconnected(self) -> None:
        """End the session; nothing is planned until the next."""
        self._connected = False

    def plan(self) -> Plan | None:
        """Return what to send now, or None: nothing waits, no room, or no session."""
        if not self._connected:
            return None
        room = self.window.size_bytes - self.in_flight_bytes
        if room <= 0 and self._in_flight:
            return None
        live = self._live_plan()
        if live is not None:
            return live
        if self.in_flight_bytes > self.window.size_bytes * BACKFILL_SHARE:
            return None
        return self._backfill_plan()

    def sent(self, plan: Plan, *, last_seq: int, size_bytes: int, now_s: float) -> None:
        """Note that `plan.first_seq` … `last_seq` left in one frame of `size_bytes`."""
        state = self._state(plan.stream)
        state.waiting.discard(plan.first_seq, last_seq)
        self._in_flight.append(_InFlight(plan.stream, plan.first_seq, last_seq, size_bytes, now_s))

    def gone(self, stream: Stream, first: int, last: int) -> None:
        """Note that the journal shed these records; a gap record tells the hub."""
        state = self._state(stream)
        state.waiting.discard(first, last)
        state.acked.add(first, last)

    def acked(self, ack: Ack, *, round_trip_s: float | None) -> dict[Stream, Held]:
        """Take in an ack; return what the hub holds of each stream about which it said more.

        An ack of another journal, or of seqs never sent, changes nothing.
        """
        if ack.journal != self.journal:
            return {}
        if round_trip_s is not None:
            self.round_trip.measured(round_trip_s)
            self._backoff = 1.0
        changed: dict[Stream, Held] = {}
        for stream, held in ack.streams.items():
            if self._take_held(stream, held):
                changed[stream] = self.held(stream)
        freed = self._drop_answered()
        if freed:
            self.window.acked(freed)
        return changed

    def tick(self, *, now_s: float) -> None:
        """Return to be sent whatever has been in flight for longer than the timeout."""
        limit_s = self.round_trip.timeout_s * self._backoff
        late = [frame for frame in self._in_flight if now_s - frame.sent_s >= limit_s]
        if not late:
            return
        self._in_flight = [frame for frame in self._in_flight if now_s - frame.sent_s < limit_s]
        self._return_in_flight(late)
        self._backoff = min(self._backoff * 2, 16.0)
        self.window.lost()

    def next_tick_s(self) -> float | None:
        """Return when (monotonic) `tick` has something to do; None with nothing in flight."""
        if not self._in_flight:
            return None
        return self._in_flight[0].sent_s + self.round_trip.timeout_s * self._backoff

    def _live_plan(self) -> Plan | None:
        for stream in sorted(self._streams, key=lambda s: PRIORITY[s]):
            state = self._streams[stream]
            span = state.waiting.first_span(at_or_after=state.live_from)
            if span is not None:
                return self._plan_of(stream, span[0], span[1], Lane.LIVE)
        return None

    def _backfill_plan(self) -> Plan | None:
        for stream in sorted(self._streams, key=lambda s: (s not in DURABLE, PRIORITY[s])):
            state = self._streams[stream]
            if stream in DURABLE:
                span = state.waiting.first_span(at_or_after=1)
                if span is None or span[0] >= state.live_from:
                    continue
                return self._plan_of(
                    stream, span[0], min(span[1], state.live_from - 1), Lane.BACKFILL
                )
            span = state.waiting.last_span(before=state.live_from)
            if span is not None:
                first = max(span[0], span[1] - self._newest_first_records() + 1)
                return self._plan_of(stream, first, span[1], Lane.BACKFILL)
        return None

    def _newest_first_records(self) -> int:
        return 8  # bulk records are large: a few fill a frame

    def _plan_of(self, stream: Stream, first: int, last: int, lane: Lane) -> Plan:
        return Plan(
            stream=stream,
            first_seq=Seq(first),
            last_seq=Seq(min(last, first + MAX_FRAME_RECORDS - 1)),
            lane=lane,
            max_bytes=self.window.frame_bytes,
        )

    def _take_held(self, stream: Stream, held: Held) -> bool:
        state = self._state(stream)
        spans = ([(1, held.watermark)] if held.watermark else []) + list(held.ranges)
        fresh = [
            new
            for first, last in spans
            for new in state.acked.missing(first, min(last, state.last))
        ]
        for first, last in fresh:
            state.acked.add(first, last)
            state.waiting.discard(first, last)
        return bool(fresh)

    def _drop_answered(self) -> int:
        """Forget frames in flight that are acknowledged whole; return their bytes."""
        kept: list[_InFlight] = []
        freed = 0
        for frame in self._in_flight:
            acked = self._state(frame.stream).acked
            if any(True for _ in acked.missing(frame.first, frame.last)):
                kept.append(frame)
            else:
                freed += frame.size_bytes
        self._in_flight = kept
        return freed

    def _return_in_flight(self, frames: Iterable[_InFlight]) -> None:
        for frame in frames:
            state = self._state(frame.stream)
            for first, last in list(state.acked.missing(frame.first, frame.last)):
                state.waiting.add(first, last)

    def _state(self, stream: Stream) -> _Stream:
        return self._streams.setdefault(stream, _Stream(0, 1, SeqRanges(), SeqRanges()))
