"""The NMEA driver on real wires, against the simulated receiver and hostile bytes."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

from edge_agent.devices import Driver, GnssNmea
from edge_agent.vehicle_clock import VehicleClock
from firmware_sim.gnss import GnssFaultRequest, GnssReceiver, drive_source
from protocols.messages import FixQuality, Position
from protocols.runtime.clock import SystemClock
from tests.edge_agent.devices.sink import Sink, count_of, until
from tests.fakes.clock import FakeClock


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


def _driver(source: str, sink: Sink, *, max_rate_hz: float = 1.0) -> GnssNmea:
    return GnssNmea(
        source=source,
        record=sink,
        clock=VehicleClock(SystemClock()),
        rng=random.Random(1),
        max_rate_hz=max_rate_hz,
    )


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
