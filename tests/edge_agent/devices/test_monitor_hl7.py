"""The monitor driver on real sockets, against the simulated monitor."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import numpy as np
from pydicom.data import get_testdata_file

from edge_agent.devices import MonitorHl7
from edge_agent.vehicle_clock import VehicleClock
from firmware_sim.monitor import Identity, MonitorSetup, Pacing, PatientMonitor, open_record
from firmware_sim.monitor.signals import Recorded
from protocols.clock import Clock
from protocols.messages import VitalsReading, WaveformBlock
from protocols.messages.samples import Samples, decode_samples
from tests.edge_agent.devices.sink import Sink, until
from tests.fakes.clock import FakeClock

IDENTITY = Identity(eui64="024748FFFE000001", bed="A-001", patient_name="模拟^患者")


@contextlib.asynccontextmanager
async def listening(sink: Sink, clock: Clock, **given: float) -> AsyncIterator[MonitorHl7]:
    driver = MonitorHl7(
        host="127.0.0.1",
        port=0,
        record=sink,
        clock=VehicleClock(clock),
        rng=random.Random(1),
        **given,  # type: ignore[arg-type]  # a test's shorthand
    )
    task = asyncio.create_task(driver.run())
    try:
        async with asyncio.timeout(5):
            await driver.listening.wait()
        yield driver
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def reporting(
    driver: MonitorHl7, clock: FakeClock, **setup: object
) -> AsyncIterator[PatientMonitor]:
    given = {"identity": IDENTITY, "seed": 1, **setup}
    monitor = PatientMonitor(
        setup=MonitorSetup(**given),  # type: ignore[arg-type]  # a test's shorthand
        host="127.0.0.1",
        port=driver.port,
        clock=clock,
    )
    task = asyncio.create_task(monitor.run())
    try:
        await until(lambda: monitor.sender.connected)
        yield monitor
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def play(monitor: PatientMonitor, clock: FakeClock, seconds: float) -> None:
    for _ in range(round(seconds / 0.128)):
        await clock.advance(0.128)
        if monitor.sender.connected:
            async with asyncio.timeout(5):
                await monitor.sender.drained()


def joined(blocks: list[WaveformBlock]) -> dict[str, Samples]:
    """Return each channel's samples, the blocks proved to follow one another."""
    parts: dict[str, list[Samples]] = {}
    expected: dict[tuple[str, float], int] = {}
    for block in blocks:
        key = (block.group, block.rate_hz)
        assert block.first_sample_index == expected.setdefault(key, block.first_sample_index)
        expected[key] += block.sample_count
        for channel, values in zip(block.channels, decode_samples(block), strict=True):
            parts.setdefault(channel.code, []).append(values)
    return {code: np.concatenate(values) for code, values in parts.items()}


async def test_a_modelled_patient_arrives_as_vitals_and_waveforms() -> None:
    clock, sink = FakeClock(), Sink()
    async with listening(sink, clock) as driver, reporting(driver, clock) as monitor:
        await play(monitor, clock, 8.0)
        health = driver.health()
    readings, blocks = sink.of(VitalsReading), sink.of(WaveformBlock)

    assert len(readings) == 7
    assert {reading.source for reading in readings} == {"model"}
    assert 60 < (readings[-1].heart_rate_bpm or 0) < 90
    assert readings[-1].nibp_measured_utc_us is not None
    waves = joined(blocks)
    assert len(waves) == 13
    assert len(waves["MDC_ECG_ELEC_POTL_V6"]) == 31 * 128
    assert (health.state, health.rejected) == ("ok", {})


async def test_a_recorded_12_lead_arrives_sample_for_sample() -> None:
    clock, sink = FakeClock(), Sink()
    path = get_testdata_file("waveform_ecg.dcm")
    (source,) = open_record(str(path), loop=False)
    assert isinstance(source, Recorded)
    async with (
        listening(sink, clock) as driver,
        reporting(
            driver, clock, waves=(source,), model_pleth=False, pacing=Pacing.REPLAY
        ) as monitor,
    ):
        while not monitor.finished.is_set():
            await play(monitor, clock, 0.128)
        await play(monitor, clock, 0.128)
    waves = joined(sink.of(WaveformBlock))

    assert len(waves) == 12
    for channel, sent in zip(source.group.channels, source.samples, strict=True):
        assert np.array_equal(waves[f"MDC_ECG_ELEC_POTL_{channel.name.upper()}"], sent)
    channels = sink.of(WaveformBlock)[0].channels
    assert {channel.source for channel in channels} == {source.group.source}
    assert {channel.unit for channel in channels} == {"uV"}
