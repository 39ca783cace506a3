"""Orders down: durable in the outbox first, then sent by the link until the vehicle has them.

The same pure `Sender` as on the vehicle, one for each unit that is online, over the outbox table.
Law: orders arrive in the order in which they were given ("give", then "give no more"), so one frame
is on its way at a time.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from hub.connections import Connections
from hub.store import orders as store
from hub.store import units
from hub.store.database import Connection, Pool
from protocols.clock import Clock, ClockSource
from protocols.ids import OrderId, UnitId
from protocols.link import Ack, Frame, Lane, Plan, Record, Sender, Stream, encode_frame
from protocols.link.topics import down_order
from protocols.messages import Message, Presence

log = logging.getLogger(__name__)

_AT_ONCE: Final = 1_000
"""So many outboxes are looked at by one query: after a broker's restart a whole fleet is born."""

_LOOK_S: Final = 0.25
"""How often retransmissions are looked at; new orders and acks wake the pump at once."""


def new_order_id() -> OrderId:
    """Return a fresh id."""
    return OrderId(str(uuid.uuid4()))


class Orders:
    """The way to every vehicle."""

    def __init__(self, pool: Pool, clock: Clock, *, publish: Callable[[str, bytes], None]) -> None:
        self._pool = pool
        self._clock = clock
        self._publish = publish
        self._senders: dict[UnitId, Sender] = {}
        self._owed: set[UnitId] = set()  # those of them with something that is not acknowledged
        self._online = Connections()
        self._begin: set[UnitId] = set()
        self._acks: list[tuple[UnitId, Ack]] = []
        self._wake = asyncio.Event()

    async def send(self, unit: UnitId, message: Message) -> OrderId:
        """Return once `message` (an order kind) is durable; it leaves when the unit is online.

        Raises:
            NotFoundError: no such unit.
        """
        await units.find(self._pool, unit)
        async with self._pool.acquire() as connection, connection.transaction():
            order_id = await self.put(connection, unit, message)
        self.nudge(unit)
        return order_id

    async def put(self, connection: Connection, unit: UnitId, message: Message) -> OrderId:
        """Put `message` into the outbox as part of the caller's transaction; `nudge` after it."""
        order_id = OrderId(str(getattr(message, "order_id")))  # noqa: B009 -- every order kind has it
        await store.append(
            connection,
            unit,
            order_id,
            message,
            now_utc_us=self._clock.utc_us(),
            expires_utc_us=int(getattr(message, "expires_utc_us")),  # noqa: B009
        )
        return order_id

    def nudge(self, unit: UnitId) -> None:
        """Look at `unit`'s outbox now."""
        if unit in self._online:
            self._begin.add(unit)
            self._wake.set()

    def heard_presence(self, unit: UnitId, presence: Presence) -> None:
        """Begin or end `unit`'s session; a late death of an earlier connection ends nothing."""
        is_new = presence.online and not self._online.knows(unit, presence)
        if not self._online.hear(unit, presence):
            self._senders.pop(unit, None)
        elif presence.online:
            if is_new:
                self._senders.pop(unit, None)
            self._begin.add(unit)
            self._wake.set()

    def heard_ack(self, unit: UnitId, ack: Ack) -> None:
        """Take in what the vehicle says that it has committed."""
        if unit in self._online and len(self._acks) < 10_000:  # noqa: PLR2004 -- bound; acks repeat
            self._acks.append((unit, ack))
            self._wake.set()

    async def run(self) -> None:
        """Send and send again until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self._take_acks()
            while self._begin:
                await self._refresh([*islice(self._begin, _AT_ONCE)])
            now_s = self._clock.monotonic_s()
            for unit in [*self._owed]:
                sender = self._senders.get(unit)
                if sender is not None:
                    sender.tick(now_s=now_s)
                    await self._pump(unit, sender)
                if sender is None or not sender.waiting(Stream.ORDER):
                    self._owed.discard(unit)

    async def _refresh(self, some: Sequence[UnitId]) -> None:
        """Look at the outboxes of `some`."""
        self._begin.difference_update(some)
        try:
            found = await store.accounts_of(self._pool, some)
        except BaseException:
            self._begin.update(some)  # the next run looks at them
            raise
        for unit, outbox in found.items():
            if unit not in self._online:
                continue  # it has left meanwhile
            self._begin_or_extend(unit, outbox)

    def _begin_or_extend(self, unit: UnitId, outbox: store.Outbox) -> None:
        sender = self._senders.get(unit)
        if sender is None:
            sender = self._senders[unit] = Sender(
                journal=outbox.journal,
                last={Stream.ORDER: outbox.newest},
                acked={Stream.ORDER: outbox.delivered},
            )
            sender.connected(now_s=self._clock.monotonic_s())
        for seq in range(sender.newest(Stream.ORDER) + 1, outbox.newest + 1):
            sender.appended(Stream.ORDER, seq, now_s=self._clock.monotonic_s())
        if sender.waiting(Stream.ORDER):
            self._owed.add(unit)

    async def _pump(self, unit: UnitId, sender: Sender) -> None:
        """Send one frame, and the next once that is acknowledged: no order overtakes another."""
        if sender.in_flight_bytes:
            return
        plan = sender.plan(now_s=self._clock.monotonic_s())
        if plan is not None:
            frame = await self._frame(unit, sender, plan)
            payload = encode_frame(frame)
            self._publish(down_order(unit), payload)
            sender.sent(
                plan,
                last_seq=frame.last_seq,
                body_bytes=sum(len(record.body) for record in frame.records),
                size_bytes=len(payload),
                sent_utc_us=frame.sent_utc_us,
                now_s=self._clock.monotonic_s(),
            )

    async def _frame(self, unit: UnitId, sender: Sender, plan: Plan) -> Frame:
        rows = await store.span(self._pool, unit, plan.first_seq, plan.last_seq)
        records: list[Record] = []
        size = 0
        for row in rows:
            size += len(row.body)
            if records and size > plan.max_bytes:
                break
            records.append(Record(captured_utc_us=row.created_utc_us, body=row.body))
        return Frame(
            journal=sender.journal,
            stream=Stream.ORDER,
            first_seq=plan.first_seq,
            lane=Lane.LIVE,
            sent_utc_us=self._clock.utc_us(),
            clock=ClockSource.NTP,
            clock_error_us=None,
            records=tuple(records),
        )

    async def _take_acks(self) -> None:
        acks, self._acks = self._acks, []
        for unit, ack in acks:
            sender = self._senders.get(unit)
            if sender is None:
                continue
            for held in sender.acked(ack, now_s=self._clock.monotonic_s()).values():
                await store.note_delivered(self._pool, unit, held, now_utc_us=self._clock.utc_us())
