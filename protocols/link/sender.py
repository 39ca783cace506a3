"""The sender: which records travel next, and when to send them again.

Law: every seq from 1 to the last appended is, at any moment, in exactly one of three places:
acknowledged, in flight, or to be sent. Only an ack (or a shed, which the journal declares by a gap
record) moves a seq to acknowledged. So nothing is forgotten, whatever the network does.

Theory of operation. The journal tells the sender what was `appended`; the shell asks `plan` what
to send, reads those rows, builds the frame, and reports it `sent`; acks come in by `acked`; time
comes in with every call. Nothing is sent while disconnected. On connecting, everything in flight
returns to be sent, for the session that carried it is gone; what is older than the connection is
backlog, and so is a reading that has waited for `LIVE_S` on a link too thin for it.

What goes next, each kind only if none before it waits:
1. urgent: alarms, status, chart, answers, orders, by class; the new before the old, even beyond
   the window, for they are few and small;
2. live: strictly by class (`PRIORITY`), oldest first. Waveforms wait up to `GATHER_S` for company:
   one frame of several records costs a thin link less than several frames;
3. backfill: clinical streams oldest first, then bulk newest first; only while the window has
   room, and the window keeps the link's queue short (see `window`).

A frame that three later ones have overtaken, or that is not acknowledged in time, goes back to be
sent; the timeout doubles (RFC 6298, 5.5) until an ack arrives.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from protocols.errors import LocalProtocolError
from protocols.ids import JournalId, Seq
from protocols.link.account import StreamAccount
from protocols.link.ack import Ack, Held
from protocols.link.round_trip import RoundTrip
from protocols.link.streams import DURABLE, PRIORITY, URGENT, Lane, Stream
from protocols.link.window import Window

MAX_FRAME_RECORDS: Final = 256
MAX_FRAME_BODY_BYTES: Final = 128 * 1024
"""Bodies in one frame at most; packed or not, the frame stays under a message's 256 KiB."""

LIVE_S: Final = 5.0
"""A reading that has waited so long is no longer live: newer ones of its stream go first."""

GATHER_S: Final = 0.5
"""So long a waveform waits for company. Source: link-protocol, frames of 1 s at most."""

LIVE_SHARE: Final = 1.25
URGENT_SHARE: Final = 2.0
"""Live frames may fill the window and a quarter more, urgent ones twice the window: a backfill that
fills it holds neither up."""

_OVERTAKEN: Final = 3  # frames sent later and acknowledged. Source: RFC 5681, 3.2
_MAX_BACKOFF: Final = 16.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Send records `first_seq` … `last_seq` of `stream`, or as many as `max_bytes` hold (≥ 1).

    `max_bytes` counts bodies. `why` is for people.
    """

    stream: Stream
    first_seq: Seq
    last_seq: Seq
    lane: Lane
    max_bytes: int
    why: str


@dataclass(slots=True)
class _InFlight:
    stream: Stream
    first: int
    last: int
    size_bytes: int
    sent_utc_us: int
    sent_s: float
    delivered_bytes: int  # in all, when this left
    delivered_s: float
    filled: bool  # the window was full


class Sender:
    """Keeps the account of one journal's streams and picks what travels next."""

    def __init__(
        self, *, journal: JournalId, last: Mapping[Stream, int], acked: Mapping[Stream, Held]
    ) -> None:
        """`last`: the newest seq of each stream in the journal; `acked`: what the hub has."""
        self.journal = journal
        self.round_trip = RoundTrip()
        self.window = Window()
        self.in_flight_bytes = 0
        self._accounts = {
            stream: StreamAccount(stream, last=newest, acked=acked.get(stream))
            for stream, newest in last.items()
        }
        self._in_flight: dict[int, _InFlight] = {}  # numbered as they were sent
        self._connected = False
        self._backoff = 1.0
        self._number = 0
        self._progress_s = 0.0  # when an ack last freed something
        self._delivered_bytes = 0

    @property
    def oldest_in_flight_s(self) -> float | None:
        """When the longest unanswered frame was sent; None with nothing in flight."""
        return next((frame.sent_s for frame in self._in_flight.values()), None)

    def waiting(self, stream: Stream) -> int:
        """Return how many records of `stream` the hub has not acknowledged."""
        return self._account(stream).unacked()

    def backlog_waiting(self) -> int:
        """Return how many records of the backlog are not acknowledged."""
        return sum(
            account.unacked(through=account.live_from - 1) for account in self._accounts.values()
        )

    def newest(self, stream: Stream) -> int:
        """Return the seq of the last record appended to `stream`; 0 for none."""
        return self._account(stream).last

    def held(self, stream: Stream) -> Held:
        """Return what the hub is known to have of `stream`."""
        return self._account(stream).acked.held

    def knows_less_than(self, ack: Ack) -> bool:
        """Whether the hub holds seqs of this journal that it never gave out.

        Then the file is not the one that it was: it was put back from a copy, or lost its end.
        """
        return ack.journal == self.journal and any(
            max([held.watermark, *(last for _, last in held.ranges)]) > self.newest(stream)
            for stream, held in ack.streams.items()
        )

    # -- what happens ---------------------------------------------------------------------------

    def appended(self, stream: Stream, seq: int, *, now_s: float, is_backlog: bool = False) -> None:
        """Note a new record; `is_backlog`: what it says is old already.

        Raises:
            LocalProtocolError: `seq` is not the one after the last; nothing has changed.
        """
        account = self._account(stream)
        if seq != account.last + 1:
            raise LocalProtocolError(reason="seq out of order", stream=stream.value, seq=seq)
        account.append(seq, now_s=now_s, is_live=self._connected and not is_backlog)

    def connected(self) -> None:
        """Begin a session: everything unacknowledged is to be sent, what is here is backlog."""
        self._connected = True
        self._put_back(self._in_flight.values())
        self._in_flight, self.in_flight_bytes = {}, 0
        self._backoff = 1.0
        self.window.reset()
        for account in self._accounts.values():
            account.begin_session()

    def disconnected(self) -> None:
        """End the session; nothing is planned until the next."""
        self._connected = False

    def sent(  # noqa: PLR0913 -- what there is to say of a frame
        self,
        plan: Plan,
        *,
        last_seq: int,
        body_bytes: int,
        size_bytes: int,
        sent_utc_us: int,
        now_s: float,
    ) -> None:
        """Note that `plan.first_seq` … `last_seq` left in one frame.

        `body_bytes`: all bodies together; `size_bytes`: the message; `sent_utc_us`: what it says.
        """
        account = self._account(plan.stream)
        account.waiting.discard(plan.first_seq, last_seq)
        account.measured(
            records=last_seq - plan.first_seq + 1, body_bytes=body_bytes, wire_bytes=size_bytes
        )
        if not self._in_flight:
            self._progress_s = now_s  # what was idle measures no rate
        self._number += 1
        self.in_flight_bytes += size_bytes
        self._in_flight[self._number] = _InFlight(
            stream=plan.stream,
            first=plan.first_seq,
            last=last_seq,
            size_bytes=size_bytes,
            sent_utc_us=sent_utc_us,
            sent_s=now_s,
            delivered_bytes=self._delivered_bytes,
            delivered_s=self._progress_s,
            filled=self.in_flight_bytes >= self.window.size_bytes,
        )

    def gone(self, stream: Stream, first: int, last: int) -> None:
        """Note that the journal shed these records; a gap record tells the hub."""
        self._account(stream).gone(first, last)

    def acked(self, ack: Ack, *, now_s: float) -> dict[Stream, Held]:
        """Take in an ack; return what the hub holds of each stream about which it said more.

        An ack of another journal, or of seqs never sent, changes nothing.
        """
        if ack.journal != self.journal:
            return {}
        echoed = next(
            (f for f in self._in_flight.values() if f.sent_utc_us == ack.echo_utc_us), None
        )
        changed: dict[Stream, Held] = {}
        for stream, held in ack.streams.items():
            if self._account(stream).take_held(held):
                changed[stream] = self.held(stream)
        freed = self._drop_answered(now_s)
        if echoed is not None:
            self._measure(echoed, list(freed.values()), now_s)
        newest = max(freed, default=0)
        self._lose([number for number in self._in_flight if number < newest - _OVERTAKEN])
        return changed

    def tick(self, *, now_s: float) -> None:
        """Return to be sent whatever has been in flight for longer than the timeout."""
        limit_s = self.round_trip.timeout_s * self._backoff
        late = [
            number
            for number, frame in self._in_flight.items()
            if now_s - max(frame.sent_s, self._progress_s) >= limit_s
        ]
        if late:
            self._lose(late)
            self._backoff = min(self._backoff * 2, _MAX_BACKOFF)

    def next_tick_s(self, *, now_s: float) -> float | None:
        """Return when (monotonic) time alone gives something to do; None while it never does."""
        due_s = []
        for stream, account in self._accounts.items():
            since_s = account.waits_since_s() if _gathers(stream) else None
            if since_s is not None and since_s + GATHER_S > now_s:
                due_s.append(since_s + GATHER_S)
        if self._in_flight:
            oldest_s = max(next(iter(self._in_flight.values())).sent_s, self._progress_s)
            due_s.append(oldest_s + self.round_trip.timeout_s * self._backoff)
        return min(due_s, default=None)

    # -- what to send ---------------------------------------------------------------------------

    def plan(self, *, now_s: float) -> Plan | None:
        """Return what to send now, or None: nothing waits, no room, or no session."""
        if not self._connected:
            return None
        for stream, account in self._accounts.items():
            if stream not in URGENT:
                account.age(before_s=now_s - LIVE_S)
        for pick, share in (
            (self._urgent, URGENT_SHARE),
            (lambda: self._live(now_s), LIVE_SHARE),
            (self._backfill, 1.0),
        ):
            if self._in_flight and self.in_flight_bytes >= self.window.size_bytes * share:
                return None
            plan = pick()
            if plan is not None:
                return plan
        return None

    def _urgent(self) -> Plan | None:
        for account in self._by_class(lambda stream: stream in URGENT):
            span = account.live_span()
            if span is not None:
                return self._plan(account, span, Lane.LIVE, "urgent")
            span = account.backlog_oldest()
            if span is not None:
                return self._plan(account, span, Lane.BACKFILL, "urgent, from the backlog")
        return None

    def _live(self, now_s: float) -> Plan | None:
        for account in self._by_class(lambda stream: stream not in URGENT):
            span = account.live_span()
            if span is None or self._is_gathering(account, span, now_s):
                continue
            return self._plan(account, span, Lane.LIVE, "live")
        return None

    def _is_gathering(self, account: StreamAccount, span: tuple[int, int], now_s: float) -> bool:
        since_s = account.waits_since_s()
        if not _gathers(account.stream) or since_s is None:
            return False
        waiting_bytes = (span[1] - span[0] + 1) * account.record_bytes * account.packing
        return now_s - since_s < GATHER_S and waiting_bytes < self.window.frame_bytes

    def _backfill(self) -> Plan | None:
        for account in self._by_class(lambda stream: stream in DURABLE):
            span = account.backlog_oldest()
            if span is not None:
                return self._plan(account, span, Lane.BACKFILL, "backlog, clinical, oldest first")
        for account in self._by_class(lambda stream: stream not in DURABLE):
            span = account.backlog_newest(body_bytes=self._body_bytes(account))
            if span is not None:
                return self._plan(account, span, Lane.BACKFILL, "backlog, bulk, newest first")
        return None

    def _by_class(self, wanted: Callable[[Stream], bool]) -> list[StreamAccount]:
        chosen = [account for stream, account in self._accounts.items() if wanted(stream)]
        return sorted(chosen, key=lambda account: PRIORITY[account.stream])

    def _plan(self, account: StreamAccount, span: tuple[int, int], lane: Lane, why: str) -> Plan:
        return Plan(
            stream=account.stream,
            first_seq=Seq(span[0]),
            last_seq=Seq(min(span[1], span[0] + MAX_FRAME_RECORDS - 1)),
            lane=lane,
            max_bytes=self._body_bytes(account),
            why=why,
        )

    def _body_bytes(self, account: StreamAccount) -> int:
        """Return how many bytes of bodies make a frame as long as one may be."""
        return min(MAX_FRAME_BODY_BYTES, int(self.window.frame_bytes / account.packing))

    # -- what comes back ------------------------------------------------------------------------

    def _drop_answered(self, now_s: float) -> dict[int, _InFlight]:
        """Forget frames in flight that are acknowledged whole; return them by their numbers."""
        freed = {
            number: frame
            for number, frame in self._in_flight.items()
            if not any(self._account(frame.stream).acked.missing(frame.first, frame.last))
        }
        for number, frame in freed.items():
            del self._in_flight[number]
            self.in_flight_bytes -= frame.size_bytes
            self._delivered_bytes += frame.size_bytes
        if freed:
            self._progress_s = now_s
        return freed

    def _measure(self, echoed: _InFlight, freed: list[_InFlight], now_s: float) -> None:
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
            freed_bytes=sum(frame.size_bytes for frame in freed),
            was_full=echoed.filled,
            now_s=now_s,
        )

    def _lose(self, numbers: list[int]) -> None:
        """Have these frames sent again."""
        if not numbers:
            return
        frames = [self._in_flight.pop(number) for number in numbers]
        self.in_flight_bytes -= sum(frame.size_bytes for frame in frames)
        self._put_back(frames)
        self.window.lost()

    def _put_back(self, frames: Iterable[_InFlight]) -> None:
        for frame in frames:
            self._account(frame.stream).put_back(frame.first, frame.last)

    def _account(self, stream: Stream) -> StreamAccount:
        return self._accounts.setdefault(stream, StreamAccount(stream))


def _gathers(stream: Stream) -> bool:
    return stream is Stream.WAVEFORM
