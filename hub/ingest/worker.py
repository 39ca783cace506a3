"""Ingest: frames in, records committed, acks out. Law: no ack before its commit.

Theory of operation. `hear` takes each MQTT message in the network's turn: it only decodes and
queues. `run` empties the queue every 20 ms into one transaction: each journal's `Receiver` says
which records are new, they are COPYed in with their ledger, and only then do the acks go out and
the taps hear of it. If the database refuses, nothing was acknowledged and the vehicles send again.

The queue is bounded; where it is full a frame is dropped unacknowledged and counted, which to its
vehicle looks like loss on the way. A body that is not understood is kept and acknowledged all the
same, for refusing it for ever would stall its stream; it is counted and not shown.
"""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from hub.ingest import metrics
from hub.ingest.batch import Batch, Ledger
from hub.ingest.queue import FrameQueue, Waiting
from hub.ingest.taps import Taps
from hub.store import ledgers
from hub.store import records as store
from hub.store.database import DATABASE_ERRORS, NEVER_STORED, Pool
from protocols.clock import Clock
from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId, UnitId
from protocols.link import (
    Ack,
    Held,
    Receiver,
    Stream,
    decode_ack,
    decode_frame,
    encode_ack,
)
from protocols.link.topics import LINK_ACK, Address, down_ack, parse_topic
from protocols.messages import Presence

log = logging.getLogger(__name__)

BATCH_S: Final = 0.02
BATCH_FRAMES: Final = 4_000
RECEIVERS: Final = 20_000
"""Journals kept in memory; the longest unheard one is read again from the database when needed."""

GREETED_EACH: Final = 4
"""Journals that one unit may announce before it is answered: it has one, and had another."""

RETRY_S: Final = 1.0

Publish = Callable[[str, bytes], None]
LinkAckTap = Callable[[UnitId, Ack], None]
_Key = tuple[UnitId, JournalId]


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
        self._queue = FrameQueue()
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
        if not self._queue.put(address.unit, frame, received_us=self._clock.utc_us()):
            metrics.REFUSED.labels("hub-busy").inc()
            return
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
        frames = self._queue.take(BATCH_FRAMES)
        metrics.QUEUE.set(len(self._queue))
        greeted = list(self._greeted)[:BATCH_FRAMES]
        heard = dict.fromkeys((waiting.unit, waiting.frame.journal) for waiting in frames)
        try:
            await self._load_receivers({*heard, *greeted})
        except DATABASE_ERRORS as err:
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

    async def _store(self, frames: list[Waiting]) -> bool:
        """Commit what is new in `frames`; return False where the database is away.

        Raises:
            NEVER_STORED: it takes none of it, now or ever.
        """
        batch = Batch(self._refuse)
        try:
            self._offer(batch, frames)
            return await self._commit(batch) if batch.spans else True
        except BaseException:
            self._let_go(batch)  # sent again it is new again
            raise

    async def _store_by_unit(self, frames: list[Waiting]) -> bool:
        """Commit each unit's frames by themselves: one unit's fault stays its own."""
        by_unit: dict[UnitId, list[Waiting]] = {}
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

    async def _store_one_by_one(self, frames: list[Waiting]) -> bool:
        """Commit each frame by itself: one that cannot be stored keeps back no other stream."""
        good = True
        for waiting in frames:
            try:
                good &= await self._store([waiting])
            except NEVER_STORED:
                self._refuse(waiting.unit, "not-storable")
        return good

    def _offer(self, batch: Batch, frames: list[Waiting]) -> None:
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
                batch.add(waiting, span, receiver)

    async def _commit(self, batch: Batch) -> bool:
        held: dict[Ledger, Held] = {
            key: self._receivers[key[0], key[1]].held_after(key[2], tuple(spans))
            for key, spans in batch.spans.items()
        }
        started_s = self._clock.monotonic_s()
        try:
            new = await store.commit_batch(
                self._pool,
                records=[arrived.record for arrived in batch.records],
                ledgers=held,
                gaps=batch.gaps,
                now_utc_us=self._clock.utc_us(),
            )
        except NEVER_STORED:
            raise
        except DATABASE_ERRORS as err:
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

    def _let_go(self, batch: Batch) -> None:
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
