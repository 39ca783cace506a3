"""The schedule: which records travel next, and on which path.

What goes next, each kind only if none before it waits:
1. urgent: alarms, status, chart, answers, orders, by class; the new before the old (but orders in
   their order), even beyond the window, for they are few and small. They go on every path, and the
   peer drops the copies;
2. live: strictly by class (`PRIORITY`), oldest first. Waveforms wait up to `GATHER_S` for company
   until they fill a packet: one frame of several records costs less than several frames;
3. backfill: clinical streams oldest first, then bulk newest first; only while the window has
   room, and the window keeps the link's queue short (see `window`).

Live and backfill go on one path, the better one: the first named that answers, unless another's
round trip is far shorter (`WORTH_S`). The newest report on the link goes on the others too, to
measure them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from protocols.ids import Seq
from protocols.link.account import StreamAccount
from protocols.link.path import Path
from protocols.link.streams import DURABLE, PRIORITY, URGENT, Lane, Stream

MAX_FRAME_RECORDS: Final = 256
MAX_FRAME_BODY_BYTES: Final = 128 * 1024
"""Bodies in one frame at most; packed or not, the frame stays under a message's 256 KiB."""

LIVE_S: Final = 5.0
"""A reading that has waited so long is no longer live: newer ones of its stream go first."""

GATHER_S: Final = 0.5
"""So long a waveform waits for company. Source: link-protocol, frames of 1 s at most."""

ENOUGH_BYTES: Final = 1200
"""So many bytes of waveforms wait no longer: more of them would save little. A packet holds as many
on every network. Source: RFC 9000, 14."""

LIVE_SHARE: Final = 1.25
URGENT_SHARE: Final = 2.0
"""Live frames may fill the window and a quarter more, urgent ones twice the window: a backfill that
fills it holds neither up."""

PROBE: Final = Stream.LINK
"""Its newest record measures the paths that are not in use."""

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


class Schedule:
    """Reads the accounts and the paths, and chooses."""

    def __init__(self, accounts: Mapping[Stream, StreamAccount], paths: Mapping[str, Path]) -> None:
        """`paths`: by name, the preferred one first."""
        self._accounts = accounts
        self._paths = paths
        self._best = next(iter(paths))
        self._ordered: list[StreamAccount] = []  # all, by class
        self._shared: list[StreamAccount] = []  # what is not urgent, by class
        self._clinical: list[StreamAccount] = []  # of those, the clinical ones
        self._bulk: list[StreamAccount] = []  # and the others

    @property
    def best(self) -> str:
        """The path that live and backfill take."""
        return self._best

    def choose(self, path: str, *, now_s: float) -> Plan | None:
        """Return what to send on `path` now, or None: nothing waits, no room, or no session."""
        way = self._paths[path]
        if not way.is_connected:
            return None
        if len(self._accounts) != len(self._ordered):
            self._sort()
        if len(self._paths) > 1:
            self._choose_best()  # each time: reports on the link go by it
        elif self._nothing_waits(way):
            return None
        for account in self._shared:
            account.age(before_s=now_s - LIVE_S)
        plan = self._urgent(path) if way.has_room(URGENT_SHARE, now_s=now_s) else None
        if plan is None and path == self._best:
            live = self._next_live(now_s)
            share = 1.0 if live is None else LIVE_SHARE
            if way.has_room(share, now_s=now_s):
                plan = self._backfill() if live is None else self._plan(*live, Lane.LIVE, "live")
                if plan is not None and not self._has_room_for(way, plan, share, now_s):
                    plan = None
        return plan

    def _nothing_waits(self, way: Path) -> bool:
        """Whether every record is acknowledged or on its way: most questions are answered here."""
        for account in self._ordered:
            if account.waiting:
                return False
        return not any(way.copies.values())

    def _sort(self) -> None:
        """Put the accounts in order; a stream that has one keeps it."""
        self._ordered = sorted(self._accounts.values(), key=lambda one: PRIORITY[one.stream])
        self._shared = [one for one in self._ordered if one.stream not in URGENT]
        self._clinical = [one for one in self._shared if one.stream in DURABLE]
        self._bulk = [one for one in self._shared if one.stream not in DURABLE]

    def _choose_best(self) -> None:
        """Stay on the path that is in use, unless it is quiet or another is better."""
        names = [n for n, path in self._paths.items() if path.is_connected and not path.is_quiet]
        if names and self._best not in names:
            self._best = names[0]
        order = list(self._paths)
        for name in names:
            mine = self._paths[self._best].round_trip.smoothed_s
            its = self._paths[name].round_trip.smoothed_s
            if order.index(name) < order.index(self._best):
                is_better = not _far_shorter(mine, its, WORTH_S / 2)
            else:
                is_better = _far_shorter(its, mine, WORTH_S)
            if is_better:
                self._best = name

    def _urgent(self, name: str) -> Plan | None:
        path = self._paths[name]
        for account in self._ordered:
            waiting = path.copies.get(account.stream)
            if not waiting:
                continue
            kind = "urgent" if account.stream in URGENT else "to measure the path"
            is_in_order = account.stream is Stream.ORDER  # "give", then "give no more"
            span = waiting.first_span(at_or_after=1 if is_in_order else account.live_from)
            if span is not None:
                return self._plan(account, span, Lane.LIVE, kind, copy_on=name)
            span = waiting.first_span(at_or_after=1)
            if span is not None:
                why = f"{kind}, from the backlog"
                return self._plan(account, span, Lane.BACKFILL, why, copy_on=name)
        return None

    def _next_live(self, now_s: float) -> tuple[StreamAccount, tuple[int, int]] | None:
        for account in self._shared:
            span = account.live_span() if account.waiting else None
            if span is not None and not self._is_gathering(account, span, now_s):
                return account, span
        return None

    def _has_room_for(self, way: Path, plan: Plan, share: float, now_s: float) -> bool:
        """Whether `plan` may leave now. Live or not, nothing else takes its place meanwhile."""
        account = self._accounts[plan.stream]
        frame_bytes = account.record_bytes * account.packing
        return way.has_room(share, frame_bytes=frame_bytes, now_s=now_s)

    def _is_gathering(self, account: StreamAccount, span: tuple[int, int], now_s: float) -> bool:
        since_s = account.waits_since_s()
        if not gathers(account.stream) or since_s is None:
            return False
        waiting_bytes = (span[1] - span[0] + 1) * account.record_bytes * account.packing
        longest_bytes = self._paths[self._best].window.frame_bytes
        return now_s - since_s < GATHER_S and waiting_bytes < min(ENOUGH_BYTES, longest_bytes)

    def _backfill(self) -> Plan | None:
        for account in self._clinical:
            span = account.backlog_oldest()
            if span is not None:
                return self._plan(account, span, Lane.BACKFILL, "backlog, clinical, oldest first")
        for account in self._bulk:
            if not account.waiting:
                continue
            span = account.backlog_newest(body_bytes=self._body_bytes(self._best, account))
            if span is not None:
                return self._plan(account, span, Lane.BACKFILL, "backlog, bulk, newest first")
        return None

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
        longest = self._paths[path].window.frame_bytes
        return min(MAX_FRAME_BODY_BYTES, int(longest / account.packing))


def gathers(stream: Stream) -> bool:
    """Whether records of `stream` wait for company (`GATHER_S`)."""
    return stream is Stream.WAVEFORM


def _far_shorter(one_s: float | None, other_s: float | None, by_s: float) -> bool:
    """Whether a path of round trip `one_s` is worth leaving one of `other_s`."""
    if one_s is None or other_s is None:
        return False
    return one_s < other_s * FAR_SHORTER and other_s - one_s > by_s
