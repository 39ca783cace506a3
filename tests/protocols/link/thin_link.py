"""A vehicle's whole traffic over links of given rate and delay, in virtual time.

Each is one bottleneck each way with a queue that holds whatever is given to it, as TCP's and a
modem's buffers do: only the sender keeps it short. The hub commits every 20 ms and needs 10 ms.
"""

import heapq
import itertools
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from protocols.clock import ClockSource
from protocols.ids import JournalId
from protocols.link import Ack, Frame, Plan, Receiver, Record, Sender, Stream

JOURNAL = JournalId("0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b")
FRAME_OVERHEAD_BYTES: Final = 115  # a frame's header and MQTT's
SEGMENT_BYTES: Final = 1440
SEGMENT_OVERHEAD_BYTES: Final = 52  # TCP and IP
COMMIT_EVERY_S, COMMIT_S = 0.02, 0.01
ACK_BYTES: Final = 160
NOTICED_S: Final = 8.0
"""So long a connection that carries nothing stands before it is given up."""

CONNECT_S: Final = 1.0

EVERY_S: Final = {
    Stream.VITALS: 1.0,
    Stream.POSITION: 1.0,
    Stream.TRIAGE: 5.0,
    Stream.LINK: 5.0,
    Stream.WAVEFORM: 0.128,  # ECG and pleth, each every 0.256 s
    Stream.ALARM: 7.0,
}
BODY_BYTES: Final = {
    Stream.VITALS: 350, Stream.POSITION: 160, Stream.TRIAGE: 280, Stream.LINK: 850,
    Stream.WAVEFORM: 700, Stream.ALARM: 120,
}  # fmt: skip
PACKING: Final = {
    Stream.VITALS: 0.13, Stream.POSITION: 0.3, Stream.TRIAGE: 0.18, Stream.LINK: 0.15,
    Stream.WAVEFORM: 0.33, Stream.ALARM: 0.4,
}  # fmt: skip


@dataclass(frozen=True)
class Traffic:
    """What the vehicle says: how often, and how long a body is."""

    every_s: dict[Stream, float]
    body_bytes: dict[Stream, int]
    in_step: bool = False  # everything that is due in a second is due at once


QUARTERS: Final = Traffic(EVERY_S, BODY_BYTES)
"""A monitor that sends its waveforms every quarter of a second."""

SECONDS: Final = Traffic(
    EVERY_S | {Stream.WAVEFORM: 1.0, Stream.TRIAGE: 4.0, Stream.ALARM: 1.07},
    BODY_BYTES | {Stream.WAVEFORM: 8_500},
    in_step=True,
)
"""One that sends a second of a noisy 12-lead at a time, and all else with it."""


@dataclass
class Seen:
    """What the hub got: when each record was made and when it was committed, seconds."""

    delays_s: dict[Stream, list[tuple[float, float]]] = field(default_factory=dict)
    backlog_done_s: float | None = None
    sent_bytes: float = 0.0
    most_queued_s: float = 0.0
    use: float = 0.0  # of the link, 0 to 1

    def percentile(
        self, stream: Stream, part: float, *, counts: Callable[[float], bool] = lambda _: True
    ) -> float:
        """Of the delays of what was made at a time that `counts`."""
        made = self.delays_s.get(stream, [])
        delays = sorted([delay for made_s, delay in made if counts(made_s)] or [math.inf])
        return delays[min(len(delays) - 1, int(part * len(delays)))]


@dataclass
class Way:
    """One path: bits a second each way, seconds one way, and when it carries nothing."""

    rate_bps: float
    delay_s: float
    dead: list[tuple[float, float]] = field(default_factory=list)
    up_free_s: float = 0.0
    down_free_s: float = 0.0

    def is_dead(self, at_s: float) -> bool:
        return any(begin <= at_s < end for begin, end in self.dead)


class ThinLink:
    """A vehicle with a backlog, and its ways to the hub; the clock begins at 0."""

    def __init__(
        self,
        ways: dict[str, Way],
        *,
        backlog_s: float,
        seed: int = 1,
        traffic: Traffic = QUARTERS,
    ) -> None:
        self._traffic = traffic
        self.ways = ways
        self._rng = random.Random(seed)
        self.now_s = 0.0
        self.seen = Seen()
        last = {stream: int(backlog_s / every_s) for stream, every_s in traffic.every_s.items()}
        last[Stream.ALARM] = 0
        self.sender = Sender(journal=JOURNAL, last=last, acked={}, paths=ways)
        self._backlog = last.copy()
        self._receiver = Receiver(journal=JOURNAL)
        self._made_s: dict[tuple[Stream, int], float] = {}
        self._newest = last.copy()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._look_s = 0.0
        self._arrived: list[tuple[Frame, tuple[tuple[int, int], ...]]] = []

    def run(self, until_s: float) -> Seen:
        """Connect, and let the time pass until then; may be asked to go on."""
        if not self._events:
            self._begin()
        while self._events[0][0] < until_s:
            self.now_s, _, happen = heapq.heappop(self._events)
            happen()
            self._pump()
        rate_bps = sum(way.rate_bps for way in self.ways.values())
        self.seen.use = self.seen.sent_bytes * 8 / rate_bps / until_s
        return self.seen

    def _begin(self) -> None:
        for name, way in self.ways.items():
            self.sender.connected(name, now_s=self.now_s)
            for begin_s, end_s in way.dead:
                self._at(begin_s + NOTICED_S, partial(self._cut, name, end_s))
                self._at(end_s + CONNECT_S, partial(self._joined, name))
        for stream, every_s in self._traffic.every_s.items():
            first_s = 0.5 if self._traffic.in_step else self._rng.uniform(0, every_s)
            self._at(first_s, partial(self._append, stream))
        self._at(self.now_s, self._commit)
        self._pump()

    def made(self, stream: Stream) -> int:
        """How many records of `stream` were made while it ran."""
        return self._newest[stream] - self._backlog[stream]

    def _at(self, when_s: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when_s, next(self._order), happen))

    def _append(self, stream: Stream) -> None:
        self._newest[stream] += 1
        self._made_s[stream, self._newest[stream]] = self.now_s
        self.sender.appended(stream, self._newest[stream], now_s=self.now_s)
        self._at(self.now_s + self._traffic.every_s[stream], partial(self._append, stream))

    def _cut(self, name: str, until_s: float) -> None:
        if self.now_s < until_s:
            self.sender.disconnected(name)

    def _joined(self, name: str) -> None:
        way = self.ways[name]
        if not way.is_dead(self.now_s):
            way.up_free_s = way.down_free_s = self.now_s
            self.sender.connected(name, now_s=self.now_s)

    def _look(self) -> None:
        self.sender.tick(now_s=self.now_s)

    def _pump(self) -> None:
        for name, way in self.ways.items():
            while (plan := self.sender.plan(name, now_s=self.now_s)) is not None:
                self._send(plan, way)
        due_s = self.sender.next_tick_s(now_s=self.now_s)
        if due_s is not None and not self.now_s < self._look_s <= due_s:
            self._look_s = max(self.now_s + 0.001, due_s)
            self._at(self._look_s, self._look)

    def _send(self, plan: Plan, way: Way) -> None:
        body = self._traffic.body_bytes[plan.stream]
        count = max(1, min(plan.last_seq - plan.first_seq + 1, plan.max_bytes // body))
        # what stands alone packs worse than what follows its like
        packed = body * PACKING[plan.stream] * (1 + (count - 1) * 0.85)
        size = int(packed) + FRAME_OVERHEAD_BYTES
        sent_utc_us = int(self.now_s * 1e6) + next(self._order) % 100
        self.sender.sent(
            plan, last_seq=plan.first_seq + count - 1, body_bytes=body * count,
            size_bytes=size, sent_utc_us=sent_utc_us, now_s=self.now_s,
        )  # fmt: skip
        frame = Frame(
            journal=JOURNAL, stream=plan.stream, first_seq=plan.first_seq, lane=plan.lane,
            sent_utc_us=sent_utc_us, clock=ClockSource.GNSS, clock_error_us=1,
            records=(Record(0, b"x"),) * count,
        )  # fmt: skip
        wire = size + math.ceil(size / SEGMENT_BYTES) * SEGMENT_OVERHEAD_BYTES
        way.up_free_s = max(way.up_free_s, self.now_s) + wire * 8 / way.rate_bps
        self.seen.most_queued_s = max(self.seen.most_queued_s, way.up_free_s - self.now_s)
        self.seen.sent_bytes += wire
        arrives_s = way.up_free_s + way.delay_s
        if not way.is_dead(arrives_s):
            self._at(arrives_s, partial(self._arrive, frame))

    def _arrive(self, frame: Frame) -> None:
        spans = self._receiver.offer(frame, now_s=self.now_s)
        if spans:
            self._arrived.append((frame, spans))

    def _commit(self) -> None:
        done_s = self.now_s + COMMIT_S
        for frame, spans in self._arrived:
            self._receiver.committed(frame.stream, spans, now_s=self.now_s)
            for seq in range(frame.first_seq, frame.last_seq + 1):
                made_s = self._made_s.pop((frame.stream, seq), None)
                if made_s is not None:
                    delays = self.seen.delays_s.setdefault(frame.stream, [])
                    delays.append((made_s, done_s - made_s))
        self._arrived.clear()
        ack = self._receiver.take_ack(now_utc_us=0)
        if ack is not None:
            for way in self.ways.values():
                way.down_free_s = max(way.down_free_s, done_s) + ACK_BYTES * 8 / way.rate_bps
                arrives_s = way.down_free_s + way.delay_s
                if not way.is_dead(arrives_s):
                    self._at(arrives_s, partial(self._ack, ack))
        self._at(self.now_s + COMMIT_EVERY_S, self._commit)

    def _ack(self, ack: Ack) -> None:
        self.sender.acked(ack, now_s=self.now_s)
        if self.seen.backlog_done_s is None and not any(
            self.sender.held(stream).watermark < newest for stream, newest in self._backlog.items()
        ):
            self.seen.backlog_done_s = self.now_s
