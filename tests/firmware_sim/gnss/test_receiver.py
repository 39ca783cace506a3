"""The receiver on real wires: TCP sockets and a pseudo-terminal."""

import asyncio
import contextlib
import os
import re
import tty
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pynmeagps import NMEAReader
from pynmeagps.exceptions import NMEAParseError

from firmware_sim.gnss import GnssFaultRequest, GnssReceiver, LogSource, drive_source
from protocols.errors import ConfigError
from protocols.runtime.clock import SystemClock
from tests.fakes.clock import FakeClock
from tests.until import until

DATA = Path(__file__).parents[3].parent / "shared" / "data" / "nmea"


@contextlib.asynccontextmanager
async def running(receiver: GnssReceiver) -> AsyncIterator[GnssReceiver]:
    await receiver.start()
    task = asyncio.create_task(receiver.run())
    try:
        yield receiver
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await receiver.close()


async def _advance(clock: FakeClock, reader: asyncio.StreamReader, seconds: int) -> list[bytes]:
    """Let `seconds` pass and return the sentences that came over the socket meanwhile."""
    lines: list[bytes] = []
    for _ in range(seconds):
        await clock.advance(1.0)
        with contextlib.suppress(TimeoutError):
            while True:
                lines.append(await asyncio.wait_for(reader.readline(), 0.05))
    return lines


async def _read_lines(descriptor: int, count: int) -> list[bytes]:
    """Read `count` lines; the kernel hands a terminal's bytes on in its own time, and in parts."""
    read = b""
    readable = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, readable.set)
    try:
        while read.count(b"\n") < count:
            await readable.wait()
            readable.clear()
            with contextlib.suppress(BlockingIOError):
                read += os.read(descriptor, 65_536)
    finally:
        asyncio.get_running_loop().remove_reader(descriptor)
    return read.splitlines()


async def _connected(receiver: GnssReceiver, count: int) -> None:
    await until(lambda: receiver.status()["clients"] == count, within_s=5)


async def test_two_clients_hear_the_same_seconds() -> None:
    clock = FakeClock()
    async with running(GnssReceiver(source=drive_source(seed=1), clock=clock, seed=1)) as receiver:
        first, first_writer = await asyncio.open_connection("127.0.0.1", receiver.port)
        second, second_writer = await asyncio.open_connection("127.0.0.1", receiver.port)
        await _connected(receiver, 2)
        heard = await _advance(clock, first, 3)
        also = await second.read(65_536)
        first_writer.close()
        second_writer.close()

    assert [line[:6] for line in heard].count(b"$GNRMC") == 3
    assert b"".join(heard) == also
    assert all(NMEAReader.parse(line) for line in heard)


async def test_a_pseudo_terminal_gives_the_same_sentences(tmp_path: Path) -> None:
    clock = FakeClock()
    name = tmp_path / "gps"
    receiver = GnssReceiver(
        source=drive_source(seed=1), clock=clock, seed=1, port=None, terminal=name
    )
    async with running(receiver):
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        tty.setraw(descriptor)
        await clock.advance(1.0)
        async with asyncio.timeout(10):
            lines = await _read_lines(descriptor, receiver.sentences_sent)
        os.close(descriptor)

    assert lines[0].startswith(b"$GNTXT,01,01,02,route model seed 1*")
    assert {NMEAReader.parse(line + b"\r\n").msgID for line in lines} >= {"RMC", "GGA", "GSV"}
    assert not name.is_symlink()


async def test_a_terminal_that_nobody_reads_does_not_hold_the_receiver_up(tmp_path: Path) -> None:
    clock = FakeClock()
    receiver = GnssReceiver(
        source=drive_source(seed=1), clock=clock, seed=1, port=None, terminal=tmp_path / "gps"
    )
    async with running(receiver):
        await clock.advance(120.0)
        assert receiver.sentences_sent > 1_000


async def test_faults_are_what_a_driver_must_bear() -> None:
    clock = FakeClock()
    async with running(GnssReceiver(source=drive_source(seed=1), clock=clock, seed=1)) as receiver:
        reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
        await _connected(receiver, 1)
        receiver.break_on_purpose(GnssFaultRequest(corrupt=2, partial=1))
        wire = b"".join(await _advance(clock, reader, 1))
        receiver.break_on_purpose(GnssFaultRequest(no_fix_s=1.5))
        no_fix = b"".join(await _advance(clock, reader, 1))
        receiver.break_on_purpose(GnssFaultRequest(silent_s=1.5, garbage_bytes=64))
        noise = b"".join(await _advance(clock, reader, 1))
        fixed = b"".join(await _advance(clock, reader, 1))
        receiver.break_on_purpose(GnssFaultRequest(restart=True))
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readuntil(b"never")
        writer.close()

    bad = 0
    for line in wire.splitlines():
        try:
            NMEAReader.parse(line + b"\r\n")
        except NMEAParseError:
            bad += 1
    assert bad == 3
    assert b",V,,,,," in no_fix
    assert re.search(rb"RMC,\d+\.\d+,A", no_fix) is None
    assert b"$GN" not in noise
    assert re.search(rb"RMC,\d+\.\d+,A", fixed)


async def test_a_port_in_use_is_one_clear_error() -> None:
    clock = FakeClock()
    async with running(GnssReceiver(source=drive_source(seed=1), clock=clock, seed=1)) as receiver:
        other = GnssReceiver(source=drive_source(seed=1), clock=clock, seed=1, port=receiver.port)
        with pytest.raises(ConfigError, match="cannot listen"):
            await other.start()


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/nmea is absent")
@pytest.mark.parametrize("name", ["quectel-l76k-nmea", "ublox-neo-m9n-nmea", "unicore-um621",
                                  "quectel-eg25-g", "sirfstarv-nmea"])  # fmt: skip
async def test_a_captured_log_reaches_the_socket_byte_for_byte(name: str) -> None:
    path = DATA / f"{name}.log"
    expected = b"".join(
        line.rstrip(b"\r") + b"\r\n"
        for line in path.read_bytes().split(b"\n")
        if line.strip() and not line.startswith(b"#")
    )
    source = LogSource(path, factor=1e6)
    receiver = GnssReceiver(source=source, clock=SystemClock(), seed=1)
    await receiver.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
    await _connected(receiver, 1)
    task = asyncio.create_task(receiver.run())
    wire = await asyncio.wait_for(reader.readexactly(len(expected)), 20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    writer.close()
    await receiver.close()

    assert wire == expected


async def test_it_can_be_made_to_tell_a_wrong_time_and_the_same_time_again_and_again() -> None:
    clock = FakeClock()
    async with running(GnssReceiver(source=drive_source(seed=1), clock=clock, seed=1)) as receiver:
        reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
        await _connected(receiver, 1)
        right = _times(await _advance(clock, reader, 2))
        receiver.break_on_purpose(GnssFaultRequest(time_off_s=-86_400.0))
        behind = _times(await _advance(clock, reader, 2))
        receiver.break_on_purpose(GnssFaultRequest(time_off_s=0.0, repeat_s=3.0))
        repeated = _times(await _advance(clock, reader, 2))
        await clock.advance(2.0)
        after = _times(await _advance(clock, reader, 3))[-1]
        writer.close()

    assert [later - right[0] for later in right] == [0, 1]
    assert [later - right[0] + 86_400 for later in behind] == [2, 3]
    assert [later - right[0] for later in repeated] == [4, 4]
    assert after - right[0] == 10


def _times(lines: list[bytes]) -> list[float]:
    """Return the seconds since 1970 that each RMC says."""
    said = [NMEAReader.parse(line) for line in lines if line.startswith(b"$GNRMC")]
    return [datetime.combine(one.date, one.time, UTC).timestamp() for one in said]
