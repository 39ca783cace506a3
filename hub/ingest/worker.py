"""Ingest: frames in, records committed, acks out. Law: no ack before its commit.

Theory of operation. `hear` takes MQTT messages in the network's turn: it only queues them. `run`
empties the queue, many times a second: what has come is decoded and checked by the hundred, each
journal's `Receiver` says which records are new, they are COPYed in with their ledger in one
transaction, and only then do the acks go out and the taps hear of it. While one batch is on its way
to the disk the next is decoded. If the database refuses, nothing was acknowledged and the vehicles
send again.

The queue is bounded; where it is full a message is dropped unacknowledged and counted, which to its
vehicle looks like loss on the way. A body that is not understood is kept and acknowledged all the
same, for refusing it for ever would stall its stream; it is counted and not shown.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final

from hub.ingest import metrics
from hub.ingest.batch import Batch, Heard, Key, Ledger
from hub.ingest.bodies import Bodies
from hub.ingest.queue import MessageQueue, Waiting
from hub.ingest.receivers import Receivers
from hub.ingest.refusals import Refusals
from hub.ingest.taps import Taps
from hub.store import records as store
from hub.store.database import DATABASE_ERRORS, NEVER_STORED, Connection, Pool
from protocols.clock import Clock
from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId, UnitId
from protocols.link import (
    Ack,
    FrameReader,
    Held,
    Lane,
    Stream,
    encode_ack,
)  # fmt: skip
from protocols.link.topics import LINK_ACK, Address, down_ack, parse_topic
from protocols.link.wire import Loader
from protocols.messages import Presence

log = logging.getLogger(__name__)

BATCH_S: Final = 0.02
MOST_BATCH_S: Final = 0.1
GATHERED: Final = 4.0
"""A batch is gathered so many times as long as the one before took to commit, within the two: what
a batch costs whatever it holds is then a fifth of the time at most. One vehicle waits 20 ms for it,
one of ten thousand 100 ms, which halves what a frame of theirs costs database and worker."""

WORTH_FRAMES: Final = 1_000
"""So many are not waited with: a larger batch costs no less a frame."""

BATCH_FRAMES: Final = 4_000
BATCH_BYTES: Final = 32 * 2**20
"""Of bodies, unpacked."""

PART_MESSAGES: Final = 500
PART_BYTES: Final = 512 * 1024
"""Decoded at a time, before anybody else has a turn; unpacked a hundred times as much at worst."""

GREETED_EACH: Final = 4
"""Journals that one unit may announce before it is answered: it has one, and had another."""

RETRY_S: Final = 1.0

Publish = Callable[[str, bytes], None]
_new = tuple.__new__  # a third of what a named tuple's own constructor takes
_ORDER: Final = Stream.ORDER  # a member by its class takes longer to find than all the check
_address: Final = lru_cache(maxsize=65_536)(parse_topic)
"""A unit speaks on the same few topics all day."""


class Ingest:
    """The ingest of the partitions that one process holds."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        taps: Taps,
        *,
        publish: Publish,
        writer: Connection | None = None,
    ) -> None:
        """`writer`: the connection that holds the partitions, on which all is committed."""
        self._pool = pool
        self._writer = writer or pool
        self._clock = clock
        self._taps = taps
        self._publish = publish
        self._queue = MessageQueue()
        loader = Loader(secret=secrets.token_bytes(16))
        self._reader = FrameReader(loader=loader)
        self._bodies = Bodies(loader)
        self._refused = Refusals()
        self._greeted: dict[Key, None] = {}
        self._greeted_of: Counter[UnitId] = Counter()
        self._receivers = Receivers(pool)
        self._wake = asyncio.Event()
        self._stalled = False
        self._gather_s = BATCH_S

    @property
    def is_stalled(self) -> bool:
        """The database refused the last batch."""
        return self._stalled

    def hear(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Take MQTT messages, topic and payload of each; returns at once, never raises."""
        now_us, put = self._clock.utc_us(), self._queue.put
        for topic, payload in messages:
            unit: UnitId | None = None
            try:
                address = _address(topic)
                unit, stream = address.unit, address.stream
                if stream is None:
                    self._sort(address, payload)
                elif not put(unit, stream, payload, now_us):
                    metrics.REFUSED.labels("hub-busy").inc()
            except RemoteProtocolError as err:
                self._refuse(unit, str(err.facts.get("reason", "unknown")))
        self._wake.set()

    async def run(self) -> None:
        """Commit and acknowledge until cancelled."""
        while True:
            await self._wake.wait()
            await self._clock.sleep(self._gather_s)
            self._wake.clear()
            await self._empty()

    async def _empty(self) -> None:
        """Commit and acknowledge until nothing waits: one batch, while the next is gathered."""
        batch = self._new_batch()
        await self._fill(batch)
        while batch.frames or self._queue or self._refused or self._greeted:
            began_s = self._clock.monotonic_s()
            try:
                async with asyncio.TaskGroup() as group:
                    turn = group.create_task(self._turn(batch))
                    batch = self._new_batch()
                    while not turn.done():
                        await self._fill(batch)
                        await asyncio.wait({turn}, timeout=BATCH_S)
                took_s = self._clock.monotonic_s() - began_s
                self._gather_s = min(max(BATCH_S, GATHERED * took_s), MOST_BATCH_S)
                if turn.result():
                    await self._gather(batch)
                else:
                    await self._clock.sleep(RETRY_S)
            except BaseException:
                self._let_go(batch)  # what was gathered meanwhile is new again, too
                raise

    async def _gather(self, batch: Batch) -> None:
        """Fill `batch` until it is worth a transaction, or has been waited with for long enough."""
        until_s = self._clock.monotonic_s() + self._gather_s
        while batch.frames or self._queue:
            left_s = until_s - self._clock.monotonic_s()
            if left_s <= 0.0 or len(batch.frames) + len(self._queue) >= WORTH_FRAMES:
                return
            await self._clock.sleep(min(left_s, BATCH_S))
            await self._fill(batch)

    def _new_batch(self) -> Batch:
        return Batch(self._refuse, self._bodies)

    def _sort(self, address: Address, payload: bytes) -> None:
        if address.rest == "presence":
            presence = Presence.from_payload(payload)
            self._taps.presence(address.unit, presence)
            if presence.online and presence.journal is not None:
                self._greet(address.unit, JournalId(presence.journal))
        elif address.rest != f"up/{LINK_ACK}":  # those are for whoever sends orders
            raise RemoteProtocolError(reason="wrong-stream")

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
        self._refused.add(unit, reason)
        self._wake.set()

    async def _fill(self, batch: Batch) -> None:
        """Take from the queue what one transaction holds, decoded, and offered to its receivers."""
        while self._queue and len(batch.frames) < BATCH_FRAMES and batch.held_bytes < BATCH_BYTES:
            frames = self._decode(self._queue.take(PART_MESSAGES, most_bytes=PART_BYTES))
            try:
                keys = dict.fromkeys([(unit, frame.journal) for unit, frame, _ in frames])
                await self._receivers.load(keys)
            except DATABASE_ERRORS as err:
                self._stall(err)
                await self._clock.sleep(RETRY_S)
                break  # they come again
            batch.keys |= keys
            try:
                batch.add(frames, self._receivers, self._clock.monotonic_s())
                await asyncio.sleep(0)  # the network and the database have their turn
            except BaseException:
                self._let_go(batch)  # sent again it is new again
                raise
        metrics.QUEUE.set(len(self._queue))

    def _decode(self, messages: Sequence[Waiting]) -> list[Heard]:
        """Return the frames in `messages`; what is none is refused."""
        frames: list[Heard] = []
        received: Counter[tuple[Stream, Lane]] = Counter()
        decoded = self._reader.decode_many([message[2] for message in messages])
        for (unit, stream, _, received_us), frame in zip(messages, decoded, strict=True):
            if isinstance(frame, RemoteProtocolError):
                self._refuse(unit, str(frame.facts["reason"]))
            elif frame[1] is not stream or stream is _ORDER:
                self._refuse(unit, "wrong-stream")
            else:
                frames.append(_new(Heard, (unit, frame, received_us)))
        received.update([frame[1:4:2] for _, frame, _ in frames])
        for (stream, lane), count in received.items():
            metrics.FRAMES.labels(stream.value, lane.name.lower()).inc(count)
        return frames

    async def _turn(self, batch: Batch) -> bool:
        """Commit `batch` and acknowledge; return False where the database did not take it."""
        greeted = list(self._greeted)[:BATCH_FRAMES]
        try:
            await self._receivers.load(dict.fromkeys(greeted))
        except DATABASE_ERRORS as err:
            self._let_go(batch)
            self._stall(err)
            return False
        good = await self._store(batch)
        for key in greeted:
            del self._greeted[key]
            self._greeted_of[key[0]] -= 1
            self._receivers[key].say_all(now_s=self._clock.monotonic_s())
        self._acknowledge(batch.keys | dict.fromkeys(greeted))
        return good

    async def _store(self, batch: Batch) -> bool:
        """Commit what is new in `batch`; return False where the database is away."""
        if not batch.spans:
            return True
        try:
            return await self._commit(batch)
        except NEVER_STORED as err:
            self._let_go(batch)
            return await self._store_in_parts(batch, err)
        except BaseException:
            self._let_go(batch)  # sent again it is new again
            raise

    async def _store_in_parts(self, batch: Batch, err: Exception) -> bool:
        """Commit each unit's frames by themselves, or a unit's one by one: a fault stays its own.

        One frame that cannot be stored keeps back no other stream.
        """
        by_unit: dict[UnitId, list[Heard]] = {}
        for heard in batch.frames:
            by_unit.setdefault(heard.unit, []).append(heard)
        if len(batch.frames) == 1:
            self._refuse(batch.frames[0].unit, "not-storable")
            return True
        parts = list(by_unit.values())
        if len(parts) == 1:
            unit = batch.frames[0].unit
            log.error("ingest.not_storable", extra={"unit": unit, "error": type(err).__name__})
            parts = [[heard] for heard in batch.frames]
        good = True
        for frames in parts:
            part = self._new_batch()
            part.add(frames, self._receivers, self._clock.monotonic_s())
            good &= await self._store(part)
        return good

    async def _commit(self, batch: Batch) -> bool:
        held: dict[Ledger, Held] = {
            key: self._receivers[key[0], key[1]].held_after(key[2], tuple(spans))
            for key, spans in batch.spans.items()
        }
        started_s = self._clock.monotonic_s()
        try:
            new = await store.commit_batch(
                self._writer,
                records=batch.records,
                ledgers=held,
                gaps=batch.gaps,
                corrections=batch.corrections,
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
        for stream, count in Counter([record[2] for record in new]).items():
            metrics.RECORDS.labels(stream.value).inc(count)
        chosen = batch.told(new, self._taps.watched())
        self._taps.stored([batch.records[at] for at in chosen])
        if self._taps.reads:
            self._taps.committed(batch.read(chosen))
        return True

    def _let_go(self, batch: Batch) -> None:
        for (unit, journal, stream), spans in batch.spans.items():
            self._receivers[unit, journal].failed(stream, tuple(spans))

    def _acknowledge(self, keys: Iterable[Key]) -> None:
        now_us, now_s = self._clock.utc_us(), self._clock.monotonic_s()
        for key in keys:
            receiver = self._receivers[key]
            for reason, count in self._refused.take(key[0]).items():
                for _ in range(min(count, 100)):
                    receiver.refused(reason, now_s=now_s)
            ack = receiver.take_ack(now_utc_us=now_us)
            if ack is not None:
                self._publish(down_ack(key[0]), encode_ack(ack))
        self._tell_of_refusals(now_us)

    def _tell_of_refusals(self, now_us: int) -> None:
        """Answer units whose messages were all refused; their newest journal is named."""
        for unit, counts in self._refused.take_all():
            journal = self._receivers.newest_journal(unit)
            if journal is not None:
                refused = tuple(counts.items())
                ack = Ack(journal=journal, streams={}, committed_utc_us=now_us, refused=refused)
                self._publish(down_ack(unit), encode_ack(ack))

    def _stall(self, err: Exception) -> None:
        metrics.FAILED_COMMITS.inc()
        if not self._stalled:
            self._stalled = True
            # not its words: a database's error may hold a row
            facts = {"error": type(err).__name__, "sqlstate": getattr(err, "sqlstate", None)}
            log.error("ingest.stalled", extra=facts)
