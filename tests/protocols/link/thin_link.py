"""A vehicle's whole traffic over a link of a given rate and delay, in virtual time.

One bottleneck each way with a queue that holds whatever is given to it, as TCP's and a modem's
buffers do: only the sender keeps it short. The hub commits every 20 ms and needs 10 ms for it.
"""

import heapq
import itertools
import math
import random
from dataclasses import dataclass, field
from typing import Final

from protocols.clock import ClockSource
from protocols.ids import JournalId
from protocols.link import Ack, Frame, Receiver, Record, Sender, Stream

JOURNAL = JournalId("0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b")
FRAME_OVERHEAD_BYTES: Final = 115  # a frame's header and MQTT's
SEGMENT_BYTES: Final = 1440
SEGMENT_OVERHEAD_BYTES: Final = 52  # TCP and IP
COMMIT_EVERY_S, COMMIT_S = 0.02, 0.01
ACK_BYTES: Final = 160

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


@dataclass
class Seen:
    """What the hub got: when each record was made and when it was committed, seconds."""

    delays_s: dict[Stream, list[float]] = field(default_factory=dict)
    backlog_done_s: float | None = None
    sent_bytes: float = 0.0
    most_queued_s: float = 0.0
    use: float = 0.0  # of the link, 0 to 1

    def percentile(self, stream: Stream, part: float) -> float:
        delays = sorted(self.delays_s.get(stream, [math.inf]))
        return delays[min(len(delays) - 1, int(part * len(delays)))]


class ThinLink:
    """`rate_bps` bits a second each way, `delay_s` one way."""

    def __init__(self, *, rate_bps: float, delay_s: float, backlog_s: float, seed: int = 1) -> None:
        self._rate, self._delay_s = rate_bps / 8, delay_s
        self._rng = random.Random(seed)
        self.now_s = 1000.0
        self.seen = Seen()
        last = {stream: int(backlog_s / every_s) for stream, every_s in EVERY_S.items()}
        last[Stream.ALARM] = 0
        self.sender = Sender(journal=JOURNAL, last=last, acked={})
        self._backlog = last.copy()
        self._receiver = Receiver(journal=JOURNAL)
        self._made_s: dict[tuple[Stream, int], float] = {}
        self._newest = last.copy()
        self._events: list[tuple[float, int, str, object]] = []
        self._order = itertools.count()
        self._look_s = 0.0
        self._up_free_s = self._down_free_s = self.now_s
        self._arrived: list[tuple[Frame, tuple[tuple[int, int], ...]]] = []

    def run(self, for_s: float) -> Seen:
        """Connect, and let `for_s` seconds pass."""
        self.sender.connected()
        end_s = self.now_s + for_s
        for stream, every_s in EVERY_S.items():
            self._at(self.now_s + self._rng.uniform(0, every_s), "append", stream)
        self._at(self.now_s, "commit", None)
        self._pump()
        while self._events and self._events[0][0] < end_s:
            self.now_s, _, kind, what = heapq.heappop(self._events)
            getattr(self, f"_{kind}")(what)
            self._pump()
        self.seen.use = self.seen.sent_bytes / self._rate / for_s
        return self.seen

    def _at(self, when_s: float, kind: str, what: object) -> None:
        heapq.heappush(self._events, (when_s, next(self._order), kind, what))

    def _append(self, stream: Stream) -> None:
        self._newest[stream] += 1
        self._made_s[stream, self._newest[stream]] = self.now_s
        self.sender.appended(stream, self._newest[stream], now_s=self.now_s)
        self._at(self.now_s + EVERY_S[stream], "append", stream)

    def _look(self, _: object) -> None:
        self.sender.tick(now_s=self.now_s)

    def _pump(self) -> None:
        while (plan := self.sender.plan(now_s=self.now_s)) is not None:
            body = BODY_BYTES[plan.stream]
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
            self._up_free_s = max(self._up_free_s, self.now_s) + wire / self._rate
            self.seen.most_queued_s = max(self.seen.most_queued_s, self._up_free_s - self.now_s)
            self.seen.sent_bytes += wire
            self._at(self._up_free_s + self._delay_s, "arrive", frame)
        due_s = self.sender.next_tick_s(now_s=self.now_s)
        if due_s is not None and not self.now_s < self._look_s <= due_s:
            self._look_s = max(self.now_s + 0.001, due_s)
            self._at(self._look_s, "look", None)

    def _arrive(self, frame: Frame) -> None:
        spans = self._receiver.offer(frame, now_s=self.now_s)
        if spans:
            self._arrived.append((frame, spans))

    def _commit(self, _: object) -> None:
        done_s = self.now_s + COMMIT_S
        for frame, spans in self._arrived:
            self._receiver.committed(frame.stream, spans, now_s=self.now_s)
            for seq in range(frame.first_seq, frame.last_seq + 1):
                made_s = self._made_s.pop((frame.stream, seq), None)
                if made_s is not None:
                    self.seen.delays_s.setdefault(frame.stream, []).append(done_s - made_s)
        self._arrived.clear()
        ack = self._receiver.take_ack(now_utc_us=0)
        if ack is not None:
            self._down_free_s = max(self._down_free_s, done_s) + ACK_BYTES / self._rate
            self._at(self._down_free_s + self._delay_s, "ack", ack)
        self._at(self.now_s + COMMIT_EVERY_S, "commit", None)

    def _ack(self, ack: Ack) -> None:
        self.sender.acked(ack, now_s=self.now_s)
        if self.seen.backlog_done_s is None and not any(
            self.sender.held(stream).watermark < newest for stream, newest in self._backlog.items()
        ):
            self.seen.backlog_done_s = self.now_s - 1000.0
