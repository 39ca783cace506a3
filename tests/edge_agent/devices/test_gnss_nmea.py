"""The NMEA driver on real wires, against the simulated receiver and hostile bytes."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.devices import Driver, GnssNmea
from edge_agent.devices.wire import WAITING_DATAGRAMS, UdpAddress
from edge_agent.vehicle_clock import VehicleClock
from firmware_sim.gnss import GnssFaultRequest, GnssReceiver, drive_source
from protocols.errors import JournalFullError, StorageError
from protocols.messages import FixQuality, Position
from protocols.runtime.clock import SystemClock
from tests.edge_agent.devices.sink import Sink, count_of
from tests.edge_agent.devices.test_nmea import GGA, RMC, signed
from tests.fakes.clock import FakeClock
from tests.until import until


@contextlib.asynccontextmanager
async def receiving(receiver: GnssReceiver) -> AsyncIterator[GnssReceiver]:
    await receiver.start()
    task = asyncio.create_task(receiver.run())
    try:
        yield receiver
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await receiver.close()


@contextlib.asynccontextmanager
async def driving(driver: Driver) -> AsyncIterator[None]:
    task = asyncio.create_task(driver.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def talking() -> AsyncIterator[tuple[int, Callable[[bytes], Awaitable[None]]]]:
    """Listen as a receiver does; what is said goes to whoever is connected."""
    writers: list[asyncio.StreamWriter] = []

    def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    async def say(data: bytes) -> None:
        await until(lambda: bool(writers))
        writers[-1].write(data)
        await writers[-1].drain()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], say
    finally:
        for writer in writers:
            writer.transport.abort()
        server.close()
        await server.wait_closed()


def _driver(source: str, sink: Sink, *, max_rate_hz: float = 1.0) -> GnssNmea:
    return GnssNmea(
        source=source,
        record=sink,
        clock=VehicleClock(SystemClock()),
        rng=random.Random(1),
        max_rate_hz=max_rate_hz,
    )


def but_for_its_date(driver: GnssNmea) -> dict[str, int]:
    """Return what was rejected; that a recording is of another year is told elsewhere."""
    rejected = driver.health().rejected
    return {reason: count for reason, count in rejected.items() if reason != "impossible-time"}


async def test_a_drive_over_tcp_becomes_one_position_a_second() -> None:
    clock, sink = FakeClock(), Sink()
    receiver = GnssReceiver(source=drive_source(seed=1), clock=clock, seed=1)
    async with receiving(receiver):
        driver = _driver(f"tcp://127.0.0.1:{receiver.port}", sink)
        async with driving(driver):
            await until(lambda: receiver.status()["clients"] == 1)
            for count in range(1, 6):
                await clock.advance(1.0)
                await count_of(sink, count)
            health = driver.health()

    positions = sink.of(Position)
    assert len(positions) == 5
    assert {position.fix for position in positions} == {FixQuality.SIMULATED}
    assert all(22 < p.latitude_deg < 24 and 112 < p.longitude_deg < 115 for p in positions)
    assert all(p.satellites == 17 and p.hdop == 0.8 and p.altitude_m == 12.0 for p in positions)
    assert (health.state, health.rejected) == ("ok", {})


async def test_a_pseudo_terminal_gives_the_same(tmp_path: Path) -> None:
    clock, sink = FakeClock(), Sink()
    name = tmp_path / "gps"
    receiver = GnssReceiver(
        source=drive_source(seed=1), clock=clock, seed=1, port=None, terminal=name
    )
    async with receiving(receiver):
        driver = _driver(str(name), sink)
        async with driving(driver):
            await until(lambda: driver.health().state != "disconnected")
            for count in range(1, 4):
                await clock.advance(1.0)
                await count_of(sink, count)
    assert len(sink.of(Position)) == 3


async def test_without_a_fix_the_state_says_so_and_nothing_is_recorded() -> None:
    clock, sink = FakeClock(), Sink()
    receiver = GnssReceiver(source=drive_source(seed=1), clock=clock, seed=1)
    async with receiving(receiver):
        driver = _driver(f"tcp://127.0.0.1:{receiver.port}", sink)
        async with driving(driver):
            await until(lambda: receiver.status()["clients"] == 1)
            await clock.advance(1.0)
            await until(lambda: len(sink.records) == 1)
            receiver.break_on_purpose(GnssFaultRequest(no_fix_s=2.5))
            await clock.advance(2.0)
            await until(lambda: driver.health().state == "no-fix")
            await clock.advance(2.0)
            await until(lambda: driver.health().state == "ok")
    assert len(sink.records) == 3


async def test_damage_on_the_wire_costs_only_what_it_hit() -> None:
    clock, sink = FakeClock(), Sink()
    receiver = GnssReceiver(source=drive_source(seed=1), clock=clock, seed=1)
    async with receiving(receiver):
        driver = _driver(f"tcp://127.0.0.1:{receiver.port}", sink)
        async with driving(driver):
            await until(lambda: receiver.status()["clients"] == 1)
            await clock.advance(1.0)
            await count_of(sink, 1)
            receiver.break_on_purpose(GnssFaultRequest(corrupt=2, partial=2, garbage_bytes=300))
            await clock.advance(1.0)
            await until(lambda: driver.health().rejected.get("bad-checksum") == 2)
            await clock.advance(3.0)
            await until(lambda: len(sink.records) >= 4)
            health = driver.health()
    assert health.state == "ok"
    assert {"bad-checksum", "incomplete"} <= set(health.rejected)


async def test_a_receiver_that_restarts_is_found_again() -> None:
    clock, sink = FakeClock(), Sink()
    receiver = GnssReceiver(source=drive_source(seed=1), clock=clock, seed=1)
    async with receiving(receiver):
        driver = _driver(f"tcp://127.0.0.1:{receiver.port}", sink)
        async with driving(driver):
            await until(lambda: receiver.status()["clients"] == 1)
            await clock.advance(1.0)
            await count_of(sink, 1)
            receiver.break_on_purpose(GnssFaultRequest(restart=True))
            await until(lambda: driver.health().state == "disconnected")
            await until(lambda: receiver.status()["clients"] == 1)
            await clock.advance(2.0)
            await until(lambda: driver.health().state == "no-fix")
            await clock.advance(4.0)
            await until(lambda: len(sink.records) >= 2)
            assert driver.health().state == "ok"


async def test_datagrams_are_heard_without_line_ends() -> None:
    sink = Sink()
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    driver = _driver(f"udp://127.0.0.1:{port}", sink)
    async with driving(driver):
        await until(lambda: driver.health().state == "silent")
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            for body in (RMC, GGA):
                sender.sendto(signed(body), ("127.0.0.1", port))
        await count_of(sink, 1)


async def test_datagrams_that_come_faster_than_they_are_read_are_counted() -> None:
    wire = await UdpAddress("127.0.0.1", 0).open()
    assert isinstance(wire, asyncio.DatagramProtocol)
    for number in range(WAITING_DATAGRAMS + 3):
        wire.datagram_received(b"%d" % number, ("127.0.0.1", 1))
    assert await wire.read() == b"3\r\n"
    assert (wire.overrun(), wire.overrun()) == (3, 0)
    await wire.close()


async def test_an_epoch_that_lacks_a_sentence_is_not_waited_for() -> None:
    sink = Sink()
    async with talking() as (port, say), driving(_driver(f"tcp://127.0.0.1:{port}", sink)):
        await say(signed(RMC) + b"\r\n")
        async with asyncio.timeout(2):
            await count_of(sink, 1)


async def test_a_fast_receiver_is_thinned_by_its_own_time() -> None:
    sink = Sink()
    async with talking() as (port, say):
        driver = _driver(f"tcp://127.0.0.1:{port}", sink)
        async with driving(driver):
            for tenth in range(25):
                at = b"0552%02d.%d00" % (34 + tenth // 10, tenth % 10)
                for body in (RMC, GGA):
                    await say(signed(body.replace(b"055234.000", at)) + b"\r\n")
            await until(lambda: driver.health().heard == 50)
            await until(lambda: but_for_its_date(driver) == {"thinned": 22})
    assert len(sink.records) == 3


@pytest.mark.parametrize(
    ("error", "reason"),
    [(JournalFullError(file="j"), "journal-full"), (StorageError(file="j"), "not-stored")],
)
async def test_a_journal_that_refuses_is_counted_and_ends_nothing(
    error: StorageError, reason: str
) -> None:
    sink = Sink(failing=error)
    async with talking() as (port, say):
        driver = _driver(f"tcp://127.0.0.1:{port}", sink)
        async with driving(driver):
            await say(signed(RMC) + b"\r\n" + signed(GGA) + b"\r\n")
            await until(lambda: but_for_its_date(driver) == {reason: 1})
            assert driver.health().state == "fault"
            sink.failing = None
            for body in (RMC, GGA):
                await say(signed(body.replace(b"055234", b"055235")) + b"\r\n")
            await count_of(sink, 1)
            assert driver.health().state == "ok"


async def test_only_noise_is_a_fault_and_nothing_at_all_is_silence() -> None:
    clock, sink = FakeClock(), Sink()
    async with talking() as (port, say):
        driver = GnssNmea(
            source=f"tcp://127.0.0.1:{port}",
            record=sink,
            clock=VehicleClock(clock),
            rng=random.Random(1),
        )
        async with driving(driver):
            await until(lambda: driver.health().state == "silent")
            await say(b"\x00\xff\x80" * 50)  # as at the wrong baud rate
            await until(lambda: driver.health().state == "fault")
            await say(b"\r\n" + signed(b"GPTXT,01,01,02,hello") + b"\r\n")
            await until(lambda: driver.health().state == "no-fix")
            await clock.advance(5.0)
            assert driver.health().state == "silent"


async def test_a_missing_device_is_disconnected_and_tried_again(tmp_path: Path) -> None:
    driver = _driver(str(tmp_path / "ttyUSB0"), Sink())
    (tmp_path / "plain").write_bytes(b"no terminal")
    other = _driver(f"serial://{tmp_path}/plain", Sink())
    async with driving(driver), driving(other):
        await asyncio.sleep(0)
        assert driver.health().state == "disconnected"
        assert other.health().state == "disconnected"


@given(data=st.lists(st.binary(max_size=400), max_size=6))
@settings(max_examples=25)
def test_no_bytes_end_the_driver(data: list[bytes]) -> None:
    async def run() -> None:
        sink = Sink()
        async with talking() as (port, say):
            driver = _driver(f"tcp://127.0.0.1:{port}", sink)
            async with driving(driver):
                for part in data:
                    await say(part)
                await say(b"\r\n" + signed(RMC) + b"\r\n" + signed(GGA) + b"\r\n")
                await count_of(sink, 1)

    asyncio.run(run())
