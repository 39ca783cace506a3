"""Ingest: frames in, records committed, acks out. Law: no ack before its commit.

Theory of operation. `hear` takes each MQTT message in the network's turn: it only decodes and
queues. `run` empties the queue every 20 ms into one transaction: each journal's `Receiver` says
which records are new, they are COPYed in with their ledger, and only then do the acks go out and
the taps hear of it. If the database refuses, nothing was acknowledged and the vehicles send again.

The queue is bounded, by what its frames hold and for each unit apart; where it is full a frame is
dropped unacknowledged and counted, which to its vehicle looks like loss on the way. A body that is
not understood is kept and acknowledged all the same, for refusing it for ever would stall its
stream; it is counted and not shown.
"""

import asyncio
import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from hub.ingest import metrics
from hub.ingest.taps import Arrived, Taps
from hub.store import ledgers
from hub.store import records as store
from hub.store.database import Pool
from hub.store.records import StoredRecord
from protocols.clock import Clock
from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId, Seq, UnitId
from protocols.link import (
    Ack,
    Frame,
    Held,
    Origin,
    Receiver,
    Stream,
    decode_ack,
    decode_frame,
    encode_ack,
)
from protocols.link.ranges import SeqRanges
from protocols.link.receiver import MAX_RANGES
from protocols.link.topics import LINK_ACK, Address, down_ack, parse_topic
from protocols.messages import Gap, Message, Presence, parse_body

log = logging.getLogger(__name__)

BATCH_S: Final = 0.02
QUEUE_BYTES: Final = 64 * 2**20
UNIT_BYTES: Final = 4 * 2**20
"""Of the frames that wait, unpacked: of all units, and of each, so that none crowds out another."""

BATCH_FRAMES: Final = 4_000
RECEIVERS: Final = 20_000
"""Journals kept in memory; the longest unheard one is read again from the database when needed."""

GREETED_EACH: Final = 4
"""Journals that one unit may announce before it is answered: it has one, and had another."""

RETRY_S: Final = 1.0
_RECORD_BYTES: Final = 200  # of a record in memory, beside its body

NEVER_STORED: Final = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""The database works, and takes none of this batch: asking again would stall everybody for ever."""

Publish = Callable[[str, bytes], None]
LinkAckTap = Callable[[UnitId, Ack], None]
_Key = tuple[UnitId, JournalId]
_Ledger = tuple[UnitId, JournalId, Stream]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Waiting:
    unit: UnitId
    frame: Frame
    received_us: int
    size_bytes: int


@dataclass(slots=True)
class _Batch:
    records: list[Arrived] = field(default_factory=list)
    gaps: list[tuple[UnitId, JournalId, Gap]] = field(default_factory=list)
    spans: dict[_Ledger, list[Span]] = field(default_factory=dict)
    declared: dict[_Ledger, SeqRanges] = field(default_factory=dict)

    def cover(self, key: _Ledger, span: Span) -> None:
        self.spans.setdefault(key, []).append(span)


class Ingest:
    """The ingest of the partitions that one process holds."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        taps: Taps,
        *,
        publish: Publish,
        heard_link_ack: LinkAckTap,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._taps = taps
        self._publish = publish
        self._heard_link_ack = heard_link_ack
        self._queue: deque[_Waiting] = deque()
        self._queue_bytes = 0
        self._unit_bytes: Counter[UnitId] = Counter()
        self._refused: dict[UnitId, dict[str, int]] = {}
        self._greeted: dict[_Key, None] = {}
        self._greeted_of: Counter[UnitId] = Counter()
        self._receivers: OrderedDict[_Key, Receiver] = OrderedDict()
        self._wake = asyncio.Event()
        self._stalled = False

    @property
    def is_stalled(self) -> bool:
        """The database refused the last batch."""
        return self._stalled

    def hear(self, topic: str, payload: bytes) -> None:
        """Take one MQTT message; returns at once, never raises."""
        unit: UnitId | None = None
        try:
            address = parse_topic(topic)
            unit = address.unit
            self._sort(address, payload)
        except RemoteProtocolError as err:
            self._refuse(unit, str(err.facts.get("reason", "unknown")))

    async def run(self) -> None:
        """Commit and acknowledge until cancelled."""
        while True:
            await self._wake.wait()
            await self._clock.sleep(BATCH_S)
            self._wake.clear()
            while self._queue or self._refused or self._greeted:
                if not await self._turn():
                    await self._clock.sleep(RETRY_S)

    def _sort(self, address: Address, payload: bytes) -> None:
        if address.rest == "presence":
            presence = Presence.from_payload(payload)
            self._taps.presence(address.unit, presence)
            if presence.online and presence.journal is not None:
                self._greet(address.unit, JournalId(presence.journal))
        elif address.rest == f"up/{LINK_ACK}":
            self._heard_link_ack(address.unit, decode_ack(payload))
        else:
            self._take_frame(address, payload)

    def _take_frame(self, address: Address, payload: bytes) -> None:
        frame = decode_frame(payload)
        if frame.stream is not address.stream or frame.stream is Stream.ORDER:
            raise RemoteProtocolError(reason="wrong-stream")
        metrics.FRAMES.labels(frame.stream.value, frame.lane.name.lower()).inc()
        size = _held_bytes(frame)
        if (
            self._unit_bytes[address.unit] + size > UNIT_BYTES
            or self._queue_bytes + size > QUEUE_BYTES
        ):
            metrics.REFUSED.labels("hub-busy").inc()
            return
        self._unit_bytes[address.unit] += size
        self._queue_bytes += size
        self._queue.append(_Waiting(address.unit, frame, self._clock.utc_us(), size))
        self._wake.set()

    def _greet(self, unit: UnitId, journal: JournalId) -> None:
        """Have the unit told what is held of its journal, whatever it sends."""
        if self._greeted_of[unit] >= GREETED_EACH:
            metrics.REFUSED.labels("too-many-journals").inc()
            return
        if (unit, journal) not in self._greeted:
            self._greeted_of[unit] += 1
            self._greeted[unit, journal] = None
        self._wake.set()

    def _refuse(self, unit: UnitId | None, reason: str) -> None:
        metrics.REFUSED.labels(reason).inc()
        if unit is None:
            return
        counts = self._refused.setdefault(unit, {})
        counts[reason] = counts.get(reason, 0) + 1
        self._wake.set()

    async def _turn(self) -> bool:
        """Commit one batch; return False where the database refused and the batch was let go."""
        frames = self._next_frames()
        greeted = list(self._greeted)[:BATCH_FRAMES]
        heard = dict.fromkeys((waiting.unit, waiting.frame.journal) for waiting in frames)
        try:
            await self._load_receivers({*heard, *greeted})
        except (asyncpg.PostgresError, OSError, TimeoutError, asyncpg.InterfaceError) as err:
            self._stall(err)
            return False
        try:
            good = await self._store(frames)
        except NEVER_STORED:
            good = await self._store_by_unit(frames)
        for key in greeted:
            del self._greeted[key]
            self._greeted_of[key[0]] -= 1
            self._receivers[key].say_all(now_s=self._clock.monotonic_s())
        self._acknowledge(dict.fromkeys([*heard, *greeted]))
        return good

    async def _store(self, frames: list[_Waiting]) -> bool:
        """Commit what is new in `frames`; return False where the database is away.

        Raises:
            asyncpg.DataError, asyncpg.IntegrityConstraintViolationError: it takes none of it,
                now or ever.
        """
        batch = _Batch()
        try:
            self._offer(batch, frames)
            return await self._commit(batch) if batch.spans else True
        except BaseException:
            self._let_go(batch)  # sent again it is new again
            raise

    async def _store_by_unit(self, frames: list[_Waiting]) -> bool:
        """Commit each unit's frames by themselves: one unit's fault stays its own."""
        by_unit: dict[UnitId, list[_Waiting]] = {}
        for waiting in frames:
            by_unit.setdefault(waiting.unit, []).append(waiting)
        good = True
        for unit, of_unit in by_unit.items():
            try:
                good &= await self._store(of_unit)
            except NEVER_STORED as err:
                log.error("ingest.not_storable", extra={"unit": unit, "error": type(err).__name__})  # noqa: TRY400
                good &= await self._store_one_by_one(of_unit)
        return good

    async def _store_one_by_one(self, frames: list[_Waiting]) -> bool:
        """Commit each frame by itself: one that cannot be stored keeps back no other stream."""
        good = True
        for waiting in frames:
            try:
                good &= await self._store([waiting])
            except NEVER_STORED:
                self._refuse(waiting.unit, "not-storable")
        return good

    def _next_frames(self) -> list[_Waiting]:
        frames = [self._queue.popleft() for _ in range(min(BATCH_FRAMES, len(self._queue)))]
        for waiting in frames:
            self._unit_bytes[waiting.unit] -= waiting.size_bytes
            self._queue_bytes -= waiting.size_bytes
        if not self._queue:
            self._unit_bytes.clear()
        metrics.QUEUE.set(len(self._queue))
        return frames

    def _offer(self, batch: _Batch, frames: list[_Waiting]) -> None:
        now_s = self._clock.monotonic_s()
        for waiting in frames:
            unit, frame = waiting.unit, waiting.frame
            receiver = self._receivers[unit, frame.journal]
            try:
                spans = receiver.offer(frame, now_s=now_s)
            except RemoteProtocolError as err:
                self._refuse(unit, str(err.facts["reason"]))
                continue
            if not spans:
                metrics.DUPLICATES.inc()
            for span in spans:
                batch.cover((unit, frame.journal, frame.stream), span)
                self._add_records(batch, unit, frame, span, waiting.received_us)

    def _add_records(
        self, batch: _Batch, unit: UnitId, frame: Frame, span: Span, received_us: int
    ) -> None:
        for seq in range(span[0], span[1] + 1):
            item = frame.records[seq - frame.first_seq]
            message = self._understand(frame.stream, item.body)
            record = StoredRecord(
                unit=unit,
                journal=frame.journal,
                stream=frame.stream,
                seq=Seq(seq),
                captured_utc_us=item.captured_utc_us,
                clock=frame.clock.value,
                clock_error_us=frame.clock_error_us,
                received_utc_us=received_us,
                lane=frame.lane,
                understood=message is not None,
                body=item.body,
                origin=_origin(frame, seq),
            )
            batch.records.append(Arrived(record, message))
            if isinstance(message, Gap):
                self._add_gap(batch, unit, frame.journal, message, record.origin)

    def _add_gap(
        self, batch: _Batch, unit: UnitId, journal: JournalId, gap: Gap, origin: Origin | None
    ) -> None:
        """Add what is gone: of its own journal, that is what is not here already.

        A salvaged gap record speaks of the journal that it was accepted in first.
        """
        if gap.journal is not None or origin is not None:
            batch.gaps.append((unit, origin.journal if origin else journal, gap))
            return
        receiver, key = self._receivers[unit, journal], (unit, journal, gap.stream)
        declared = batch.declared.setdefault(key, SeqRanges())
        if (
            receiver.is_too_scattered(gap.stream, gap.first_seq, gap.last_seq)
            or len(declared) >= MAX_RANGES
        ):
            self._refuse(unit, "too-scattered")
            batch.gaps.append((unit, journal, gap))  # it is declared, if not counted as held
            return
        for hole in receiver.missing(gap.stream, gap.first_seq, gap.last_seq):
            for first, last in declared.missing(*hole):
                part = gap.model_copy(update={"first_seq": first, "last_seq": last})
                batch.gaps.append((unit, journal, part))
        declared.add(gap.first_seq, gap.last_seq)
        batch.cover(key, (gap.first_seq, gap.last_seq))

    def _understand(self, stream: Stream, body: bytes) -> Message | None:
        try:
            return parse_body(stream, body)
        except RemoteProtocolError as err:
            metrics.NOT_UNDERSTOOD.labels(str(err.facts["reason"])).inc()
        except Exception as err:  # noqa: BLE001 -- one unit's body must not stop the others'
            metrics.NOT_UNDERSTOOD.labels("unreadable").inc()
            log.error("ingest.unreadable", extra={"error": type(err).__name__})  # noqa: TRY400
        return None

    async def _commit(self, batch: _Batch) -> bool:
        ledgers: dict[tuple[UnitId, JournalId, Stream], Held] = {
            key: self._receivers[key[0], key[1]].held_after(key[2], tuple(spans))
            for key, spans in batch.spans.items()
        }
        started_s = self._clock.monotonic_s()
        try:
            new = await store.commit_batch(
                self._pool,
                records=[arrived.record for arrived in batch.records],
                ledgers=ledgers,
                gaps=batch.gaps,
                now_utc_us=self._clock.utc_us(),
            )
        except NEVER_STORED:
            raise
        except (asyncpg.PostgresError, OSError, TimeoutError, asyncpg.InterfaceError) as err:
            self._let_go(batch)
            self._stall(err)
            return False
        metrics.COMMIT.observe(self._clock.monotonic_s() - started_s)
        if self._stalled:
            self._stalled = False
            log.info("ingest.recovered")
        now_s = self._clock.monotonic_s()
        for (unit, journal, stream), spans in batch.spans.items():
            self._receivers[unit, journal].committed(stream, tuple(spans), now_s=now_s)
        stored = set(map(id, new))
        told = [arrived for arrived in batch.records if id(arrived.record) in stored]
        for arrived in told:
            metrics.RECORDS.labels(arrived.record.stream.value).inc()
        self._taps.committed(told)
        return True

    def _let_go(self, batch: _Batch) -> None:
        for (unit, journal, stream), spans in batch.spans.items():
            self._receivers[unit, journal].failed(stream, tuple(spans))

    def _acknowledge(self, keys: Iterable[_Key]) -> None:
        now_us, now_s = self._clock.utc_us(), self._clock.monotonic_s()
        for key in keys:
            receiver = self._receivers[key]
            for reason, count in self._refused.pop(key[0], {}).items():
                for _ in range(min(count, 100)):
                    receiver.refused(reason, now_s=now_s)
            ack = receiver.take_ack(now_utc_us=now_us)
            if ack is not None:
                self._publish(down_ack(key[0]), encode_ack(ack))
        self._tell_of_refusals(now_us)

    def _tell_of_refusals(self, now_us: int) -> None:
        """Answer units whose messages were all refused; their newest journal is named."""
        for unit, counts in self._refused.items():
            journal = next((j for u, j in reversed(self._receivers) if u == unit), None)
            if journal is not None:
                refused = tuple(counts.items())
                ack = Ack(journal=journal, streams={}, committed_utc_us=now_us, refused=refused)
                self._publish(down_ack(unit), encode_ack(ack))
        self._refused.clear()

    async def _load_receivers(self, keys: set[_Key]) -> None:
        unknown = [key for key in keys if key not in self._receivers]
        if unknown:
            held = await ledgers.ledgers_of(self._pool, unknown)
            for key in unknown:
                self._receivers[key] = Receiver(journal=key[1], held=held[key])
        for key in keys:
            self._receivers.move_to_end(key)
        while len(self._receivers) > max(RECEIVERS, len(keys)):
            self._receivers.popitem(last=False)

    def _stall(self, err: Exception) -> None:
        metrics.FAILED_COMMITS.inc()
        if not self._stalled:
            self._stalled = True
            # not its words: a database's error may hold a row
            facts = {"error": type(err).__name__, "sqlstate": getattr(err, "sqlstate", None)}
            log.error("ingest.stalled", extra=facts)


def _held_bytes(frame: Frame) -> int:
    """Return about what a frame takes while it waits."""
    return sum(len(record.body) + _RECORD_BYTES for record in frame.records)


def _origin(frame: Frame, seq: int) -> Origin | None:
    if frame.origin is None:
        return None
    return Origin(frame.origin.journal, Seq(frame.origin.seq + seq - frame.first_seq))
