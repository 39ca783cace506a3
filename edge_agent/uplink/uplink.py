"""The uplink: the pure sender over the journal, driven on every way to the hub.

Law: nothing here holds a record. What was not acknowledged is in the journal and is sent again, so
a connection may end at any point. Nothing is sent before the hub has once said what it has of this
journal: it may know more of it than the file does, and then the journal is retired.
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from typing import Final

from edge_agent.journal import Journal, Row
from edge_agent.uplink.dial import Door
from edge_agent.uplink.inbox import OrderInbox
from edge_agent.uplink.load import LinkLoad
from edge_agent.uplink.trace import Trace
from edge_agent.uplink.way import BrokerAccess, Describe, Hooks, Way
from protocols.clock import Clock
from protocols.errors import RemoteProtocolError, StorageError
from protocols.ids import Seq
from protocols.link import (
    Frame,
    Lane,
    Origin,
    Plan,
    Record,
    Sender,
    decode_ack,
    encode_ack,
    encode_frame,
)
from protocols.link.client_id import client_id
from protocols.link.streams import UP, Stream
from protocols.link.topics import down_ack, down_order, link_ack, up
from protocols.messages import Gap

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.5
_TRACE_S: Final = 1.0


class Uplink:
    """Keeps the unit connected and the journal's records on their way."""

    def __init__(  # noqa: PLR0913 -- the parts it joins
        self,
        journal: Journal,
        inbox: OrderInbox,
        access: BrokerAccess,
        doors: Sequence[tuple[str, Door]],
        *,
        describe: Describe,
        clock: Clock,
        rng: random.Random,
        trace: Trace,
    ) -> None:
        """`doors`: the paths' names and where each reaches the broker, the preferred one first."""
        self._journal = journal
        self._inbox = inbox
        self._access = access
        self._clock = clock
        self._trace = trace
        self._is_verified = asyncio.Event()
        self.retired = asyncio.Event()
        self.last_ack_utc_us: int | None = None
        self.sent_bytes = 0
        accounts = {stream: journal.account(stream) for stream in UP}
        self._sender = Sender(
            journal=journal.id,
            last={stream: account.last_seq for stream, account in accounts.items()},
            acked={stream: account.held for stream, account in accounts.items()},
            paths=[name for name, _ in doors],
        )
        hooks = Hooks(joined=self._joined, left=self._left, pump=self._pump, heard=self._heard)
        self.ways = [
            Way(
                name,
                door,
                access,
                hooks,
                client_id=client_id(
                    access.unit, access.password, path=None if number == 0 else name
                ),
                describe=_by_path(describe, None if number == 0 else name),
                clock=clock,
                rng=rng,
            )
            for number, (name, door) in enumerate(doors)
        ]
        self._wakes = {way.name: asyncio.Event() for way in self.ways}
        journal.on_append(self._appended, also_salvaged=True)
        journal.on_shed(self._shed)

    @property
    def is_connected(self) -> bool:
        """A connection stands and was announced."""
        return any(way.is_connected for way in self.ways)

    @property
    def is_answered(self) -> bool:
        """What was sent is being acknowledged."""
        return any(way.is_connected and way.is_answered for way in self.ways)

    @property
    def sender(self) -> Sender:
        """The account of what travels; to be read, not driven."""
        return self._sender

    def load(self) -> LinkLoad:
        """Return how loaded the link is, by what the better path shows."""
        sender, now_s = self._sender, self._clock.monotonic_s()
        path = sender.paths[sender.best]
        oldest_s, best_s = path.oldest_in_flight_s, path.round_trip.smallest_s or 0.0
        rate = path.window.rate_bytes_per_s
        return LinkLoad(
            is_answered=self.is_answered,
            late_s=0.0 if oldest_s is None else max(0.0, now_s - oldest_s - best_s),
            queue_s=path.window.queue_s,
            carried_bps=None if rate is None else rate * 8,
            sent_bytes=self.sent_bytes,
            stills_waiting=sender.waiting(Stream.STILL),
        )

    async def run(self) -> None:
        """Keep every way connected until cancelled."""
        async with asyncio.TaskGroup() as group:
            for way in self.ways:
                group.create_task(way.run(), name=f"uplink.{way.name}")
            group.create_task(self._keep_trace(), name="uplink.trace")

    # -- up -------------------------------------------------------------------------------------

    def _joined(self, way: Way) -> None:
        self._sender.connected(way.name, now_s=self._clock.monotonic_s())
        self._trace.path_changed("joined", way.name)
        self._wake()

    def _left(self, way: Way) -> None:
        if self._sender.paths[way.name].is_connected:
            self._trace.path_changed("left", way.name)
        self._sender.disconnected(way.name)
        self._trace.lost(self._sender.take_lost())
        self._wake()

    async def _keep_trace(self) -> None:
        while True:
            await self._clock.sleep(_TRACE_S)
            await asyncio.to_thread(self._trace.flush)

    def _wake(self) -> None:
        for wake in self._wakes.values():
            wake.set()

    async def _pump(self, way: Way) -> None:
        await self._is_verified.wait()
        wake = self._wakes[way.name]
        while True:
            wake.clear()
            self._sender.tick(now_s=self._clock.monotonic_s())
            self._trace.lost(self._sender.take_lost())
            while plan := self._sender.plan(way.name, now_s=self._clock.monotonic_s()):
                await self._send(way, plan)
            try:
                async with asyncio.timeout(self._until_next_look_s()):
                    await wake.wait()
            except TimeoutError:
                continue

    async def _send(self, way: Way, plan: Plan) -> None:
        rows = await self._journal.span(plan.stream, plan.first_seq, plan.last_seq)
        if not rows or rows[0].seq != plan.first_seq:
            # shed since; its gap record tells the hub
            last = rows[0].seq - 1 if rows else plan.last_seq
            self._sender.gone(plan.stream, plan.first_seq, last)
            return
        sent_utc_us = self._clock.utc_us()
        frame = _frame(self._sender, plan, rows, sent_utc_us)
        payload = encode_frame(frame)
        self._sender.sent(
            plan,
            last_seq=frame.last_seq,
            body_bytes=sum(len(record.body) for record in frame.records),
            size_bytes=len(payload),
            sent_utc_us=sent_utc_us,
            now_s=self._clock.monotonic_s(),
        )
        self._trace.sent(plan, self._sender, last_seq=frame.last_seq, size_bytes=len(payload))
        await way.publish(up(self._access.unit, plan.stream), payload, wants_answer=True)
        self.sent_bytes += len(payload)

    def _until_next_look_s(self) -> float:
        now_s = self._clock.monotonic_s()
        next_s = self._sender.next_tick_s(now_s=now_s)
        return _LOOK_S if next_s is None else min(_LOOK_S, max(0.005, next_s - now_s))

    def _appended(self, row: Row) -> None:
        if row.stream is not Stream.ORDER:
            now_s, is_backlog = self._clock.monotonic_s(), row.origin is not None
            self._sender.appended(row.stream, row.seq, now_s=now_s, is_backlog=is_backlog)
            self._wake()

    def _shed(self, gap: Gap) -> None:
        self._sender.gone(gap.stream, gap.first_seq, gap.last_seq)

    # -- down -----------------------------------------------------------------------------------

    async def _heard(self, way: Way, topic: str, payload: bytes) -> None:
        unit = self._access.unit
        try:
            if topic == down_ack(unit):
                await self._take_ack(way, payload)
            elif topic == down_order(unit):
                answer = await self._inbox.hear(payload)
                if answer is not None:
                    await way.publish(link_ack(unit), encode_ack(answer), wants_answer=False)
        except RemoteProtocolError as err:
            log.warning("link.refused", extra={"reason": str(err.facts.get("reason"))})
        except StorageError as err:
            log.error("link.not_stored", extra={"error": err.code})  # noqa: TRY400 -- it comes again

    async def _take_ack(self, way: Way, payload: bytes) -> None:
        ack = decode_ack(payload)
        if self._sender.knows_less_than(ack):
            await self._retire()
            return
        if ack.journal != self._sender.journal:
            return
        if not self._is_verified.is_set():
            await self._journal.verified()
            self._is_verified.set()
        self._inbox.hub_time.heard(ack.committed_utc_us)
        self._trace.acked(ack, path=way.name)
        changed = self._sender.acked(ack, now_s=self._clock.monotonic_s())
        self._trace.lost(self._sender.take_lost())
        for stream, held in changed.items():
            await self._journal.acknowledged(stream, held)
        for reason, count in ack.refused:
            log.warning("link.hub_refused", extra={"reason": reason, "count": count})
        self.last_ack_utc_us = self._clock.utc_us()
        way.answered(all_of_it=self._sender.paths[way.name].is_idle)
        self._wake()

    async def _retire(self) -> None:
        """Begin a new journal: this one gave out seqs under which the hub holds other records."""
        if not self.retired.is_set():
            log.error("link.journal_rewound", extra={"journal": self._sender.journal})
            await self._journal.retire()
            self.retired.set()


def _by_path(describe: Describe, path: str | None) -> Describe:
    return lambda connection, online: describe(connection, online).model_copy(update={"path": path})


def _frame(sender: Sender, plan: Plan, rows: list[Row], sent_utc_us: int) -> Frame:
    """Return a frame of as many of `rows` as belong together and fit."""
    first = rows[0]
    taken: list[Record] = []
    size = 0
    for seq, row in enumerate(rows, first.seq):
        size += len(row.body)
        same = (row.clock, row.clock_error_us) == (first.clock, first.clock_error_us)
        same = same and row.origin == _follows(first.origin, len(taken))
        if taken and (row.seq != seq or not same or size > plan.max_bytes):
            break
        taken.append(Record(captured_utc_us=row.captured_utc_us, body=row.body))
    return Frame(
        journal=sender.journal,
        stream=plan.stream,
        first_seq=first.seq,
        lane=Lane(plan.lane),
        sent_utc_us=sent_utc_us,
        clock=first.clock,
        clock_error_us=first.clock_error_us,
        records=tuple(taken),
        origin=first.origin,
    )


def _follows(origin: Origin | None, count: int) -> Origin | None:
    return None if origin is None else Origin(origin.journal, Seq(origin.seq + count))
