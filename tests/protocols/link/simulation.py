"""A world in which the two machines talk over a bad network, under a seeded scheduler.

Virtual time; each step does one thing that the seed picks: append a record, let the sender speak,
deliver, lose, double or delay a message, commit or fail a transaction, kill and restart a side, cut
or mend a path of one or two, shed old bulk. `check_promise` then heals everything and compares both
ends.
"""

import heapq
import random
from dataclasses import dataclass, field

from protocols.clock import ClockSource
from protocols.ids import JournalId, Seq
from protocols.link import (
    NEVER_SHED,
    Ack,
    Frame,
    Held,
    Lane,
    Plan,
    Receiver,
    Record,
    Sender,
    Stream,
    decode_ack,
    decode_frame,
    encode_ack,
    encode_frame,
)
from protocols.link.ranges import SeqRanges

JOURNAL = JournalId("0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b")
STREAMS = (Stream.ALARM, Stream.VITALS, Stream.WAVEFORM)


@dataclass
class Disk:
    """What a power cut leaves of the vehicle: accepted records, and what the hub acknowledged."""

    records: dict[Stream, list[bytes]] = field(default_factory=lambda: {s: [] for s in STREAMS})
    acked: dict[Stream, SeqRanges] = field(
        default_factory=lambda: {s: SeqRanges() for s in STREAMS}
    )
    shed: dict[Stream, set[int]] = field(default_factory=lambda: {s: set() for s in STREAMS})


@dataclass
class Tables:
    """What a power cut leaves of the hub: rows by seq, and the ledger of the same transaction."""

    rows: dict[Stream, dict[int, bytes]] = field(default_factory=lambda: {s: {} for s in STREAMS})
    stored: dict[Stream, int] = field(default_factory=lambda: dict.fromkeys(STREAMS, 0))
    ledger: dict[Stream, Held] = field(default_factory=dict)


class World:
    """One vehicle, one hub, and what lies between."""

    def __init__(self, seed: int, paths: tuple[str, ...] = ("first",)) -> None:
        self.seed = seed
        self.paths = paths
        self.random = random.Random(seed)
        self.now_s = 1000.0
        self.disk, self.tables = Disk(), Tables()
        self.is_up = dict.fromkeys(paths, True)
        self.steps = 0
        self._wire: list[tuple[float, int, str, str, bytes]] = []  # due, order, way, path
        self._order = 0
        self._uncommitted: list[tuple[Frame, tuple[tuple[int, int], ...]]] = []
        self.sender = self._new_sender()
        self.receiver = Receiver(journal=JOURNAL)
        self._connect()

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        self.steps += 1
        self.now_s += self.random.expovariate(20)
        roll = self.random.random()
        if roll < 0.30:
            self.append()
        elif roll < 0.60:
            self.speak()
        elif roll < 0.85:
            self.deliver()
        elif roll < 0.93:
            self.commit(fails=self.random.random() < 0.1)
        elif roll < 0.96:
            self.sender.tick(now_s=self.now_s)
        elif roll < 0.97:
            self.shed()
        elif roll < 0.98:
            self.vehicle_dies()
        elif roll < 0.99:
            self.hub_dies()
        else:
            self.cut_or_mend()

    def check_promise(self) -> None:
        """Heal the world, run until quiet, and compare both ends, record by record."""
        why = f"seed {self.seed} after {self.steps} steps"
        self.is_up = dict.fromkeys(self.paths, True)
        self._connect()
        for _ in range(200_000):
            if all(self.sender.waiting(stream) == 0 for stream in STREAMS):
                break
            self.now_s += 0.05
            for path in self.paths:
                self.speak(path)
            self.deliver(fault=False)
            self.commit(fails=False)
            self.sender.tick(now_s=self.now_s)
        for stream in STREAMS:
            accepted = {
                seq: body
                for seq, body in enumerate(self.disk.records[stream], start=1)
                if seq in self.tables.rows[stream] or seq not in self.disk.shed[stream]
            }
            assert self.tables.rows[stream] == accepted, f"{why}: {stream} differs"
            assert self.tables.stored[stream] == len(accepted), f"{why}: {stream} stored twice"
            assert self.sender.waiting(stream) == 0, f"{why}: {stream} never drained"

    def append(self) -> None:
        stream = self.random.choice(STREAMS)
        body = self.random.randbytes(self.random.choice((8, 40, 900)))
        self.disk.records[stream].append(body)
        self.sender.appended(stream, len(self.disk.records[stream]), now_s=self.now_s)

    def speak(self, path: str | None = None) -> None:
        path = self.random.choice(self.paths) if path is None else path
        plan = self.sender.plan(path, now_s=self.now_s)
        if plan is None:
            return
        frame = self._frame(plan)
        payload = encode_frame(frame)
        self.sender.sent(
            plan,
            last_seq=frame.last_seq,
            body_bytes=sum(len(record.body) for record in frame.records),
            size_bytes=len(payload),
            sent_utc_us=frame.sent_utc_us,
            now_s=self.now_s,
        )
        self._put("up", path, payload)

    def _frame(self, plan: Plan) -> Frame:
        records: list[Record] = []
        size = 0
        for seq in range(plan.first_seq, plan.last_seq + 1):
            body = self.disk.records[plan.stream][seq - 1]
            size += len(body)
            if records and size > plan.max_bytes:
                break
            records.append(Record(captured_utc_us=seq, body=body))
        return Frame(
            journal=JOURNAL,
            stream=plan.stream,
            first_seq=Seq(plan.first_seq),
            lane=plan.lane,
            sent_utc_us=int(self.now_s * 1e6),
            clock=ClockSource.GNSS,
            clock_error_us=50,
            records=tuple(records),
        )

    def _put(self, way: str, path: str, payload: bytes, *, fault: bool = True) -> None:
        copies = 1 + (fault and self.random.random() < 0.05)
        for _ in range(copies):
            self._order += 1
            arrives_s = self.now_s + self.random.uniform(0.01, 0.5)
            heapq.heappush(self._wire, (arrives_s, self._order, way, path, payload))

    def deliver(self, *, fault: bool = True) -> None:
        while self._wire and self._wire[0][0] <= self.now_s:
            _, _, way, path, payload = heapq.heappop(self._wire)
            if fault and (not self.is_up[path] or self.random.random() < 0.1):
                continue
            if way == "up":
                frame = decode_frame(payload)
                spans = self.receiver.offer(frame, now_s=self.now_s)
                if spans:
                    self._uncommitted.append((frame, spans))
            else:
                self._hear(decode_ack(payload))
        if self.receiver.due_s is not None and self.receiver.due_s <= self.now_s:
            ack = self.receiver.take_ack(now_utc_us=int(self.now_s * 1e6))
            if ack is not None:
                for path in self.paths:  # the broker hands it to every connection of the unit
                    self._put("down", path, encode_ack(ack), fault=fault)

    def _hear(self, ack: Ack) -> None:
        changed = self.sender.acked(ack, now_s=self.now_s)
        for stream, held in changed.items():
            self.disk.acked[stream] = SeqRanges(held)

    def commit(self, *, fails: bool) -> None:
        for frame, spans in self._uncommitted:
            if fails:
                self.receiver.failed(frame.stream, spans)
                continue
            held = self.receiver.held_after(frame.stream, spans)
            for first, last in spans:
                for seq in range(first, last + 1):
                    self.tables.rows[frame.stream][seq] = frame.records[seq - frame.first_seq].body
                    self.tables.stored[frame.stream] += 1
            self.tables.ledger[frame.stream] = held
            self.receiver.committed(frame.stream, spans, now_s=self.now_s)
        self._uncommitted.clear()

    def shed(self) -> None:
        stream = Stream.WAVEFORM
        assert stream not in NEVER_SHED
        newest = len(self.disk.records[stream])
        cut = newest - 30
        for first, last in list(self.disk.acked[stream].missing(1, max(0, cut))):
            self.sender.gone(stream, first, last)
            self.disk.acked[stream].add(first, last)
            self.disk.shed[stream] |= set(range(first, last + 1))

    def vehicle_dies(self) -> None:
        self.sender = self._new_sender()
        self._connect()

    def hub_dies(self) -> None:
        self._uncommitted.clear()
        self.receiver = Receiver(journal=JOURNAL, held=self.tables.ledger)

    def cut_or_mend(self) -> None:
        path = self.random.choice(self.paths)
        self.is_up[path] = not self.is_up[path]
        self.now_s += self.random.choice((0.1, 5, 7200))
        self.sender.disconnected(path)
        self.sender.connected(path, now_s=self.now_s)

    def _connect(self) -> None:
        for path in self.paths:
            self.sender.disconnected(path)
            self.sender.connected(path, now_s=self.now_s)

    def _new_sender(self) -> Sender:
        return Sender(
            journal=JOURNAL,
            last={stream: len(rows) for stream, rows in self.disk.records.items()},
            acked={stream: ranges.held for stream, ranges in self.disk.acked.items()},
            paths=self.paths,
        )


__all__ = ["Lane", "World"]
