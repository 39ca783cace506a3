"""The monitor driver on real sockets, against the simulated monitor."""

import asyncio
import contextlib
import itertools
import logging
import random
import socket
from collections.abc import AsyncIterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from edge_agent.devices import MonitorHl7
from edge_agent.devices.monitor_hl7.mllp import MOST_CONNECTIONS
from edge_agent.vehicle_clock import VehicleClock
from firmware_sim.monitor import (
    Identity,
    MonitorFaultRequest,
    MonitorSetup,
    Pacing,
    PatientMonitor,
    open_record,
)
from firmware_sim.monitor.signals import Recorded
from protocols.clock import Clock
from protocols.errors import JournalFullError, StorageError
from protocols.messages import VitalsReading, WaveformBlock
from protocols.messages.samples import Samples, decode_samples
from protocols.runtime.clock import SystemClock
from tests.edge_agent.devices.hl7 import Client, header, message, obx, wave
from tests.edge_agent.devices.sink import Sink
from tests.fakes.clock import FakeClock
from tests.until import until

SPO2 = "150456^MDC_PULS_OXIM_SAT_O2^MDC"
IDENTITY = Identity(eui64="024748FFFE000001", bed="A-001", patient_name="模拟^患者")


@contextlib.asynccontextmanager
async def listening(sink: Sink, clock: Clock, **given: float) -> AsyncIterator[MonitorHl7]:
    driver = MonitorHl7(
        host="127.0.0.1",
        port=0,
        record=sink,
        recall=sink.recall,
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


@st.composite
def _message_bytes(draw: st.DrawFn) -> bytes:
    """A message that is nearly right: some of its bytes are others."""
    text = message(obx(SPO2, "97", "%"), *wave("131330^MDC_ECG_ELEC_POTL_II^MDC", [1, 2, 3]))
    data = bytearray(text.encode())
    for _ in range(draw(st.integers(0, 4))):
        data[draw(st.integers(3, len(data) - 1))] = draw(st.integers(0x20, 0xFF))
    return bytes(data)


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


async def test_the_answer_comes_only_once_the_record_is_durable() -> None:
    sink = Sink(gate=asyncio.Event())
    async with listening(sink, SystemClock()) as driver:
        client = await Client.connect(driver.port)
        await client.send(message(obx(SPO2, "97", "%")))
        await until(lambda: driver.health().heard == 1)
        early = asyncio.create_task(client.answer())
        done, _ = await asyncio.wait({early}, timeout=0.1)
        assert not done
        assert sink.gate is not None
        sink.gate.set()
        answer = await early
        client.close()
    head, ack = answer.split("\r")[:2]
    assert ack == "MSA|AA|1"
    assert head.startswith("MSH|^~\\&|GOLDENHOUR||MONITOR||")
    assert "|ACK^R01^ACK|" in head


async def test_what_the_journal_refused_is_stored_when_it_is_sent_again_and_once() -> None:
    sink = Sink(failing=JournalFullError(file="j"))
    text = message(obx(SPO2, "97", "%"), *wave("131330^MDC_ECG_ELEC_POTL_II^MDC", [1, 2]))
    async with listening(sink, SystemClock()) as driver:
        client = await Client.connect(driver.port)
        assert await client.ask(text) == "AE"
        assert driver.health().state == "fault"
        sink.failing = None
        assert await client.ask(text) == "AA"
        client.close()
        other = await Client.connect(driver.port)
        assert await other.ask(text) == "AA"
        other.close()
        rejected = driver.health().rejected
    assert [type(record.message) for record in sink.records] == [VitalsReading, WaveformBlock]
    assert rejected == {"journal-full": 2, "duplicate": 2}


async def test_what_a_vehicle_stored_and_did_not_answer_before_its_end_is_stored_once() -> None:
    sink = Sink()
    one, two = (
        message(obx(SPO2, "97", "%"), head=header(control_id=control_id))
        for control_id in ("1", "2")
    )
    for text in (one, one, two, two):
        async with listening(sink, SystemClock()) as driver:  # each time a vehicle just started
            client = await Client.connect(driver.port)
            assert await client.ask(text) == "AA"
            client.close()
    assert len(sink.records) == 2


async def test_what_was_refused_before_a_vehicles_end_is_stored_when_it_is_sent_again() -> None:
    sink = Sink(failing=JournalFullError(file="j"))
    text = message(obx(SPO2, "97", "%"))
    for verdict in ("AE", "AA", "AA"):
        async with listening(sink, SystemClock()) as driver:
            client = await Client.connect(driver.port)
            assert await client.ask(text) == verdict
            client.close()
        sink.failing = None
    assert len(sink.records) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (message(obx(SPO2, "97", "%")), "AA"),
        (message(), "AA"),
        (message(obx(SPO2, "-999", "%")), "AA"),
        (message(head=header(kind="ADT^A01")), "AR"),
        (message(head=header(kind="ORU^R40^ORU_R40")), "AA"),
        (message(head=header(kind="ORU^R42^ORU_R42")), "AR"),
        ("MSH|^~\\&", "AR"),
    ],
)
async def test_every_message_is_answered_with_what_became_of_it(text: str, code: str) -> None:
    async with listening(Sink(), SystemClock()) as driver:
        client = await Client.connect(driver.port)
        assert await client.ask(text) == code
        client.close()


async def test_a_sender_that_wants_no_answer_gets_none() -> None:
    sink = Sink()
    quiet = header().replace("|AL|NE|", "|NE|NE|")
    async with listening(sink, SystemClock()) as driver:
        client = await Client.connect(driver.port)
        await client.send(message(obx(SPO2, "97", "%"), head=quiet))
        await client.send(message(obx(SPO2, "96", "%"), head=header(control_id="2")))
        assert "MSA|AA|2" in await client.answer()
        client.close()


async def test_what_is_no_hl7_is_counted_and_the_next_message_heard() -> None:
    sink = Sink()
    async with listening(sink, SystemClock()) as driver:
        client = await Client.connect(driver.port)
        for junk in (b"", b"GET / HTTP/1.1", b"MSH", b"MSH|||||", b"\xff\xfe\x00"):
            await client.send(junk)
        assert await client.ask(message(obx(SPO2, "97", "%"))) == "AA"
        client.close()
        assert driver.health().rejected == {"not-hl7": 5}


async def test_more_monitors_than_places_are_turned_away() -> None:
    async with listening(Sink(), SystemClock()) as driver:
        clients = [await Client.connect(driver.port) for _ in range(MOST_CONNECTIONS)]
        for number, client in enumerate(clients):
            text = message(obx(SPO2, "97", "%"), head=header(control_id=str(number)))
            assert await client.ask(text) == "AA"
        extra = await Client.connect(driver.port)
        with contextlib.suppress(ConnectionError):
            assert await extra.reader.read() == b""
        assert driver.health().rejected == {"too-many-connections": 1}
        for client in (*clients, extra):
            client.close()
        await until(lambda: driver.health().state == "disconnected")


async def test_an_idle_connection_is_closed() -> None:
    async with listening(Sink(), SystemClock(), idle_s=0.05) as driver:
        client = await Client.connect(driver.port)
        with contextlib.suppress(ConnectionError):
            assert await client.reader.read() == b""
        await until(lambda: driver.health().rejected == {"idle": 1})
        assert driver.health().state == "disconnected"
        client.close()


async def test_the_state_is_disconnected_then_silent_then_ok_then_silent() -> None:
    clock = FakeClock()
    async with listening(Sink(), clock) as driver:
        assert driver.health().state == "disconnected"
        client = await Client.connect(driver.port)
        await until(lambda: driver.health().state == "silent")
        assert await client.ask(message()) == "AA"
        assert driver.health().state == "ok"
        await clock.advance(5.0)
        assert driver.health().state == "silent"
        client.close()


async def test_a_port_that_is_taken_is_a_fault_until_it_is_free() -> None:
    clock = FakeClock()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        driver = MonitorHl7(
            host="127.0.0.1", port=port, record=Sink(), recall=Sink().recall,
            clock=VehicleClock(clock), rng=random.Random(1),
        )  # fmt: skip
        task = asyncio.create_task(driver.run())
        await until(lambda: driver.health().state == "fault")
    while not driver.listening.is_set():
        await clock.advance(1.0)
    assert driver.health().state == "disconnected"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_no_name_or_number_of_a_patient_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    text = message(obx(SPO2, "97", "%")).replace("PID|||||^^", "PID|||440106199001011234||张三^")
    sink = Sink(failing=StorageError(file="j"))
    async with listening(sink, SystemClock()) as driver:
        client = await Client.connect(driver.port)
        assert await client.ask(text) == "AE"
        client.close()
        await until(lambda: driver.health().state == "disconnected")
    logged = " ".join(str(vars(record)) for record in caplog.records)
    assert "device.not_stored" in logged
    assert "张三" not in logged
    assert "440106199001011234" not in logged


@given(blocks=st.lists(st.one_of(st.binary(max_size=300), _message_bytes()), max_size=6))
@settings(max_examples=25)
def test_no_bytes_end_the_driver(blocks: list[bytes]) -> None:
    async def run() -> None:
        sink = Sink()
        async with listening(sink, SystemClock()) as driver:
            client = await Client.connect(driver.port)
            for block in blocks:
                await client.send(block)
            last = message(obx(SPO2, "97", "%"), head=header(control_id="last-one"))
            await client.send(last)
            while "|last-one" not in await client.answer():
                pass
            client.close()
        assert sink.of(VitalsReading)[-1].spo2_pct == 97.0

    asyncio.run(run())
