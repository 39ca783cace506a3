"""What the monitor driver answers, counts and turns away, on real sockets."""

import asyncio
import contextlib
import logging
import random
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.devices import MonitorHl7
from edge_agent.devices.monitor_hl7.mllp import MOST_CONNECTIONS
from edge_agent.vehicle_clock import VehicleClock
from protocols.errors import JournalFullError, StorageError
from protocols.messages import VitalsReading, WaveformBlock
from protocols.runtime.clock import SystemClock
from tests.edge_agent.devices.driver import SPO2, listening
from tests.edge_agent.devices.hl7 import Client, header, message, obx, wave
from tests.edge_agent.devices.sink import Sink
from tests.fakes.clock import FakeClock
from tests.until import until


@st.composite
def _message_bytes(draw: st.DrawFn) -> bytes:
    """A message that is nearly right: some of its bytes are others."""
    text = message(obx(SPO2, "97", "%"), *wave("131330^MDC_ECG_ELEC_POTL_II^MDC", [1, 2, 3]))
    data = bytearray(text.encode())
    for _ in range(draw(st.integers(0, 4))):
        data[draw(st.integers(3, len(data) - 1))] = draw(st.integers(0x20, 0xFF))
    return bytes(data)


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
