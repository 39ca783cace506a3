"""What a vehicle's uplink meets: a real broker, modems before it, a hub that keeps in memory."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiomqtt

from edge_agent.hub_time import HubTime
from edge_agent.journal import Journal, JournalSettings, open_journal
from edge_agent.journal.settings import trace_of
from edge_agent.uplink import BrokerAccess, Uplink
from edge_agent.uplink.dial import Door
from edge_agent.uplink.inbox import OrderInbox
from edge_agent.uplink.trace import Trace
from edge_agent.vehicle_clock import VehicleClock
from firmware_sim.modem import Modem, ModemSetup, PortPair
from hub.access.secrets import machine_hash
from hub.broker import HUB_USER, BrokerConfig, BuiltInBroker
from protocols.clock import ClockSource
from protocols.ids import JournalId, UnitId
from protocols.link import Frame, Receiver, Stream, decode_frame, encode_ack
from protocols.link.topics import down_ack, down_order, link_ack, presence, up
from protocols.messages import Message, Presence
from protocols.runtime.cancel import apart
from protocols.runtime.clock import SystemClock
from protocols.runtime.ports import free_port
from tests.until import until

UNIT: Final = UnitId("A-001")
PASSWORD: Final = "of-this-unit"  # noqa: S105 -- of nobody
LOOPBACK: Final = "127.0.0.1"


@dataclass
class Hub:
    """Keeps what it receives, and answers at once; deaf, it takes and answers nothing."""

    client: aiomqtt.Client
    rows: dict[tuple[Stream, int], bytes] = field(default_factory=dict)
    copies: list[Frame] = field(default_factory=list)
    births: list[Presence] = field(default_factory=list)
    order_acks: list[bytes] = field(default_factory=list)
    receivers: dict[JournalId, Receiver] = field(default_factory=dict)
    is_deaf: bool = False

    async def run(self) -> None:
        for topic in (up(UNIT, Stream.VITALS).rsplit("/", 1)[0] + "/+", presence(UNIT)):
            await self.client.subscribe(topic)
        async for message in self.client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            if message.topic.value == presence(UNIT):
                self.births.append(Presence.from_payload(payload))
                await self.greet(self.births[-1])
            elif message.topic.value == link_ack(UNIT):
                self.order_acks.append(payload)
            elif "/up/" in message.topic.value and not self.is_deaf:
                await self._take(decode_frame(payload))

    async def order(self, payload: bytes) -> None:
        await self.client.publish(down_order(UNIT), payload)

    def receiver(self, journal: JournalId) -> Receiver:
        return self.receivers.setdefault(journal, Receiver(journal=journal))

    async def greet(self, said: Presence) -> None:
        """Say what is held of the journal that was born."""
        if said.online and not self.is_deaf:
            receiver = self.receiver(JournalId(said.journal))
            receiver.say_all(now_s=0)
            await self._answer(receiver)

    async def _take(self, frame: Frame) -> None:
        self.copies.append(frame)
        receiver = self.receiver(frame.journal)
        spans = receiver.offer(frame, now_s=0)
        for first, last in spans:
            for seq in range(first, last + 1):
                assert (frame.stream, seq) not in self.rows
                self.rows[frame.stream, seq] = frame.records[seq - frame.first_seq].body
        receiver.committed(frame.stream, spans, now_s=0)
        await self._answer(receiver)

    async def _answer(self, receiver: Receiver) -> None:
        ack = receiver.take_ack(now_utc_us=0)
        if ack is not None:
            await apart(self.client.publish(down_ack(UNIT), encode_ack(ack)))


@dataclass
class Ground:
    """The parts, and the vehicle's own."""

    broker: BuiltInBroker
    hub: Hub
    modems: dict[str, Modem]
    journal: Journal
    uplink: Uplink

    async def accept(self, stream: Stream, message: Message) -> int:
        return await self.journal.append(
            stream, message, captured_utc_us=1, clock=ClockSource.GNSS, clock_error_us=1
        )

    async def until(self, holds: Callable[[], bool], *, within_s: float = 20) -> float:
        """Wait until `holds`; return how long that took, seconds."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await until(holds, within_s=within_s)
        return loop.time() - began_s

    def has_all(self) -> bool:
        return all(self.uplink.sender.waiting(stream) == 0 for stream in Stream)


@contextlib.asynccontextmanager
async def ground(
    folder: Path, *, paths: Sequence[str] = ("main",), is_deaf: bool = False
) -> AsyncIterator[Ground]:
    """A connected vehicle, with one modem for each path; a deaf hub answers nothing."""
    clock, port = SystemClock(), free_port(LOOPBACK)
    config = BrokerConfig(mqtt_host=LOOPBACK, mqtt_port=port, store=folder / "js", tls=None)
    broker = BuiltInBroker(folder, config)
    await broker.write_users([(UNIT, machine_hash(PASSWORD))])
    modems = {
        name: Modem(
            setup=ModemSetup(
                listen_host=LOOPBACK, hub_host=LOOPBACK, seed=number, tcp=(PortPair(0, port),)
            ),
            clock=clock,
        )
        for number, name in enumerate(paths)
    }
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(broker.running())
        tasks = []
        for modem in modems.values():
            await modem.start()
            stack.push_async_callback(modem.close)
            tasks.append(asyncio.create_task(modem.run()))
        client = aiomqtt.Client(
            LOOPBACK, port, username=HUB_USER, password=broker.password,
            protocol=aiomqtt.ProtocolVersion.V311,
        )  # fmt: skip
        hub = Hub(await stack.enter_async_context(client), is_deaf=is_deaf)
        tasks.append(asyncio.create_task(hub.run()))
        journal = await stack.enter_async_context(
            open_journal(folder / "journal.db", JournalSettings(), clock)
        )
        uplink = uplink_of(journal, {name: m.tcp_ports[0] for name, m in modems.items()})
        tasks += [asyncio.create_task(journal.run()), asyncio.create_task(uplink.run())]
        made = Ground(broker, hub, modems, journal, uplink)
        try:
            await made.until(lambda: all(way.is_connected for way in uplink.ways))
            yield made
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def uplink_of(journal: Journal, ports: dict[str, int]) -> Uplink:
    clock = SystemClock()

    def describe(connection: str, online: bool) -> Presence:  # noqa: FBT001 -- birth or death
        return Presence(
            online=online,
            connection=connection,
            journal=journal.id,
            profile="ambulance",
            call_sign="Yuexiu 1",
            software="test",
            since_utc_us=1,
        )

    return Uplink(
        journal,
        OrderInbox(journal, clock, HubTime(VehicleClock(clock))),
        BrokerAccess(unit=UNIT, password=PASSWORD, tls=None),
        [(name, Door(LOOPBACK, port)) for name, port in ports.items()],
        describe=describe,
        clock=clock,
        rng=random.Random(1),
        trace=Trace(trace_of(journal.path), clock),
    )


def new_id() -> str:
    return str(uuid.uuid4())
