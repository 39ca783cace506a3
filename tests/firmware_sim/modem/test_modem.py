"""The modem between real sockets: what it lets through, how fast, and when nothing passes."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import cast

import pytest

from firmware_sim.modem import LinkChange, Modem, ModemSetup, PortPair, Scenario
from firmware_sim.modem.scenario import ScenarioStep
from protocols.errors import ConfigError
from protocols.runtime.clock import SystemClock
from tests.until import until

MODEM, HUB = "127.0.1.77", "127.0.0.1"


class Echo(asyncio.DatagramProtocol):
    """A hub that gives back what it hears, and remembers from whom."""

    def __init__(self) -> None:
        self.peers: list[tuple[str, int]] = []
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.peers.append(addr)
        assert self.transport is not None
        self.transport.sendto(data, addr)


class Client(asyncio.DatagramProtocol):
    """A vehicle's UDP socket, and when each datagram came back."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, bytes]] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        del addr
        self.heard.append((time.monotonic(), data))


@contextlib.asynccontextmanager
async def relaying(scenario: Scenario | None = None) -> AsyncIterator[tuple[Modem, Echo]]:
    """A modem with one TCP and one UDP port, before a hub that echoes."""
    peers: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername")[0])
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65_536):
                writer.write(chunk)
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, HUB, 0)
    loop = asyncio.get_running_loop()
    transport, echo = await loop.create_datagram_endpoint(Echo, local_addr=(HUB, 0))
    setup = ModemSetup(
        listen_host=MODEM,
        hub_host=HUB,
        seed=1,
        tcp=[PortPair(0, server.sockets[0].getsockname()[1])],
        udp=[PortPair(0, transport.get_extra_info("sockname")[1])],
        scenario=scenario,
    )
    modem = Modem(setup=setup, clock=SystemClock())
    await modem.start()
    task = asyncio.create_task(modem.run())
    try:
        yield modem, echo
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await modem.close()
        server.close()
        await server.wait_closed()
        transport.close()
    assert set(peers) <= {MODEM}


@contextlib.asynccontextmanager
async def connected(
    modem: Modem,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(MODEM, modem.tcp_ports[0])
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def datagrams(modem: Modem) -> AsyncIterator[tuple[Client, asyncio.DatagramTransport]]:
    transport, client = await asyncio.get_running_loop().create_datagram_endpoint(
        Client, remote_addr=(MODEM, modem.udp_ports[0])
    )
    try:
        yield client, transport
    finally:
        transport.close()


async def _round_trip_s(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    began_s = time.monotonic()
    writer.write(b"?")
    await reader.readexactly(1)
    return time.monotonic() - began_s


async def test_a_clear_link_gives_back_ten_megabytes_unchanged_and_quickly() -> None:
    payload = bytes(range(256)) * 40_000
    async with relaying() as (modem, _), connected(modem) as (reader, writer):
        began_s = time.monotonic()
        writer.write(payload)
        back = await asyncio.wait_for(reader.readexactly(len(payload)), 20)
        took_s = time.monotonic() - began_s
        writer.write_eof()
        assert await reader.read() == b""

    assert back == payload
    assert took_s < 5


async def test_the_hub_sees_the_modems_own_address_and_a_socket_for_each_client() -> None:
    async with relaying() as (modem, echo):
        async with datagrams(modem) as (one, to_one), datagrams(modem) as (two, to_two):
            to_one.sendto(b"one")
            to_two.sendto(b"two")
            await until(lambda: bool(one.heard and two.heard), within_s=5)
            assert modem.status()["udp_clients"] == 2
        assert {host for host, _ in echo.peers} == {MODEM}
        assert len(set(echo.peers)) == 2
        assert [data for _, data in one.heard] == [b"one"]
        assert [data for _, data in two.heard] == [b"two"]


@pytest.mark.parametrize("rate_bps", [200_000, 2_000_000])
async def test_tcp_gets_the_rate_that_is_set(rate_bps: int) -> None:
    """Within 10 %: 1.5 s of payload, headers counted."""
    size = int(rate_bps * 1.5 / 8)
    async with relaying() as (modem, _), connected(modem) as (reader, writer):
        await _round_trip_s(reader, writer)
        modem.change(LinkChange(rate_bps=rate_bps))
        began_s = time.monotonic()
        writer.write(b"x" * size)
        await asyncio.wait_for(reader.readexactly(size), 10)
        took_s = time.monotonic() - began_s

    assert took_s == pytest.approx(1.5 * 1440 / 1400, rel=0.12)


async def test_tcp_and_udp_share_one_rate_and_a_full_buffer_drops_datagrams() -> None:
    async with relaying() as (modem, _), datagrams(modem) as (client, to_hub):
        to_hub.sendto(b"first")
        await until(lambda: bool(client.heard), within_s=5)
        modem.change(LinkChange(rate_bps=400_000))
        began_s = time.monotonic()
        for _ in range(100):  # 100 kB at once: 2 s of the link, five times its buffer
            to_hub.sendto(b"y" * 972)
            await asyncio.sleep(0)  # or the kernel's own buffer would drop some first
        await until(lambda: _moved(modem)[0] == 100, within_s=5)
        took_s = time.monotonic() - began_s
        status = modem.status()

    assert 0.3 < took_s < 0.7
    assert status["up"]["dropped"] == pytest.approx(80, abs=4)  # type: ignore[index]


async def test_delay_and_jitter_are_added_each_way() -> None:
    async with relaying() as (modem, _), connected(modem) as (reader, writer):
        modem.change(LinkChange(delay_ms=60, jitter_ms=40))
        trips_s = [await _round_trip_s(reader, writer) for _ in range(15)]

    assert min(trips_s) >= 0.120
    assert max(trips_s) < 0.240
    assert max(trips_s) - min(trips_s) > 0.015


async def test_datagrams_stay_in_order_and_the_set_share_is_lost() -> None:
    """10 % each way of 1000: 810 come back, within four standard deviations (50)."""
    async with relaying() as (modem, _), datagrams(modem) as (client, to_hub):
        to_hub.sendto(b"first")
        await until(lambda: bool(client.heard), within_s=5)
        modem.change(LinkChange(loss_pct=10, delay_ms=5, jitter_ms=10))
        for begin in range(0, 1_000, 20):
            for number in range(begin, begin + 20):
                to_hub.sendto(number.to_bytes(2, "big"))
            # no more under way than the kernel's buffers surely hold
            await until(partial(_are_moved, modem, 2 * (begin + 20)), within_s=5)
    numbers = [int.from_bytes(data, "big") for _, data in client.heard[1:]]

    assert numbers == sorted(numbers)
    assert len(numbers) == pytest.approx(810, abs=50)


def _are_moved(modem: Modem, count: int) -> bool:
    return sum(_moved(modem)) >= count


def _moved(modem: Modem) -> list[int]:
    """Datagrams that have met their fate: up, and of those that got up, down again."""
    up, down = modem.status()["up"], modem.status()["down"]
    assert isinstance(up, dict)
    assert isinstance(down, dict)
    up_fates = up["packets"] - 1 + up["lost"] + up["dropped"]
    down_fates = down["packets"] - 1 + down["lost"] + down["dropped"]
    return [up_fates, down_fates + up["lost"] + up["dropped"]]


async def test_tcp_loses_nothing_on_a_lossy_link_but_waits() -> None:
    payload = bytes(range(256)) * 300
    async with relaying() as (modem, _), connected(modem) as (reader, writer):
        await _round_trip_s(reader, writer)
        modem.change(LinkChange(loss_pct=4))
        began_s = time.monotonic()
        writer.write(payload)
        back = await asyncio.wait_for(reader.readexactly(len(payload)), 30)
        took_s = time.monotonic() - began_s
        status = modem.status()

    assert back == payload
    assert status["up"]["retransmitted"] + status["down"]["retransmitted"] > 0  # type: ignore[index]
    assert took_s > 0.2


async def test_a_cut_is_silent_and_what_was_written_arrives_when_it_ends() -> None:
    async with relaying() as (modem, _), connected(modem) as (reader, writer):
        await _round_trip_s(reader, writer)
        async with datagrams(modem) as (client, to_hub):
            to_hub.sendto(b"first")
            await until(lambda: bool(client.heard), within_s=5)
            modem.change(LinkChange(cut_s=0.6))
            began_s = time.monotonic()
            writer.write(b"during")
            to_hub.sendto(b"lost")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.3)
            assert modem.is_cut
            assert await asyncio.wait_for(reader.readexactly(6), 5) == b"during"
            took_s = time.monotonic() - began_s
            to_hub.sendto(b"after")
            await until(lambda: len(client.heard) == 2, within_s=5)

    assert 0.58 < took_s < 1.0
    assert [data for _, data in client.heard] == [b"first", b"after"]


async def test_a_cut_stops_the_modem_from_reading() -> None:
    """So a sender's own buffers fill, as on a dead radio link."""
    async with relaying() as (modem, _), connected(modem) as (reader, writer):
        await _round_trip_s(reader, writer)
        modem.change(LinkChange(cut_s=0))
        writer.transport.set_write_buffer_limits(high=1)
        writer.write(b"z" * 20_000_000)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.drain(), 0.5)
        assert writer.transport.get_write_buffer_size() > 5_000_000
        assert modem.status()["up"]["queued_bytes"] == 0  # type: ignore[index]
        modem.change(LinkChange(restore=True))
        got = await asyncio.wait_for(reader.read(10), 5)
        writer.transport.abort()

    assert got.startswith(b"z")


async def test_a_new_connection_during_a_cut_reaches_the_hub_only_afterwards() -> None:
    async with relaying() as (modem, _):
        modem.change(LinkChange(cut_s=0))
        async with connected(modem) as (reader, writer):
            writer.write(b"?")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.2)
            modem.change(LinkChange(restore=True))
            assert await asyncio.wait_for(reader.read(1), 5) == b"?"


async def test_who_gave_up_during_a_cut_does_not_knock_at_the_hub_afterwards() -> None:
    async with relaying() as (modem, _):
        modem.change(LinkChange(cut_s=0))
        for _ in range(3):
            async with connected(modem) as (_, writer):
                writer.write(b"hello")
                await writer.drain()
        await until(lambda: modem.status()["tcp_connections"] == 0, within_s=5)
        assert modem.is_cut


async def test_a_reset_breaks_connections_at_once_and_refuses_new_ones() -> None:
    async with relaying() as (modem, _):
        async with connected(modem) as (reader, writer):
            await _round_trip_s(reader, writer)
            modem.change(LinkChange(cut_s=0, reset=True))
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(reader.readexactly(1), 2)
        async with connected(modem) as (reader, _):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1), 2)
        modem.change(LinkChange(restore=True))
        async with connected(modem) as (reader, writer):
            assert await _round_trip_s(reader, writer) < 1


async def test_a_rate_that_is_raised_counts_at_once_for_what_already_waits() -> None:
    async with relaying() as (modem, _), connected(modem) as (reader, writer):
        await _round_trip_s(reader, writer)
        modem.change(LinkChange(rate_bps=8_000))
        writer.write(b"s" * 100_000)
        await until(lambda: modem.status()["up"]["queued_bytes"] > 0, within_s=5)  # type: ignore[index]
        began_s = time.monotonic()
        modem.change(LinkChange(rate_bps=0))
        await asyncio.wait_for(reader.readexactly(100_000), 5)

    assert time.monotonic() - began_s < 1.5


async def test_a_scenario_cuts_and_restores_by_itself() -> None:
    scenario = Scenario(
        steps=(ScenarioStep(at_s=0.2, cut_s=0), ScenarioStep(at_s=0.5, restore=True))
    )
    began_s = time.monotonic()
    async with relaying(scenario) as (modem, _):
        await until(lambda: modem.is_cut, within_s=5)
        cut_s = time.monotonic() - began_s
        await until(lambda: not modem.is_cut, within_s=5)
        back_s = time.monotonic() - began_s

    assert 0.19 < cut_s < 0.45
    assert 0.49 < back_s < 0.8


async def test_a_port_in_use_is_one_clear_error_and_frees_what_was_opened() -> None:
    async with relaying() as (modem, _):
        setup = ModemSetup(
            listen_host=MODEM, hub_host=HUB, seed=1,
            tcp=[PortPair(0, 1), PortPair(modem.tcp_ports[0], 1)],
        )  # fmt: skip
        with pytest.raises(ConfigError, match="cannot listen"):
            await Modem(setup=setup, clock=SystemClock()).start()
