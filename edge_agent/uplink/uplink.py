"""The uplink: one MQTT connection at a time, driven by the pure sender over the journal.

Law: nothing here holds a record. What was not acknowledged is in the journal and is sent again, so
a connection may end at any point. Nothing is sent before the hub has once said what it has of this
journal: it may know more of it than the file does, and then the journal is retired.

A connection that carries nothing is noticed by the silence of
acks: after `SILENT_S` without one the broker is asked to acknowledge the birth again, and if it
does not either, the connection is given up.
"""

import asyncio
import logging
import random
import ssl
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import aiomqtt

from edge_agent.backoff import CAP_S, Backoff
from edge_agent.journal import Journal, Row
from edge_agent.uplink.inbox import OrderInbox
from protocols.clock import Clock
from protocols.errors import BrokenError, LinkDownError, RemoteProtocolError, StorageError
from protocols.ids import Seq, UnitId
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
from protocols.link.streams import UP, Stream
from protocols.link.topics import down_ack, down_order, link_ack, presence, up
from protocols.messages import Gap, Presence
from protocols.runtime.cancel import apart

log = logging.getLogger(__name__)

KEEPALIVE_S: Final = 5
CONNECT_TIMEOUT_S: Final = 5.0
SILENT_S: Final = 4.0

_REFUSED: Final = 0x80  # Source: MQTT 3.1.1, 3.9.3
_LOOK_S: Final = 0.5
_INCOMING: Final = 1000

Describe = Callable[[str, bool], Presence]
"""Words the unit's presence: of which connection, and whether it is a birth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAccess:
    """Where the broker is, and how the unit proves itself."""

    host: str
    port: int
    unit: UnitId
    password: str
    tls: ssl.SSLContext | None


class Uplink:
    """Keeps the unit connected and the journal's records on their way."""

    def __init__(  # noqa: PLR0913 -- the parts it joins
        self,
        journal: Journal,
        inbox: OrderInbox,
        access: BrokerAccess,
        *,
        describe: Describe,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._journal = journal
        self._inbox = inbox
        self._access = access
        self._describe = describe
        self._clock = clock
        self._backoff = Backoff(rng=rng)
        self._wake = asyncio.Event()
        self._unanswered_since_s: float | None = None
        self._is_connected = False
        self._is_verified = asyncio.Event()
        self.retired = asyncio.Event()
        self._was_refused = ""
        self.last_ack_utc_us: int | None = None
        self.sent_bytes = 0
        accounts = {stream: journal.account(stream) for stream in UP}
        self._sender = Sender(
            journal=journal.id,
            last={stream: account.last_seq for stream, account in accounts.items()},
            acked={stream: account.held for stream, account in accounts.items()},
        )
        journal.on_append(self._appended, also_salvaged=True)
        journal.on_shed(self._shed)

    @property
    def is_connected(self) -> bool:
        """A connection stands and was announced."""
        return self._is_connected

    @property
    def is_answered(self) -> bool:
        """What was sent is being acknowledged."""
        since_s = self._unanswered_since_s
        return since_s is None or self._clock.monotonic_s() - since_s < SILENT_S

    @property
    def sender(self) -> Sender:
        """The account of what travels; to be read, not driven."""
        return self._sender

    async def run(self) -> None:
        """Connect, and again after each end, until cancelled."""
        while True:
            began_s = self._clock.monotonic_s()
            try:
                await apart(self._session())
            except* (aiomqtt.MqttError, BrokenError, LinkDownError, OSError) as group:
                self._note_end(group.exceptions[0])
            finally:
                self._is_connected = False
                self._sender.disconnected()
            if self._clock.monotonic_s() - began_s > CAP_S:
                self._backoff.reset()
            await self._clock.sleep(self._backoff.next_s())

    async def _session(self) -> None:
        unit, connection = self._access.unit, str(uuid.uuid4())
        death = self._describe(connection, False).to_payload()
        birth = self._describe(connection, True).to_payload()
        async with aiomqtt.Client(
            self._access.host,
            self._access.port,
            # the unit's own: the broker drops what is left of an earlier connection at once
            identifier=unit,
            username=unit,
            password=self._access.password,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            keepalive=KEEPALIVE_S,
            timeout=CONNECT_TIMEOUT_S,
            tls_context=self._access.tls,
            will=aiomqtt.Will(presence(unit), death, qos=1, retain=True),
            max_queued_incoming_messages=_INCOMING,
        ) as client:
            topics = [down_ack(unit), down_order(unit), presence(unit)]
            granted = await client.subscribe([(topic, 0) for topic in topics])
            if any(getattr(code, "value", code) >= _REFUSED for code in granted):
                raise BrokenError(reason="the broker refuses the unit's own topics")
            await client.publish(presence(unit), birth, qos=1, retain=True)
            self._begin()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(client, birth), name="uplink.hear")
                group.create_task(self._pump(client), name="uplink.pump")
                group.create_task(self._watch(client, birth), name="uplink.watch")

    def _begin(self) -> None:
        self._unanswered_since_s = None
        self._was_refused = ""
        self._is_connected = True
        self._sender.connected()
        self._wake.set()
        log.info("link.up", extra={"backlog": self._sender.backlog_waiting()})

    def _note_end(self, err: BaseException) -> None:
        """Log a change, not a state: an outage once, and each new reason once."""
        reason = f"{type(err).__name__}: {err}"[:200]
        if self._is_connected or reason != self._was_refused:
            log.warning("link.down", extra={"reason": reason})
        self._was_refused = reason

    # -- up -------------------------------------------------------------------------------------

    async def _pump(self, client: aiomqtt.Client) -> None:
        await self._is_verified.wait()
        while True:
            self._wake.clear()
            self._sender.tick(now_s=self._clock.monotonic_s())
            while (plan := self._sender.plan(now_s=self._clock.monotonic_s())) is not None:
                await self._send(client, plan)
            try:
                async with asyncio.timeout(self._until_next_look_s()):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _send(self, client: aiomqtt.Client, plan: Plan) -> None:
        rows = await self._journal.span(plan.stream, plan.first_seq, plan.last_seq)
        if not rows or rows[0].seq != plan.first_seq:
            # shed since; its gap record tells the hub
            last = rows[0].seq - 1 if rows else plan.last_seq
            self._sender.gone(plan.stream, plan.first_seq, last)
            return
        sent_utc_us = self._clock.utc_us()
        frame = _frame(self._sender, plan, rows, sent_utc_us)
        payload = encode_frame(frame)
        now_s = self._clock.monotonic_s()
        self._sender.sent(
            plan,
            last_seq=frame.last_seq,
            body_bytes=sum(len(record.body) for record in frame.records),
            size_bytes=len(payload),
            sent_utc_us=sent_utc_us,
            now_s=now_s,
        )
        if self._unanswered_since_s is None:
            self._unanswered_since_s = now_s
        await client.publish(up(self._access.unit, plan.stream), payload, qos=0)
        self.sent_bytes += len(payload)

    def _until_next_look_s(self) -> float:
        next_s = self._sender.next_tick_s(now_s=self._clock.monotonic_s())
        if next_s is None:
            return _LOOK_S
        return min(_LOOK_S, max(0.005, next_s - self._clock.monotonic_s()))

    def _appended(self, row: Row) -> None:
        if row.stream is not Stream.ORDER:
            now_s, is_backlog = self._clock.monotonic_s(), row.origin is not None
            self._sender.appended(row.stream, row.seq, now_s=now_s, is_backlog=is_backlog)
            self._wake.set()

    def _shed(self, gap: Gap) -> None:
        self._sender.gone(gap.stream, gap.first_seq, gap.last_seq)

    # -- down -----------------------------------------------------------------------------------

    async def _hear(self, client: aiomqtt.Client, birth: bytes) -> None:
        unit = self._access.unit
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            topic = message.topic.value
            try:
                if topic == down_ack(unit):
                    await self._take_ack(payload)
                elif topic == down_order(unit):
                    answer = await self._inbox.hear(payload)
                    if answer is not None:
                        await client.publish(link_ack(unit), encode_ack(answer), qos=0)
                elif payload != birth:  # a late death of an earlier connection stands there
                    await client.publish(presence(unit), birth, qos=1, retain=True)
            except RemoteProtocolError as err:
                log.warning("link.refused", extra={"reason": str(err.facts.get("reason"))})
            except StorageError as err:
                log.error("link.not_stored", extra={"error": err.code})  # noqa: TRY400 -- it comes again

    async def _take_ack(self, payload: bytes) -> None:
        ack = decode_ack(payload)
        if self._sender.knows_less_than(ack):
            await self._retire()
            return
        if ack.journal == self._sender.journal and not self._is_verified.is_set():
            await self._journal.verified()
            self._is_verified.set()
        now_s = self._clock.monotonic_s()
        changed = self._sender.acked(ack, now_s=now_s)
        for stream, held in changed.items():
            await self._journal.acknowledged(stream, held)
        for reason, count in ack.refused:
            log.warning("link.hub_refused", extra={"reason": reason, "count": count})
        if ack.journal == self._sender.journal:
            self.last_ack_utc_us = self._clock.utc_us()
            self._unanswered_since_s = now_s if self._sender.in_flight_bytes else None
        self._wake.set()

    async def _retire(self) -> None:
        """Begin a new journal: this one gave out seqs under which the hub holds other records."""
        if not self.retired.is_set():
            log.error("link.journal_rewound", extra={"journal": self._sender.journal})
            await self._journal.retire()
            self.retired.set()

    async def _watch(self, client: aiomqtt.Client, birth: bytes) -> None:
        """Raise once the connection carries nothing.

        Raises:
            LinkDownError: neither the hub nor the broker answers.
        """
        while True:
            await self._clock.sleep(_LOOK_S)
            if self.is_answered:
                continue
            try:
                topic = presence(self._access.unit)
                await client.publish(topic, birth, qos=1, retain=True, timeout=SILENT_S)
            except aiomqtt.MqttError as err:
                raise LinkDownError(reason="nothing is answered") from err
            await self._clock.sleep(SILENT_S)  # the broker lives: it is the hub that is away


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
