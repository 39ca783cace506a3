"""The sender: which records travel next, on which path, and when to send them again.

Law: every seq from 1 to the last appended is, at any moment, in exactly one of three places:
acknowledged, in flight, or to be sent. Only an ack (or a shed, which the journal declares by a gap
record) moves a seq to acknowledged. So nothing is forgotten, whatever the network does.

Theory of operation. The journal tells the sender what was `appended`; the shell asks `plan` what
to send on a path, reads those rows, builds the frame, and reports it `sent`; acks come in by
`acked`, whichever path brought them; time comes in with every call. Nothing is sent on a path that
is not connected. Where a session ends, what it carried returns to be sent; what is older than the
first session is backlog, and so is a reading that waited for `LIVE_S` on a link too thin for it.

What goes next, each kind only if none before it waits:
1. urgent: alarms, status, chart, answers, orders, by class; the new before the old, even beyond
   the window, for they are few and small. They go on every path, and the peer drops the copies;
2. live: strictly by class (`PRIORITY`), oldest first. Waveforms wait up to `GATHER_S` for company:
   one frame of several records costs a thin link less than several frames;
3. backfill: clinical streams oldest first, then bulk newest first; only while the window has
   room, and the window keeps the link's queue short (see `window`).

Live and backfill go on one path, the better one: the first named that answers, unless another's
round trip is far shorter (`WORTH_S`). The newest report on the link goes on the others too, to
measure them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from protocols.errors import LocalProtocolError
from protocols.ids import JournalId, Seq
from protocols.link.account import StreamAccount
from protocols.link.ack import Ack, Held
from protocols.link.path import Path, Span
from protocols.link.ranges import SeqRanges
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

PROBE: Final = Stream.LINK
"""Its newest record measures the paths that are not in use."""

ONLY_PATH: Final = "main"

FAR_SHORTER: Final = 0.5
WORTH_S: Final = 0.1
"""A path is left for one of half its round trip where that saves `WORTH_S`, and taken again once
the other saves less than half of that: what differs by milliseconds only is one as good as the
other, and each change may reorder what is on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Send records `first_seq` … `last_seq` of `stream`, or as many as `max_bytes` hold (≥ 1).

    `max_bytes` counts bodies. `is_copy`: other paths carry it too. `why` is for people.
    """

    path: str
    stream: Stream
    first_seq: Seq
    last_seq: Seq
    lane: Lane
    max_bytes: int
    is_copy: bool
    why: str


class Sender:
    """Keeps the account of one journal's streams and picks what travels next."""

    def __init__(
        self,
        *,
        journal: JournalId,
        last: Mapping[Stream, int],
        acked: Mapping[Stream, Held],
        paths: Iterable[str] = (ONLY_PATH,),
    ) -> None:
        """`last`: the newest seq of each stream in the journal; `acked`: what the hub has.

        `paths`: their names, the preferred one first.
        """
        self.journal = journal
        self.paths = {name: Path() for name in paths}
        self._best = next(iter(self.paths))
        self._accounts = {
            stream: StreamAccount(stream, last=newest, acked=acked.get(stream))
            for stream, newest in last.items()
        }

    @property
    def best(self) -> str:
        """The path that live and backfill take."""
        return self._best

    @property
    def round_trip(self) -> RoundTrip:
        """The better path's round trip."""
        return self.paths[self._best].round_trip

    @property
    def window(self) -> Window:
        """The better path's window."""
        return self.paths[self._best].window

    @property
    def in_flight_bytes(self) -> int:
        """What is in flight on all paths."""
        return sum(path.in_flight_bytes for path in self.paths.values())

    @property
    def is_connected(self) -> bool:
        """Some path is."""
        return any(path.is_connected for path in self.paths.values())

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
        account.append(seq, now_s=now_s, is_live=self.is_connected and not is_backlog)
        if stream in URGENT and seq not in account.acked:
            for path in self.paths.values():
                path.copies.setdefault(stream, SeqRanges()).add(seq, seq)
        elif stream is PROBE:
            for name, path in self.paths.items():
                path.copies[PROBE] = SeqRanges()
                if name != self._best:
                    path.copies[PROBE].add(seq, seq)

    def connected(self, path: str = ONLY_PATH) -> None:
        """Begin a session on `path`. If it is the only one, what is here is backlog."""
        is_first = not self.is_connected
        self._put_back(self.paths[path].connected())
        if is_first:
            for account in self._accounts.values():
                account.begin_session()
        self.paths[path].copies = {
            stream: account.acked.complement(account.last)
            for stream, account in self._accounts.items()
            if stream in URGENT
        }

    def disconnected(self, path: str = ONLY_PATH) -> None:
        """End the session of `path`; nothing is planned there until the next."""
        self._put_back(self.paths[path].disconnected())

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
        account, path = self._account(plan.stream), self.paths[plan.path]
        waiting = path.copies[plan.stream] if plan.is_copy else account.waiting
        waiting.discard(plan.first_seq, last_seq)
        account.measured(
            records=last_seq - plan.first_seq + 1, body_bytes=body_bytes, wire_bytes=size_bytes
        )
        span = (plan.stream, int(plan.first_seq), last_seq)
        path.sent(span, size_bytes=size_bytes, sent_utc_us=sent_utc_us, now_s=now_s)

    def gone(self, stream: Stream, first: int, last: int) -> None:
        """Note that the journal shed these records; a gap record tells the hub."""
        self._account(stream).gone(first, last)
        self._drop_copies(stream)

    def acked(self, ack: Ack, *, now_s: float) -> dict[Stream, Held]:
        """Take in an ack; return what the hub holds of each stream about which it said more.

        An ack of another journal, or of seqs never sent, changes nothing.
        """
        if ack.journal != self.journal:
            return {}
        changed: dict[Stream, Held] = {}
        for stream, held in ack.streams.items():
            if self._account(stream).take_held(held):
                changed[stream] = self.held(stream)
                self._drop_copies(stream)
        for name, path in self.paths.items():
            self._put_back(path.acked(ack.echo_utc_us, self._is_acked, now_s=now_s), on=name)
        return changed

    def tick(self, *, now_s: float) -> None:
        """Return to be sent whatever has been in flight for longer than the timeout."""
        for name, path in self.paths.items():
            self._put_back(path.tick(now_s=now_s), on=name)

    def next_tick_s(self, *, now_s: float) -> float | None:
        """Return when (monotonic) time alone gives something to do; None while it never does."""
        due_s = []
        for stream, account in self._accounts.items():
            since_s = account.waits_since_s() if _gathers(stream) else None
            if since_s is not None and since_s + GATHER_S > now_s:
                due_s.append(since_s + GATHER_S)
        due_s += [path.timeout_at_s for path in self.paths.values() if path.timeout_at_s]
        return min(due_s, default=None)

    # -- what to send ---------------------------------------------------------------------------

    def plan(self, path: str = ONLY_PATH, *, now_s: float) -> Plan | None:
        """Return what to send on `path` now, or None: nothing waits, no room, or no session."""
        way = self.paths[path]
        if not way.is_connected:
            return None
        self._choose_best()
        for stream, account in self._accounts.items():
            if stream not in URGENT:
                account.age(before_s=now_s - LIVE_S)
        kinds = [(self._urgent(path), URGENT_SHARE)] if way.has_room(URGENT_SHARE) else []
        if path == self._best:
            kinds += [(self._live(now_s), LIVE_SHARE), (self._backfill(), 1.0)]
        return next((plan for plan, share in kinds if plan and way.has_room(share)), None)

    def _choose_best(self) -> None:
        """Stay on the path that is in use, unless it is quiet or another is better."""
        names = [n for n, path in self.paths.items() if path.is_connected and not path.is_quiet]
        if names and self._best not in names:
            self._best = names[0]
        order = list(self.paths)
        for name in names:
            its = self.paths[name].round_trip.smoothed_s
            if order.index(name) < order.index(self._best):
                is_better = not _far_shorter(self.round_trip.smoothed_s, its, WORTH_S / 2)
            else:
                is_better = _far_shorter(its, self.round_trip.smoothed_s, WORTH_S)
            if is_better:
                self._best = name

    def _urgent(self, name: str) -> Plan | None:
        path = self.paths[name]
        for account in self._by_class(lambda stream: stream in path.copies):
            waiting = path.copies[account.stream]
            kind = "urgent" if account.stream in URGENT else "to measure the path"
            span = waiting.first_span(at_or_after=account.live_from)
            if span is not None:
                return self._plan(account, span, Lane.LIVE, kind, copy_on=name)
            span = waiting.first_span(at_or_after=1)
            if span is not None:
                why = f"{kind}, from the backlog"
                return self._plan(account, span, Lane.BACKFILL, why, copy_on=name)
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
        shared = [stream for stream in self._accounts if stream not in URGENT]
        for account in self._by_class(lambda stream: stream in shared and stream in DURABLE):
            span = account.backlog_oldest()
            if span is not None:
                return self._plan(account, span, Lane.BACKFILL, "backlog, clinical, oldest first")
        for account in self._by_class(lambda stream: stream in shared and stream not in DURABLE):
            span = account.backlog_newest(body_bytes=self._body_bytes(self._best, account))
            if span is not None:
                return self._plan(account, span, Lane.BACKFILL, "backlog, bulk, newest first")
        return None

    def _by_class(self, wanted: Callable[[Stream], bool]) -> list[StreamAccount]:
        chosen = [account for stream, account in self._accounts.items() if wanted(stream)]
        return sorted(chosen, key=lambda account: PRIORITY[account.stream])

    def _plan(
        self,
        account: StreamAccount,
        span: tuple[int, int],
        lane: Lane,
        why: str,
        *,
        copy_on: str | None = None,
    ) -> Plan:
        path = copy_on or self._best
        return Plan(
            path=path,
            stream=account.stream,
            first_seq=Seq(span[0]),
            last_seq=Seq(min(span[1], span[0] + MAX_FRAME_RECORDS - 1)),
            lane=lane,
            max_bytes=self._body_bytes(path, account),
            is_copy=copy_on is not None,
            why=why,
        )

    def _body_bytes(self, path: str, account: StreamAccount) -> int:
        """Return how many bytes of bodies make a frame as long as one may be."""
        longest = self.paths[path].window.frame_bytes
        return min(MAX_FRAME_BODY_BYTES, int(longest / account.packing))

    # -- where a record is ----------------------------------------------------------------------

    def _is_acked(self, span: Span) -> bool:
        stream, first, last = span
        return not any(self._account(stream).acked.missing(first, last))

    def _put_back(self, spans: Iterable[Span], *, on: str | None = None) -> None:
        """Have what of `spans` is not acknowledged sent again; a copy on the path it was on."""
        for stream, first, last in spans:
            account = self._account(stream)
            if stream not in URGENT:
                account.put_back(first, last)
            elif on is not None:
                copies = self.paths[on].copies.setdefault(stream, SeqRanges())
                for start, end in list(account.acked.missing(first, last)):
                    copies.add(start, end)

    def _drop_copies(self, stream: Stream) -> None:
        for path in self.paths.values():
            if stream in path.copies:
                for first, last in self._account(stream).acked:
                    path.copies[stream].discard(first, last)

    def _account(self, stream: Stream) -> StreamAccount:
        return self._accounts.setdefault(stream, StreamAccount(stream))


def _gathers(stream: Stream) -> bool:
    return stream is Stream.WAVEFORM


def _far_shorter(one_s: float | None, other_s: float | None, by_s: float) -> bool:
    """Whether a path of round trip `one_s` is worth leaving one of `other_s`."""
    if one_s is None or other_s is None:
        return False
    return one_s < other_s * FAR_SHORTER and other_s - one_s > by_s
