"""A light unit's connection, before a broker that is whatever the test wants it to be."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from random import Random

import pytest
import uvloop
from pydantic import SecretStr

from firmware_sim.fleet import Broker, Credential, LightUnit
from firmware_sim.fleet.session import FleetCounters, Session
from firmware_sim.fleet.spread import Spread
from protocols import mqtt
from tests.fakes.clock import FakeClock
from tests.until import until

TAKEN, REFUSED = b"\x20\x02\x00\x00", b"\x20\x02\x00\x05"


class ScriptedBroker:
    """Answers a CONNECT with `answer`, and nothing else; remembers what it was told."""

    def __init__(self, answer: bytes) -> None:
        self.packets: list[mqtt.Packet] = []
        self.messages: list[tuple[str, bytes]] = []
        self.connections = 0
        self._answer = answer
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        inbound = mqtt.Inbound(self.messages.extend, most_bytes=100_000)
        while chunk := await reader.read(65_536):
            for packet in inbound.feed(chunk):
                self.packets.append(packet)
                if packet.kind == mqtt.Kind.CONNECT:
                    writer.write(self._answer)
        writer.close()

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def kinds(self) -> list[int]:
        return [packet.kind for packet in self.packets]


def session_at(
    port: int,
    clock: FakeClock,
    counters: FleetCounters,
    coming: asyncio.Semaphore | None = None,
) -> Session:
    credential = Credential(
        unit="L-001", password=SecretStr("x"), profile="patrol", call_sign="Light 1"
    )
    unit = LightUnit(credential, seed=1)
    unit.begin(now_utc_us=clock.utc_us(), now_s=clock.monotonic_s())
    return Session(
        unit,
        broker=Broker(host="127.0.0.1", port=port),
        clock=clock,
        counters=counters,
        waits=Spread(),
        rng=Random(1),
        coming=coming,
    )


@contextlib.asynccontextmanager
async def running(
    answer: bytes, clock: FakeClock
) -> AsyncIterator[tuple[ScriptedBroker, Session, FleetCounters]]:
    broker, counters = ScriptedBroker(answer), FleetCounters()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    session = session_at(server.sockets[0].getsockname()[1], clock, counters)
    task = asyncio.create_task(session.run(lambda: None, after_s=0.0))
    try:
        yield broker, session, counters
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        broker.hang_up()
        server.close()
        await server.wait_closed()


async def test_it_is_born_and_what_it_has_waiting_follows() -> None:
    async with running(TAKEN, FakeClock()) as (broker, session, _):
        await until(lambda: len(broker.messages) >= 2, within_s=5)
        assert broker.kinds() == [mqtt.Kind.CONNECT, mqtt.Kind.SUBSCRIBE]
        assert session.unit.ack_topic.encode() in broker.packets[1].body
        (born_at, _), (said_at, _) = broker.messages[:2]
        assert born_at == session.unit.presence_topic
        assert said_at.endswith("/up/status")


async def test_a_broker_that_falls_silent_is_asked_and_then_left() -> None:
    clock = FakeClock()
    async with running(TAKEN, clock) as (broker, session, counters):
        await until(lambda: session.is_connected, within_s=5)
        session.tick(now_s=clock.monotonic_s() + 4)
        assert mqtt.Kind.PINGREQ not in broker.kinds()
        session.tick(now_s=clock.monotonic_s() + 6)
        await until(lambda: mqtt.Kind.PINGREQ in broker.kinds(), within_s=5)
        session.tick(now_s=clock.monotonic_s() + 16)
        await until(lambda: not session.is_connected, within_s=5)
        assert counters.connected == 0


async def test_a_refusal_is_counted_and_the_next_try_waits_its_turn() -> None:
    clock = FakeClock()
    async with running(REFUSED, clock) as (broker, session, counters):
        await until(lambda: counters.refused == 1, within_s=5)
        assert broker.connections == 1
        await clock.advance(2.0)
        await until(lambda: counters.refused == broker.connections >= 2, within_s=5)
        assert session.refused == counters.refused


@pytest.mark.parametrize(("answer", "come", "wait"), [(b"", 1, 2), (TAKEN, 3, 0)])
async def test_who_has_not_come_yet_waits_until_the_one_before_it_has(
    answer: bytes, come: int, wait: int
) -> None:
    broker, clock, counters = ScriptedBroker(answer), FakeClock(), FleetCounters()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    port, coming = server.sockets[0].getsockname()[1], asyncio.Semaphore(1)
    sessions = [session_at(port, clock, counters, coming) for _ in range(3)]
    tasks = [asyncio.create_task(each.run(lambda: None, after_s=0.0)) for each in sessions]
    try:
        await until(lambda: broker.kinds().count(mqtt.Kind.CONNECT) == come, within_s=5)
        await until(lambda: len(coming._waiters or ()) == wait, within_s=5)
        assert broker.connections == come
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        broker.hang_up()
        server.close()
        await server.wait_closed()


def _with(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def speak_to_the_dead() -> None:
        clock = FakeClock()
        async with running(TAKEN, clock) as (broker, session, counters):
            await until(lambda: session.is_connected, within_s=5)
            broker.hang_up()
            # the connection's end is told in a later turn than the one that speaks
            while session.is_connected:
                session.unit.second(now_utc_us=clock.utc_us(), now_s=clock.monotonic_s())
                session.tick(now_s=clock.monotonic_s() + 6)
                await asyncio.sleep(0)
            assert counters.connected == 0

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(speak_to_the_dead())


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_to_speak_on_a_connection_that_has_just_died_does_no_harm(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    _with(loop_factory)
