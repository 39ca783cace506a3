"""The monitor on the wire: MLLP to a third-party receiver, recordings sample for sample."""

import asyncio
import contextlib
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import hl7
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from firmware_sim.monitor import (
    Identity,
    MonitorFaultRequest,
    MonitorSetup,
    Pacing,
    PatientMonitor,
    open_record,
)
from firmware_sim.monitor.signals import Recorded
from protocols.errors import ConfigError
from tests.fakes.clock import FakeClock
from tests.firmware_sim.monitor.receiving import Receiver, component, receiving, signals
from tests.until import until

with warnings.catch_warnings():  # its tables use what its pandas has deprecated
    warnings.simplefilter("ignore")
    import wfdb

ECG = Path(__file__).parents[3].parent / "shared" / "data" / "ecg"
IDENTITY = Identity(eui64="024748FFFE000001", bed="A-001", patient_name="模拟^患者")


@contextlib.asynccontextmanager
async def running(monitor: PatientMonitor) -> AsyncIterator[PatientMonitor]:
    task = asyncio.create_task(monitor.run())
    try:
        yield monitor
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _play(monitor: PatientMonitor, clock: FakeClock, seconds: float) -> None:
    """Let `seconds` pass in steps, each answered before the next."""
    for _ in range(round(seconds / 0.128)):
        await clock.advance(0.128)
        if monitor.sender.connected:
            async with asyncio.timeout(5):
                await monitor.sender.drained()


def _monitor(receiver: Receiver, clock: FakeClock, **setup: object) -> PatientMonitor:
    given = {"identity": IDENTITY, "seed": 1, **setup}
    return PatientMonitor(
        setup=MonitorSetup(**given),  # type: ignore[arg-type]  # a test's shorthand
        host="127.0.0.1",
        port=receiver.port,
        clock=clock,
    )


async def _connected(monitor: PatientMonitor) -> None:
    await until(lambda: monitor.sender.connected, within_s=5)


async def test_by_default_a_modelled_patient_is_sent_and_says_that_it_is_a_model() -> None:
    clock = FakeClock()
    async with receiving() as receiver, running(_monitor(receiver, clock)) as monitor:
        await _connected(monitor)
        await _play(monitor, clock, 8.0)
    found = signals(receiver)
    numbers = receiver.numbers()
    sources = {
        str(obx[5])
        for message in receiver.messages
        for obx in message.segments("OBX")
        if component(obx, 3, 2) == "GH_SIGNAL_SOURCE"
    }

    assert len(found) == 13
    assert len(found["MDC_ECG_ELEC_POTL_II"]) == 31 * 128
    assert len(found["MDC_PULS_OXIM_PLETH"]) == 31 * 32
    assert len(numbers) == 7
    assert 60 < int(numbers[-1]["MDC_ECG_HEART_RATE"]) < 90
    assert float(numbers[-1]["MDC_TEMP"]) == pytest.approx(36.7, abs=0.2)
    assert sources == {"model"}


async def test_the_cuff_has_its_own_cycle_and_its_own_time() -> None:
    clock = FakeClock()
    async with receiving() as receiver:
        monitor = _monitor(receiver, clock, pressure_every_s=4.0, model_ecg=False,
                           model_pleth=False)  # fmt: skip
        async with running(monitor):
            await _connected(monitor)
            await _play(monitor, clock, 10.0)
    times = []
    for message in receiver.distinct():
        rows = {component(obx, 3, 2): obx for obx in message.segments("OBX")}
        systolic = rows.get("MDC_PRESS_BLD_NONINV_SYS")
        times.append(None if systolic is None else str(systolic[14]))

    assert times[0] is None
    assert len(set(times)) == 3  # none yet, the first, the second
    assert times.count(times[5]) == 4


async def test_waveform_blocks_join_without_a_hole_in_their_times() -> None:
    clock = FakeClock()
    async with receiving() as receiver, running(_monitor(receiver, clock)) as monitor:
        await _connected(monitor)
        await _play(monitor, clock, 4.0)
    starts = [
        str(message.segment("OBR")[7])
        for message in receiver.messages
        if component(message.segment("OBR"), 4, 1) == "69121"
    ]
    seconds = [float(s[10:12]) * 60 + float(s[12:19]) for s in starts]

    assert np.allclose(np.diff(seconds) % 3600, 0.256, atol=1e-9)


async def test_a_receiver_that_breaks_off_gets_the_same_message_again_and_loses_none() -> None:
    clock = FakeClock()
    async with receiving() as receiver:
        receiver.cut_after = [5, 9, 14]
        monitor = _monitor(receiver, clock, pacing=Pacing.REPLAY)
        async with running(monitor):
            async with asyncio.timeout(20):
                while receiver.cut_after or len(receiver.distinct()) < 30:
                    await clock.advance(0.128)
    found = signals(receiver)

    assert receiver.connections == 4
    assert len(receiver.messages) > len(receiver.distinct())
    assert len(found["MDC_ECG_ELEC_POTL_V1"]) % 128 == 0
    indexes = sorted(
        int(str(obx[5]))
        for message in receiver.distinct()
        for obx in message.segments("OBX")
        if component(obx, 3, 2) == "GH_SAMPLE_INDEX" and str(obx[4]) == "1.5.1.0"
    )
    assert indexes == list(range(0, 128 * len(indexes), 128))


async def test_live_drops_the_oldest_and_replay_makes_the_source_wait() -> None:
    clock = FakeClock()
    nowhere = Receiver(port=1)
    live = _monitor(nowhere, clock)
    replay = _monitor(nowhere, clock, pacing=Pacing.REPLAY)
    async with running(live), running(replay):
        await clock.advance(30.0)

        assert live.sender.waiting == 25
        assert live.sender.counters.dropped > 100
        assert replay.sender.waiting == 25
        assert replay.sender.counters.dropped == 0


async def test_faults_reach_the_wire() -> None:
    clock = FakeClock()
    async with receiving() as receiver, running(_monitor(receiver, clock)) as monitor:
        await _connected(monitor)
        await _play(monitor, clock, 6.5)
        await monitor.break_on_purpose(
            MonitorFaultRequest(
                sentinel={"spo2": "8388607", "pulse": "-999"},
                values={"heart_rate": 171},
                empty_pid=True,
                synonyms=True,
                unknown_segments=True,
                leads_off=True,
            )
        )
        await _play(monitor, clock, 1.5)
        await monitor.break_on_purpose(MonitorFaultRequest(sentinel={"spo2": None}))
        await _play(monitor, clock, 1.5)
    numbers = receiver.numbers()
    last_wave = [m for m in receiver.messages if component(m.segment("OBR"), 4, 1) == "69121"][-1]

    assert "8388607" in [row["MDC_PULS_OXIM_SAT_O2"] for row in numbers]
    assert 90 < int(numbers[-1]["MDC_PULS_OXIM_SAT_O2"]) <= 100
    assert numbers[-1]["MDC_PULS_OXIM_PULS_RATE"] == "-999"
    assert numbers[-1]["MDC_ECG_HEART_RATE"] == "171"
    assert set(numbers[-1]) & {"MDC_PRESS_BLD_SYS", "MDC_PRESS_BLD_NONINV", "MDC_PRESS_CUFF_SYS"}
    assert "MDC_PRESS_BLD_NONINV_SYS" not in numbers[-1]
    assert str(last_wave.segment("PID")[5]).startswith("^")
    assert "ZGH" in str(last_wave)
    assert set(signals(receiver)["MDC_ECG_ELEC_POTL_II"][-128:].tolist()) == {-32768}


async def test_a_restart_begins_the_counters_again_on_a_new_connection() -> None:
    clock = FakeClock()
    async with receiving() as receiver, running(_monitor(receiver, clock)) as monitor:
        await _connected(monitor)
        await _play(monitor, clock, 2.0)
        await monitor.break_on_purpose(MonitorFaultRequest(restart=True))
        async with asyncio.timeout(5):
            while receiver.connections < 2 or len(receiver.messages) < 15:
                await clock.advance(0.128)
    ids = [str(m.segment("MSH")[10]).split("-")[0] for m in receiver.messages]

    assert len(set(ids)) == 2
    assert monitor.status()["refused"] == 0


async def test_noise_between_messages_is_really_on_the_wire() -> None:
    heard = bytearray()
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65_536):
            heard.extend(chunk)
            for block in chunk.split(b"\x0b")[1:]:
                if block.startswith(b"MSH") and block.endswith(b"\x1c\r"):
                    ack = str(hl7.parse(block[:-2].decode()).create_ack("AA"))
                    writer.write(b"\x0b" + ack.encode() + b"\x1c\r")
            if b"\xff" in heard:
                done.set()
        writer.close()

    clock = FakeClock()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20)
    port = server.sockets[0].getsockname()[1]
    monitor = _monitor(Receiver(port=port), clock, model_ecg=False, model_pleth=False)
    async with running(monitor):
        await _connected(monitor)
        await monitor.break_on_purpose(MonitorFaultRequest(garbage_bytes=400))
        await asyncio.wait_for(done.wait(), 5)
    server.close()
    await server.wait_closed()

    assert len(heard) >= 400


@pytest.mark.skipif(not ECG.is_dir(), reason="../shared/data/ecg is absent")
async def test_s0010_re_at_500_hz_arrives_sample_for_sample() -> None:
    stored = wfdb.rdrecord(str(ECG / "s0010_re"), physical=False)
    clock = FakeClock()
    async with receiving() as receiver:
        receiver.cut_after = [30, 31, 90]
        monitor = _monitor(
            receiver,
            clock,
            waves=open_record(str(ECG / "s0010_re"), loop=False),
            model_pleth=False,
            pacing=Pacing.REPLAY,
        )
        async with running(monitor):
            async with asyncio.timeout(50):
                while not monitor.finished.is_set():
                    await clock.advance(0.256)
                await _play(monitor, clock, 3.0)
    found = signals(receiver)
    numbers = receiver.numbers()

    for column, name in enumerate(stored.sig_name[:12]):
        sent = found[f"MDC_ECG_ELEC_POTL_{name.upper()}"]
        assert np.array_equal(sent, stored.d_signal[::2, column]), name
    assert len(found) == 12
    assert 75 < int(numbers[-1]["MDC_ECG_HEART_RATE"]) < 90  # the record's own, counted


def test_an_ecg_digitised_anew_has_four_leads_computed_from_two() -> None:
    path = str(get_testdata_file("waveform_ecg.dcm", download=False))
    (fine,), (coarse,) = open_record(path), open_record(path, ecg_step_uv=10)
    assert isinstance(fine, Recorded)
    assert isinstance(coarse, Recorded)
    leads = dict(zip((c.name for c in coarse.group.channels), coarse.samples, strict=True))
    for channel, samples in zip(fine.group.channels, fine.samples, strict=True):
        volts_uv = (samples - channel.zero_offset) * channel.resolution
        assert np.abs(leads[channel.name] * 10 - volts_uv).max() <= 15, channel.name
    assert np.array_equal(leads["III"], leads["II"] - leads["I"])
    assert np.array_equal(leads["aVF"], (2 * leads["II"] - leads["I"]) >> 1)
    assert {channel.resolution for channel in coarse.group.channels} == {10}


async def test_waveforms_come_as_often_as_they_are_set() -> None:
    clock = FakeClock()
    async with receiving() as receiver:
        monitor = _monitor(receiver, clock, waves_every_s=1.0)
        async with running(monitor):
            await _play(monitor, clock, 4.0)
    lengths = [
        len(str(obx[5]).split("^"))
        for message in receiver.distinct()
        for obx in message.segments("OBX")
        if component(obx, 3, 2) == "MDC_ECG_ELEC_POTL_II"
    ]
    assert len(lengths) >= 3
    assert set(lengths) == {500}


@pytest.mark.skipif(not ECG.is_dir(), reason="../shared/data/ecg is absent")
def test_a_record_at_250_hz_stays_so_and_brings_only_what_it_has() -> None:
    stored = wfdb.rdrecord(str(ECG / "v102s"), physical=False)
    parts = {part.group.kind: part for part in open_record(str(ECG / "v102s.hea"))}

    assert {kind: part.group.rate_hz for kind, part in parts.items()} == {
        "ecg": 250, "pleth": 250, "resp": 250,
    }  # fmt: skip
    assert [channel.name for channel in parts["ecg"].group.channels] == ["II", "V"]
    assert np.array_equal(parts["ecg"].samples, stored.d_signal[:, :2].T)
    assert parts["ecg"].group.channels[0].resolution == pytest.approx(1000 / 2281)


def test_the_dicom_ecg_inside_pydicom_is_read_to_the_integer() -> None:
    path = get_testdata_file("waveform_ecg.dcm", download=False)
    raw = pydicom.dcmread(str(path)).WaveformSequence[0]
    stored = np.frombuffer(raw.WaveformData, "<i2").reshape(-1, 12).T
    (part,) = open_record(str(path))

    assert isinstance(part, Recorded)
    assert part.group.rate_hz == 500
    assert [channel.name for channel in part.group.channels] == [
        "I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6",
    ]  # fmt: skip
    assert np.array_equal(part.samples, stored[:, ::2])
    assert np.array_equal(part.take(5_100)[:, 5_000:], stored[:, :200:2])


@pytest.mark.parametrize("name", ["nothing.hea", "nothing", "nothing.dcm"])
def test_a_recording_that_is_not_there_is_a_broken_setting(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        open_record(str(tmp_path / name))
