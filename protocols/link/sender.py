"""The sender: the account of what is acknowledged, in flight and to be sent.

Law: every seq from 1 to the last appended is, at any moment, acknowledged, in flight on a path, or
to be sent on one. An urgent seq travels on every path, and may be in flight on one and to be sent
on another; any other is in one place alone. Only an ack (or a shed, which the journal declares by a
gap record) moves a seq to acknowledged. So nothing is forgotten, whatever the network does.

Theory of operation. The journal tells the sender what was `appended`; the shell asks `plan` what
to send on a path, reads those rows, builds the frame, and reports it `sent`; acks come in by
`acked`, whichever path brought them; time comes in with every call. Nothing is sent on a path that
is not connected. Where a session ends, what it carried returns to be sent. What waited for `LIVE_S`
is backlog, whether there was no session or a link too thin for it; the newest readings are the
first to go when a link comes back.

What goes next is the choice of `schedule`.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from protocols.errors import LocalProtocolError
from protocols.ids import JournalId
from protocols.link.account import StreamAccount
from protocols.link.ack import Ack, Held
from protocols.link.path import Path, Span
from protocols.link.ranges import SeqRanges
from protocols.link.round_trip import RoundTrip
from protocols.link.schedule import GATHER_S, LIVE_S, PROBE, Plan, Schedule, gathers
from protocols.link.streams import URGENT, Stream
from protocols.link.window import Window

ONLY_PATH: Final = "main"
LOOK_S: Final = 0.03
"""So soon one asks again whether a long frame has made room."""


LATE: Final = "not acknowledged in time"
OVERTAKEN: Final = "a frame four later was acknowledged"
ENDED: Final = "its session ended"
_MOST_LOST: Final = 256


class Lost(NamedTuple):
    """A frame that was given up; what is not acknowledged is sent again. `why` is for people."""

    path: str
    span: Span
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
        self._accounts = {
            stream: StreamAccount(stream, last=newest, acked=acked.get(stream))
            for stream, newest in last.items()
        }
        self._schedule = Schedule(self._accounts, self.paths)
        self._lost: deque[Lost] = deque(maxlen=_MOST_LOST)

    @property
    def best(self) -> str:
        """The path that live and backfill take."""
        return self._schedule.best

    @property
    def round_trip(self) -> RoundTrip:
        """The better path's round trip."""
        return self.paths[self.best].round_trip

    @property
    def window(self) -> Window:
        """The better path's window."""
        return self.paths[self.best].window

    @property
    def in_flight_bytes(self) -> int:
        """What is in flight on all paths."""
        return sum(path.in_flight_bytes for path in self.paths.values())

    @property
    def is_connected(self) -> bool:
        """Some path is."""
        for path in self.paths.values():  # noqa: SIM110 -- asked at each record; half the time
            if path.is_connected:
                return True
        return False

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

    def has(self, stream: Stream, seq: int) -> bool:
        """Whether the hub is known to have that record, or to know that it is gone."""
        return seq in self._account(stream).acked

    def knows_less_than(self, ack: Ack) -> bool:
        """Whether the hub holds seqs of this journal that it never gave out.

        Then the file is not the one that it was: it was put back from a copy, or lost its end.
        """
        return ack.journal == self.journal and any(
            held.last > self.newest(stream) for stream, held in ack.streams.items()
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
        account.append(seq, now_s=now_s, is_backlog=is_backlog)
        if not self.is_connected:
            account.age(before_s=now_s - LIVE_S)
        if stream in URGENT and seq not in account.acked:
            for path in self.paths.values():
                path.copies.setdefault(stream, SeqRanges()).add(seq, seq)
        elif stream is PROBE:
            for name, path in self.paths.items():
                path.copies[PROBE] = SeqRanges()
                if name != self.best:
                    path.copies[PROBE].add(seq, seq)

    def confirmed(self, stream: Stream, seq: int) -> None:
        """Note a record that was new, left at once and is acknowledged: nothing else was under way.

        For those who simulate thousands, and keep no account of what was answered before the next.

        Raises:
            LocalProtocolError: `seq` is not the one after the last; nothing has changed.
        """
        account = self._account(stream)
        if seq != account.last + 1:
            raise LocalProtocolError(reason="seq out of order", stream=stream.value, seq=seq)
        account.last = seq
        account.acked.add(seq, seq)

    def connected(self, path: str = ONLY_PATH, *, now_s: float) -> None:
        """Begin a session on `path`. If it is the only one, all but the newest is backlog."""
        is_first = not self.is_connected
        self._put_back(self.paths[path].connected(), path, ENDED)
        if is_first:
            for account in self._accounts.values():
                account.age(before_s=now_s - LIVE_S)
        self.paths[path].copies = {
            stream: account.acked.complement(account.last)
            for stream, account in self._accounts.items()
            if stream in URGENT
        }

    def disconnected(self, path: str = ONLY_PATH) -> None:
        """End the session of `path`; nothing is planned there until the next."""
        self._put_back(self.paths[path].disconnected(), path, ENDED)

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

        An ack of another journal, or of seqs that were never appended, changes nothing.
        """
        if ack.journal != self.journal:
            return {}
        changed: dict[Stream, Held] = {}
        for stream, held in ack.streams.items():
            account = self._account(stream)
            if account.take_held(held):
                changed[stream] = account.acked.held
                self._drop_copies(stream)
        for name, path in self.paths.items():
            lost = path.acked(ack.echo_utc_us, self._is_acked, now_s=now_s)
            self._put_back(lost, name, OVERTAKEN)
        return changed

    def tick(self, *, now_s: float) -> None:
        """Return to be sent whatever has been in flight for longer than the timeout."""
        for name, path in self.paths.items():
            self._put_back(path.tick(now_s=now_s), name, LATE)

    def next_tick_s(self, *, now_s: float) -> float | None:
        """Return when (monotonic) time alone gives something to do; None while it never does."""
        due_s = []
        for stream, account in self._accounts.items():
            since_s = account.waits_since_s() if gathers(stream) else None
            if since_s is not None and since_s + GATHER_S > now_s:
                due_s.append(since_s + GATHER_S)
        due_s += [path.timeout_at_s for path in self.paths.values() if path.timeout_at_s]
        if self.paths[self.best].frees_itself() and any(
            account.waiting for account in self._accounts.values()
        ):
            due_s.append(now_s + LOOK_S)
        return min(due_s, default=None)

    def take_lost(self) -> list[Lost]:
        """Return the frames given up since this was asked last, the newest 256 of them."""
        lost = list(self._lost)
        self._lost.clear()
        return lost

    def plan(self, path: str = ONLY_PATH, *, now_s: float) -> Plan | None:
        """Return what to send on `path` now, or None: nothing waits, no room, or no session."""
        return self._schedule.choose(path, now_s=now_s)

    # -- where a record is ----------------------------------------------------------------------

    def _is_acked(self, span: Span) -> bool:
        stream, first, last = span
        return self._account(stream).acked.covers(first, last)

    def _put_back(self, spans: Iterable[Span], path: str, why: str) -> None:
        """Have what of `spans` is not acknowledged sent again; a copy on the path it was on.

        A session's end needs no copies: the next one begins with all that is not acknowledged.
        """
        for span in spans:
            self._lost.append(Lost(path, span, why))
            stream, first, last = span
            account = self._account(stream)
            if stream not in URGENT:
                account.put_back(first, last)
            elif why is not ENDED:
                copies = self.paths[path].copies.setdefault(stream, SeqRanges())
                for start, end in list(account.acked.missing(first, last)):
                    copies.add(start, end)

    def _drop_copies(self, stream: Stream) -> None:
        for path in self.paths.values():
            if stream in path.copies:
                for first, last in self._account(stream).acked:
                    path.copies[stream].discard(first, last)

    def _account(self, stream: Stream) -> StreamAccount:
        account = self._accounts.get(stream)
        if account is None:
            account = self._accounts[stream] = StreamAccount(stream)
        return account
