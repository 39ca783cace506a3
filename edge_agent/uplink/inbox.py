"""Orders down: their frames into the journal's inbox, acks out. Law: no ack before its commit."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from edge_agent.hub_time import HubTime
from edge_agent.journal import Journal
from protocols.clock import Clock
from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId
from protocols.link import Ack, Frame, Receiver, Stream, decode_frame
from protocols.link.wire import load_map

log = logging.getLogger(__name__)

_JOURNALS: Final = 8
"""Outboxes of the hub that are remembered; it has one, and a new one if its database was lost."""


class OrderInbox:
    """Receives the hub's orders."""

    def __init__(self, journal: Journal, clock: Clock, hub_time: HubTime) -> None:
        self.refused: Counter[str] = Counter()
        self._journal = journal
        self._clock = clock
        self.hub_time = hub_time
        self._receivers: dict[JournalId, Receiver] = {}
        self._listeners: list[Callable[[], None]] = []
        self._turn = asyncio.Lock()

    def on_orders(self, listener: Callable[[], None]) -> None:
        """Have `listener` told after new orders are in the inbox."""
        self._listeners.append(listener)

    async def hear(self, payload: bytes) -> Ack | None:
        """Take one frame of orders; return what to answer, once it is committed.

        Raises:
            RemoteProtocolError: it is no frame of orders; counted.
            StorageError: the disk refused; nothing is acknowledged and the hub sends again.
        """
        try:
            frame = decode_frame(payload)
            if frame.stream is not Stream.ORDER:
                raise RemoteProtocolError(reason="wrong-stream")  # noqa: TRY301 -- counted below
        except RemoteProtocolError as err:
            self.refused[str(err.facts["reason"])] += 1
            raise
        self.hub_time.heard(frame.sent_utc_us)
        async with self._turn:
            return await self._take(frame)

    async def _take(self, frame: Frame) -> Ack | None:
        receiver = await self._receiver_of(frame.journal)
        spans = receiver.offer(frame, now_s=self._clock.monotonic_s())
        if spans:
            orders = [
                (seq, _order_id(frame, seq), frame.records[seq - frame.first_seq].body)
                for first, last in spans
                for seq in range(first, last + 1)
            ]
            held = receiver.held_after(Stream.ORDER, spans)
            try:
                await self._journal.receive_orders(frame.journal, orders, held)
            except BaseException:
                receiver.failed(Stream.ORDER, spans)
                raise
            receiver.committed(Stream.ORDER, spans, now_s=self._clock.monotonic_s())
            log.info("orders.received", extra={"orders": len(orders)})
            for listener in self._listeners:
                listener()
        return receiver.take_ack(now_utc_us=self._clock.utc_us())

    async def _receiver_of(self, journal: JournalId) -> Receiver:
        known = self._receivers.get(journal)
        if known is None:
            held = await self._journal.inbox_held(journal)
            known = Receiver(journal=journal, held={Stream.ORDER: held})
            self._receivers[journal] = known
            while len(self._receivers) > _JOURNALS:
                self._receivers.pop(next(iter(self._receivers)))
        return known


def _order_id(frame: Frame, seq: int) -> str:
    """Return the order's own id; one that is not understood is kept under its place."""
    try:
        found = load_map(frame.records[seq - frame.first_seq].body).get("order_id")
    except RemoteProtocolError:
        found = None
    return found[:64] if isinstance(found, str) and found else f"{frame.journal}/{seq}"
