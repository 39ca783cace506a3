"""What a simulated monitor says arrives, over real sockets."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator

import numpy as np
from pydicom.data import get_testdata_file

from edge_agent.devices import MonitorHl7
from firmware_sim.monitor import (
    Identity,
    MonitorFaultRequest,
    MonitorSetup,
    Pacing,
    PatientMonitor,
    open_record,
)
from firmware_sim.monitor.signals import Recorded
from protocols.messages import VitalsReading, WaveformBlock
from protocols.messages.samples import Samples, decode_samples
from tests.edge_agent.devices.driver import listening
from tests.edge_agent.devices.sink import Sink
from tests.fakes.clock import FakeClock
from tests.until import until

IDENTITY = Identity(eui64="024748FFFE000001", bed="A-001", patient_name="模拟^患者")


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


async def test_the_modelled_cuff_keeps_the_time_at_which_it_measured() -> None:
    clock, sink = FakeClock(), Sink()
    async with (
        listening(sink, clock) as driver,
        reporting(driver, clock, pressure_every_s=4.0, clock_error_s=7_777.7) as monitor,
    ):
        await play(monitor, clock, 12.0)
    ages = [
        record.captured_utc_us - record.message.nibp_measured_utc_us
        for record in sink.records
        if isinstance(record.message, VitalsReading)
        and record.message.nibp_measured_utc_us is not None
    ]
    assert ages[0] < 300_000
    assert 3_700_000 < max(ages) < 4_300_000
    assert ages.index(max(ages)) > 0


async def test_a_monitor_with_a_wrong_clock_is_placed_by_when_it_was_heard() -> None:
    clock, sink = FakeClock(), Sink()
    async with (
        listening(sink, clock) as driver,
        reporting(driver, clock, clock_error_s=-86_400 * 365.0) as monitor,
    ):
        await play(monitor, clock, 6.0)
        now_us = clock.utc_us()
    captured = [r.captured_utc_us for r in sink.records if isinstance(r.message, VitalsReading)]
    assert now_us - 6_000_000 < captured[0]
    assert captured[-1] <= now_us
    steps = {b - a for a, b in itertools.pairwise(captured)}
    assert max(abs(step - 1_000_000) for step in steps) <= 260_000  # numbers go out with a block


async def test_samples_are_continuous_across_a_broken_connection() -> None:
    clock, sink = FakeClock(), Sink()
    async with listening(sink, clock) as driver, reporting(driver, clock) as monitor:
        await play(monitor, clock, 3.0)
        monitor.sender.disconnect()
        await until(lambda: driver.health().state == "disconnected")
        await clock.advance(2.0)
        await until(lambda: monitor.sender.connected)
        async with asyncio.timeout(5):
            await monitor.sender.drained()
        await play(monitor, clock, 3.0)
    leads = joined(sink.of(WaveformBlock))
    lengths = {len(values) for code, values in leads.items() if code.startswith("MDC_ECG")}
    assert len(lengths) == 1
    assert lengths == {30 * 128}  # 7.9 s in blocks of 0.256 s: nothing is missing


async def test_a_restarted_monitor_leaves_a_hole_and_no_overlap() -> None:
    clock, sink = FakeClock(), Sink()
    async with listening(sink, clock) as driver, reporting(driver, clock) as monitor:
        await play(monitor, clock, 2.0)
        await monitor.break_on_purpose(MonitorFaultRequest(restart=True))
        await clock.advance(1.0)
        await until(lambda: monitor.sender.connected)
        await play(monitor, clock, 2.0)
        assert driver.health().state == "ok"
    end = 0
    for block in sink.of(WaveformBlock):
        if block.group == "ecg":
            assert block.first_sample_index >= end
            end = block.first_sample_index + block.sample_count


async def test_the_simulated_faults_cost_only_what_they_spoil() -> None:
    clock, sink = FakeClock(), Sink()
    async with listening(sink, clock) as driver, reporting(driver, clock) as monitor:
        await play(monitor, clock, 6.0)
        await monitor.break_on_purpose(
            MonitorFaultRequest(
                sentinel={"spo2": "8388607", "pulse": "-999", "temperature": "-99.9"},
                values={"heart_rate": 171.0},
                empty_pid=True,
                synonyms=True,
                unknown_segments=True,
                leads_off=True,
                garbage_bytes=500,
            )
        )
        await play(monitor, clock, 4.0)
        health = driver.health()
    last = sink.of(VitalsReading)[-1]
    assert (last.spo2_pct, last.pulse_bpm, last.body_temp_c) == (None, None, None)
    assert last.heart_rate_bpm == 171.0
    assert None not in {last.systolic_mmhg, last.diastolic_mmhg, last.mean_arterial_mmhg}
    assert last.respiratory_rate_bpm is not None
    ecg = [block for block in sink.of(WaveformBlock) if block.group == "ecg"][-1]
    assert ecg.missing == -32768
    assert set(decode_samples(ecg).ravel().tolist()) == {-32768}
    assert health.state == "ok"
    assert {"sentinel", "unknown-segment", "unknown-code"} <= set(health.rejected)
