"""The gpsd driver against a small daemon that speaks the documented protocol."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.devices import GnssGpsd, GnssNmea, open_gnss
from edge_agent.devices.gpsd import Report, Sky, read_line
from edge_agent.vehicle_clock import VehicleClock
from protocols.clock import Clock
from protocols.errors import ConfigError, RemoteProtocolError
from protocols.messages import FixQuality, Position
from protocols.runtime.clock import SystemClock
from tests.edge_agent.devices.sink import Sink, count_of
from tests.fakes.clock import FakeClock
from tests.until import until

NOTHING = Sky(None, None)
TPV: dict[str, object] = {
    "class": "TPV", "device": "/dev/ttyACM0", "mode": 3, "status": 2,
    "time": "2027-01-15T08:00:00.000Z", "lat": 23.129, "lon": 113.264, "altHAE": 5.0,
    "altMSL": 12.5, "track": 360.0, "speed": 13.9, "climb": 0.0,
}  # fmt: skip


@dataclass
class Daemon:
    """Greets, waits for `?WATCH`, then says what it is told to."""

    port: int = 0
    asked: list[bytes] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def say(self, *objects: object) -> None:
        for writer in self.writers:
            for one in objects:
                line = one if isinstance(one, bytes) else json.dumps(one).encode()
                writer.write(line + b"\r\n")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"class":"VERSION","release":"3.25","rev":"3.25","proto_major":3}\r\n')
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            self.asked.append(await reader.readuntil(b"\n"))
            self.writers.append(writer)
            self.say({"class": "DEVICES", "devices": []}, {"class": "WATCH", "enable": True})
            await reader.read()
        writer.close()

    def hang_up(self) -> None:
        while self.writers:
            self.writers.pop().transport.abort()


@contextlib.asynccontextmanager
async def watching(
    sink: Sink, system: Clock | None = None
) -> AsyncIterator[tuple[Daemon, GnssGpsd, VehicleClock]]:
    daemon, clock = Daemon(), VehicleClock(system or SystemClock())
    server = await asyncio.start_server(daemon.serve, "127.0.0.1", 0)
    daemon.port = server.sockets[0].getsockname()[1]
    driver = GnssGpsd(
        source=f"gpsd://127.0.0.1:{daemon.port}", record=sink, clock=clock, rng=random.Random(1)
    )
    task = asyncio.create_task(driver.run())
    try:
        await until(lambda: bool(daemon.writers))
        yield daemon, driver, clock
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        daemon.hang_up()
        server.close()
        await server.wait_closed()


async def test_a_fix_becomes_a_position_with_what_sky_says() -> None:
    sink = Sink()
    async with watching(sink) as (daemon, driver, _):
        daemon.say({"class": "SKY", "uSat": 11, "hdop": 0.9}, TPV)
        await count_of(sink, 1)
        health = driver.health()
    assert daemon.asked == [b'?WATCH={"enable":true,"json":true}\n']
    assert sink.of(Position) == [
        Position(
            latitude_deg=23.129, longitude_deg=113.264, fix=FixQuality.DIFFERENTIAL,
            speed_mps=13.9, heading_deg=0.0, altitude_m=12.5, satellites=11, hdop=0.9,
        )
    ]  # fmt: skip
    assert (health.state, health.rejected) == ("ok", {})


async def test_its_time_disciplines_the_vehicle_s_clock_and_one_that_cannot_be_is_counted() -> None:
    sink, system = Sink(), FakeClock(utc_us=0)
    async with watching(sink, system) as (daemon, driver, clock):
        for second in range(3):
            daemon.say(TPV | {"time": f"2027-01-15T08:00:0{second}.000Z"})
            await count_of(sink, second + 1)
            await system.advance(1.0)
        assert clock.utc_us() == 1_800_000_003_000_000
        system.jump_utc(1_800_000_000_000_000)
        daemon.say(TPV | {"time": "2025-11-15T08:00:03.000Z"})
        await until(lambda: driver.health().rejected == {"impossible-time": 1})


async def test_without_a_fix_nothing_is_recorded_and_the_state_says_so() -> None:
    sink = Sink()
    async with watching(sink) as (daemon, driver, _):
        daemon.say(TPV, {"class": "TPV", "mode": 1})
        await until(lambda: driver.health().heard >= 5)
        assert driver.health().state == "no-fix"
    assert len(sink.records) == 1


async def test_a_lost_daemon_is_found_again() -> None:
    sink = Sink()
    async with watching(sink) as (daemon, driver, _):
        daemon.say(TPV)
        await count_of(sink, 1)
        daemon.hang_up()
        await until(lambda: driver.health().state == "disconnected")
        await until(lambda: bool(daemon.writers))
        daemon.say({**TPV, "time": "2027-01-15T08:00:05.000Z"})
        await count_of(sink, 2)


async def test_nonsense_is_counted_and_the_next_line_heard() -> None:
    sink = Sink()
    async with watching(sink) as (daemon, driver, _):
        daemon.say(b"{", b"[1]", b'{"class":"NEWS"}', {"class": "ERROR", "message": "no"})
        daemon.say(b"x" * 200_000, {**TPV, "lat": 91}, {**TPV, "lat": 0, "lon": 0.0}, TPV)
        await count_of(sink, 1)
        rejected = driver.health().rejected
    assert rejected == {
        "bad-json": 2, "unknown-class": 1, "device-error": 1, "too-long": 1, "out-of-range": 1,
        "zero-position": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "fix"),
    [(None, "autonomous"), (1, "autonomous"), (2, "differential"), (3, "rtk_fixed"),
     (4, "rtk_float"), (5, "estimated"), (6, "estimated"), (8, "simulated")],
)  # fmt: skip
def test_the_status_is_the_quality(status: int | None, fix: str) -> None:
    said = read_line(json.dumps({**TPV, "status": status}).encode(), NOTHING)
    assert isinstance(said, Report)
    assert said.position is not None
    assert said.position.fix == fix


_value = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30),
    st.lists(st.integers(), max_size=2),
)  # fmt: skip


@given(
    changes=st.dictionaries(st.sampled_from([*TPV, "hdop", "uSat"]), _value),
    kind=st.sampled_from(["TPV", "SKY"]),
)
def test_no_line_raises_anything_else_and_no_value_is_out_of_range(
    changes: dict[str, object], kind: str
) -> None:
    line = json.dumps({**TPV, **changes, "class": kind}).encode()
    said = None
    with contextlib.suppress(RemoteProtocolError):
        said = read_line(line, NOTHING)
    if isinstance(said, Report) and said.position is not None:
        assert Position.from_body(said.position.to_body()) == said.position


@given(line=st.binary(max_size=200))
def test_no_bytes_raise_anything_else(line: bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        read_line(line, NOTHING)


@pytest.mark.parametrize(
    ("source", "driver"),
    [("gpsd://127.0.0.1:2947", GnssGpsd), ("tcp://127.0.0.1:10110", GnssNmea),
     ("udp://0.0.0.0:10110", GnssNmea), ("serial:///dev/ttyUSB0?baud=115200", GnssNmea),
     ("/dev/ttyS0", GnssNmea)],
)  # fmt: skip
def test_the_address_picks_the_driver(source: str, driver: type[object]) -> None:
    opened = open_gnss(
        source, record=Sink(), clock=VehicleClock(SystemClock()), rng=random.Random(1)
    )
    assert type(opened) is driver


@pytest.mark.parametrize(
    "source",
    ["http://127.0.0.1:1", "gpsd://127.0.0.1", "tcp://:10110", "tcp://host:99999", "ttyUSB0",
     "serial:///dev/ttyUSB0?baud=12", "serial://", ""],
)  # fmt: skip
def test_an_address_that_leads_nowhere_is_refused_at_once(source: str) -> None:
    with pytest.raises(ConfigError):
        open_gnss(source, record=Sink(), clock=VehicleClock(SystemClock()), rng=random.Random(1))
