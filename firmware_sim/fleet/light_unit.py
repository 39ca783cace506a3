"""A light unit: a vehicle that drives, has a status, and speaks the link; nothing else. Pure.

It uses the same `Sender` as a full vehicle, over a journal in memory. The shell calls `second` once
a second, carries `frames` to the broker, and hands acks to `heard`.

Nearly always a unit says where it is, and has the hub's word for it before it speaks again. That
position is `_Alone`: nothing else waits or is under way, so the sender need not choose, and hears
of it only once it is acknowledged. If anything else happens first, the sender is told what became
of it, as if it had been asked (`_settle`), and goes on from there.
"""

import random
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from firmware_sim.fleet.credentials import Credential
from firmware_sim.fleet.journal import MemoryJournal
from firmware_sim.fleet.position import position_body
from firmware_sim.gnss import Drive
from protocols.clock import ClockSource
from protocols.dispatch.time_nodes import NodeSource
from protocols.dispatch.unit_status import NEXT_EVENT, STAMPS, CrewEvent, UnitStatus, advance
from protocols.ids import JournalId, UnitId
from protocols.link import topics
from protocols.link.ack import decode_ack
from protocols.link.frame import Record
from protocols.link.frame_writer import FrameWriter
from protocols.link.packing import Packer
from protocols.link.sender import Sender
from protocols.link.streams import Lane, Stream
from protocols.link.wire import Loader
from protocols.messages.base import Message
from protocols.messages.presence import Presence
from protocols.messages.status import Gap, StatusChange, TimeNodeStamp

SOFTWARE: Final = "sim-0.1"


@dataclass(slots=True)
class _Alone:
    """The one record that is not acknowledged, and how it left, if it has."""

    seq: int
    record: Record
    made_s: float
    sent_s: float | None = None
    sent_utc_us: int = 0
    size_bytes: int = 0


_TICK_S: Final = 1.0
"""A light unit's drive is worked out once a second."""

_STAY_S: Final = {
    UnitStatus.AVAILABLE: (60.0, 1_200.0),
    UnitStatus.EN_ROUTE: (180.0, 600.0),
    UnitStatus.ON_SCENE: (60.0, 240.0),
    UnitStatus.WITH_PATIENT: (300.0, 900.0),
    UnitStatus.TRANSPORTING: (300.0, 900.0),
    UnitStatus.AT_HOSPITAL: (240.0, 600.0),
    UnitStatus.CLEARING: (120.0, 600.0),
}
"""How long a crew stays in each status, seconds, from and to."""


class LightUnit:
    """One light unit. `begin` once, `second` each second, the rest as the link has it."""

    def __init__(
        self,
        credential: Credential,
        *,
        seed: int,
        packer: Packer | None = None,
        loader: Loader | None = None,
    ) -> None:
        """`packer`, `loader`: those of the fleet, where many units take turns."""
        self._loader = loader
        own = zlib.crc32(credential.unit.encode()) ^ seed
        self.unit = UnitId(credential.unit)
        self.presence_topic = topics.presence(self.unit)
        self.ack_topic = topics.down_ack(self.unit)
        self._topics: dict[Stream, str] = {}
        self.credential = credential
        self.journal_id = JournalId(str(uuid.uuid4()))
        self._writer = FrameWriter(self.journal_id, packer or Packer())
        self.phase = own % 1000 / 1000  # when in a second it speaks
        self._rng = random.Random(own)
        self._drive = Drive(seed=own, tick_s=_TICK_S)
        self._journal = MemoryJournal()
        self._sender = Sender(journal=self.journal_id, last={}, acked={})
        self._status = UnitStatus.AVAILABLE
        self._run_id: str | None = None
        self._next_event_s = 0.0
        self._alone: _Alone | None = None
        self._is_connected = False

    @property
    def waiting(self) -> int:
        """Records that the hub has not acknowledged."""
        return self._journal.waiting

    @property
    def oldest_utc_us(self) -> int | None:
        """When the oldest record that the hub has not acknowledged was captured."""
        return self._journal.oldest_utc_us()

    def begin(self, *, now_utc_us: int, now_s: float) -> None:
        """State the status, choose when the crew moves next."""
        self._next_event_s = now_s + self._rng.uniform(5.0, _STAY_S[self._status][1])
        self._append(StatusChange(status=self._status), now_utc_us, now_s)

    def second(self, *, now_utc_us: int, now_s: float) -> None:
        """Drive on for a second; record the position, and the crew's next step if it is due."""
        if now_s >= self._next_event_s:
            self._step(now_utc_us, now_s)
        record = Record(now_utc_us, position_body(self._drive.step()))
        if self._is_connected and not self._journal.waiting:
            seq = self._journal.append(Stream.POSITION, record)
            self._alone = _Alone(seq, record, now_s)
            return
        self._keep(Stream.POSITION, record, now_s)
        self._shed(Stream.POSITION, now_utc_us, now_s)
        self._sender.tick(now_s=now_s)

    def presence(self, *, connection: str, online: bool, now_utc_us: int) -> bytes:
        """Return the payload of a birth, or of the death that the broker keeps as last will."""
        return Presence(
            online=online, connection=connection, journal=self.journal_id,
            profile=self.credential.profile, call_sign=self.credential.call_sign, light=True,
            software=SOFTWARE, since_utc_us=now_utc_us,
        ).to_payload()  # fmt: skip

    def connected(self, *, now_s: float) -> None:
        """Begin a session."""
        self._settle()
        self._sender.connected(now_s=now_s)
        self._is_connected = True

    def disconnected(self) -> None:
        """End the session; records go on being kept."""
        self._settle()
        self._sender.disconnected()
        self._is_connected = False

    def frames(self, *, now_utc_us: int, now_s: float) -> Iterator[tuple[str, bytes]]:
        """Yield `(topic, payload)` of every frame that may leave now."""
        alone = self._alone
        if alone is not None:
            if alone.sent_s is None:
                payload = self._write(Stream.POSITION, alone.seq, Lane.LIVE, now_utc_us,
                                      [alone.record])  # fmt: skip
                alone.sent_s, alone.sent_utc_us = now_s, now_utc_us
                alone.size_bytes = len(payload)
                yield self._topic(Stream.POSITION), payload
            return
        while (plan := self._sender.plan(now_s=now_s)) is not None:
            records: list[Record] = []
            size = 0
            for record in self._journal.read(plan.stream, plan.first_seq, plan.last_seq):
                size += len(record.body) + 12
                if records and size > plan.max_bytes:
                    break
                records.append(record)
            payload = self._write(plan.stream, plan.first_seq, plan.lane, now_utc_us, records)
            self._sender.sent(
                plan, last_seq=plan.first_seq + len(records) - 1, size_bytes=len(payload),
                body_bytes=sum(len(record.body) for record in records), sent_utc_us=now_utc_us,
                now_s=now_s,
            )  # fmt: skip
            yield self._topic(plan.stream), payload

    def heard(self, payload: bytes, *, now_s: float) -> list[int]:
        """Take in an ack; return when each record that it frees was captured.

        Raises:
            RemoteProtocolError: it is none; nothing has changed.
        """
        ack, alone = decode_ack(payload, self._loader), self._alone
        if alone is not None and alone.sent_s is not None and ack.journal == self.journal_id:
            held = ack.streams.get(Stream.POSITION)
            if held is not None and held.watermark >= alone.seq and len(ack.streams) == 1:
                self._alone = None
                self._sender.confirmed(Stream.POSITION, alone.seq)
                return self._journal.acknowledged(Stream.POSITION, alone.seq)
        self._settle()
        freed_utc_us: list[int] = []
        for stream, held in self._sender.acked(ack, now_s=now_s).items():
            freed_utc_us += self._journal.acknowledged(stream, held.watermark)
        return freed_utc_us

    def _step(self, now_utc_us: int, now_s: float) -> None:
        event = NEXT_EVENT[self._status]
        if self.credential.profile == "patrol" and self._status is UnitStatus.ON_SCENE:
            event = CrewEvent.CLEAR  # a patrol leaves out what concerns a patient
        if event is CrewEvent.ROLL:
            self._run_id = f"{self.unit}-{now_utc_us // 1_000_000}"
        self._status = advance(self._status, event)
        change = StatusChange(status=self._status, event=event, run_id=self._run_id)
        self._append(change, now_utc_us, now_s)
        if self._run_id is not None:
            stamp = TimeNodeStamp(
                node=STAMPS[event], source=NodeSource.BUTTON, run_id=self._run_id,
                at_utc_us=now_utc_us,
            )  # fmt: skip
            self._append(stamp, now_utc_us, now_s)
        if self._status is UnitStatus.AVAILABLE:
            self._run_id = None
        self._next_event_s = now_s + self._rng.uniform(*_STAY_S[self._status])

    def _settle(self) -> None:
        """Tell the sender of the record that it was not asked about, and of its way so far."""
        alone, self._alone = self._alone, None
        if alone is None:
            return
        self._sender.appended(Stream.POSITION, alone.seq, now_s=alone.made_s)
        if alone.sent_s is None:
            return
        plan = self._sender.plan(now_s=alone.sent_s)
        if plan is not None:  # if there were no room it would be sent once more, and known there
            self._sender.sent(
                plan, last_seq=alone.seq, size_bytes=alone.size_bytes,
                body_bytes=len(alone.record.body), sent_utc_us=alone.sent_utc_us,
                now_s=alone.sent_s,
            )  # fmt: skip

    def _append(self, message: Message, now_utc_us: int, now_s: float) -> None:
        self._keep(Stream.STATUS, Record(now_utc_us, message.to_body()), now_s)

    def _keep(self, stream: Stream, record: Record, now_s: float) -> None:
        self._settle()
        seq = self._journal.append(stream, record)
        self._sender.appended(stream, seq, now_s=now_s)

    def _write(
        self, stream: Stream, first_seq: int, lane: Lane, now_utc_us: int, records: list[Record]
    ) -> bytes:
        return self._writer.write(
            stream, first_seq=first_seq, lane=lane, sent_utc_us=now_utc_us,
            clock=ClockSource.RTC, clock_error_us=None, records=records,
        )  # fmt: skip

    def _topic(self, stream: Stream) -> str:
        known = self._topics.get(stream)
        if known is None:
            known = self._topics[stream] = topics.up(self.unit, stream)
        return known

    def _shed(self, stream: Stream, now_utc_us: int, now_s: float) -> None:
        dropped = self._journal.overflow(stream)
        if dropped is None:
            return
        first, last, first_utc_us, last_utc_us = dropped
        self._sender.gone(stream, first, last)
        gap = Gap(
            stream=stream, first_seq=first, last_seq=last, reason="retention",
            first_captured_utc_us=first_utc_us, last_captured_utc_us=last_utc_us,
        )  # fmt: skip
        self._append(gap, now_utc_us, now_s)
