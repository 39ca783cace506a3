"""The agent as a program, with no hub anywhere: it starts, serves the crew, and keeps its word."""

import asyncio
import contextlib
import json
import signal
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect

from protocols.runtime.clock import SystemClock
from tests.running.program import Running, failing, running

PASSWORD = "x" * 43
LIMIT_US = 1_000_000
"""Past this age the tablet shows an ECG as stale. Source: ux.md, rule 1."""


def settings(folder: Path, **changes: str) -> dict[str, str]:
    credential = folder / "credential.json"
    credential.write_text(json.dumps({"unit": "A-001", "password": PASSWORD}))
    base = {
        "UNIT_ID": "A-001",
        "DATA_DIR": str(folder / "agent"),
        "HUB__CREDENTIAL_FILE": str(credential),
        "HUB__MQTT_PORT": str(_closed_port()),
        "TABLET__PORT": "0",
        "MONITOR__LISTEN": "127.0.0.1:0",
    }
    return {f"GOLDENHOUR_EDGE_{name}": value for name, value in (base | changes).items()}


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.asynccontextmanager
async def agent(folder: Path) -> AsyncIterator[Running]:
    log = folder / "agent.log"
    async with running("agent", "run", environment=settings(folder), log=log) as program:
        yield program


@contextlib.asynccontextmanager
async def tablet(program: Running, folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """The tablet's browser, its PIN entered."""
    pin = (folder / "agent" / "tablet-pin").read_text().strip()
    url = f"http://127.0.0.1:{program.ready['tablet_port']}"
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=10) as http:
        answer = await http.post("/api/v1/session", json={"name": "Chen", "pin": pin})
        assert answer.status_code == 200
        yield http


async def test_without_a_hub_the_crew_has_its_tablet_and_the_run_goes_on(tmp_path: Path) -> None:
    async with agent(tmp_path) as program:
        async with tablet(program, tmp_path) as http:
            state = (await http.get("/api/v1/state")).json()
            assert state["link"]["state"] == "store-and-forward"
            answer = await http.post("/api/v1/status", json={"event": "roll"})
            assert answer.status_code == 200, answer.text
            assert answer.json()["status"] != state["status"]
        assert await program.stop() == 0
    assert program.left_behind() == set()
    assert PASSWORD not in program.log.read_text()


async def test_without_a_hub_the_tablet_s_ecg_is_live(tmp_path: Path) -> None:
    async with agent(tmp_path) as program, tablet(program, tmp_path) as http:
        monitor = f"127.0.0.1:{program.ready['monitor_port']}"
        log = tmp_path / "monitor.log"
        async with running("sim", "monitor", monitor, "--ecg", "model", environment={}, log=log):
            url = str(http.base_url).rstrip("/")
            cookie = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
            headers = {"Cookie": cookie, "Origin": url}
            address = f"ws{url.removeprefix('http')}/api/v1/live"
            async with connect(address, additional_headers=headers, max_size=None) as socket:
                await _fresh_blocks(socket, 5)


async def _fresh_blocks(socket: ClientConnection, count: int) -> None:
    """Return when so many blocks of ECG came whose newest sample was under a second old."""
    clock = SystemClock()
    async with asyncio.timeout(50):
        while count:
            message = await socket.recv()
            if isinstance(message, bytes):
                (length,) = struct.unpack_from("<I", message)
                wave = json.loads(message[4 : 4 + length])
                newest_us = wave["captured_utc_us"] + wave["sample_count"] / wave["rate_hz"] * 1e6
                is_fresh = wave["group"] == "ecg" and clock.utc_us() - newest_us < LIMIT_US
                count -= is_fresh


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_what_the_crew_pressed_stands_after_any_end(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with agent(tmp_path) as program:
        async with tablet(program, tmp_path) as http:
            pressed = (await http.post("/api/v1/status", json={"event": "roll"})).json()
        await program.stop(number)
    async with agent(tmp_path) as again, tablet(again, tmp_path) as http:
        state = (await http.get("/api/v1/state")).json()
    assert (state["status"], state["nodes"]) == (pressed["status"], pressed["nodes"])


async def test_what_the_monitor_said_is_accepted_and_waits(tmp_path: Path) -> None:
    message = "\r".join(  # noqa: FLY002 -- a segment a line
        (
            r"MSH|^~\&|MON||||20261123101500||ORU^R01^ORU_R01|1|P|2.6",
            "PID|||",
            "OBR|1|||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||20261123101500",
            "OBX|1|NM|147842^MDC_ECG_HEART_RATE^MDC|1.1.1.1|77|264864^MDC_DIM_BEAT_PER_MIN^MDC|||||F",
            "",
        )
    )
    async with agent(tmp_path) as program:
        port = program.ready["monitor_port"]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x0b" + message.encode() + b"\x1c\r")
        async with asyncio.timeout(10):
            answer = await reader.readuntil(b"\x1c\r")
        assert b"MSA|AA|1" in answer
        writer.close()
        async with tablet(program, tmp_path) as http, asyncio.timeout(10):
            while not (await http.get("/api/v1/state")).json()["link"]["waiting_records"]:  # noqa: ASYNC110 -- another process
                await asyncio.sleep(0.1)


@contextlib.contextmanager
def taken_port() -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield str(taken.getsockname()[1])


async def test_the_tablets_port_in_use_is_one_sentence_and_status_78(tmp_path: Path) -> None:
    with taken_port() as port:
        status, said = await failing(
            *("agent", "run"),
            environment=settings(tmp_path, TABLET__PORT=port),
            log=tmp_path / "agent.log",
        )
    assert status == 78, said
    [sentence] = [line for line in said.splitlines() if line.startswith("goldenhour: ")]
    assert port in sentence
    assert "Traceback" not in said


async def test_the_monitors_port_in_use_is_said_and_keeps_nothing_else_from_work(
    tmp_path: Path,
) -> None:
    with taken_port() as port:
        environment = settings(tmp_path, MONITOR__LISTEN=f"127.0.0.1:{port}")
        log = tmp_path / "agent.log"
        async with running("agent", "run", environment=environment, log=log) as program:
            assert "monitor_port" not in program.ready
            async with tablet(program, tmp_path) as http:
                [device] = (await http.get("/api/v1/state")).json()["devices"]
                assert device["state"] == "fault"
            said = [line for line in program.logged() if line["event"] == "device.port_taken"]
            assert [line["port"] for line in said] == [int(port)]


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("UNIT_ID", "A 001", "unit_id"),
        ("UNIT_ID", "A-002", "A-002"),
        ("PROFILE", "boat", "profile"),
        ("JOURNAL__LARGEST_BYTES", "1", "journal.largest_bytes"),
        ("GNSS__SOURCE", "usb:1", "usb:1"),
        ("HUB__CREDENTIAL_FILE", "/nowhere.json", "/nowhere.json"),
        ("DATA_DIR", "/proc/nowhere", "/proc/nowhere"),
        ("TABLET__HOST", "0.0.0.0", "certificate"),  # noqa: S104 -- refused
        ("SPEED", "fast", "SPEED"),
    ],
)
async def test_a_broken_setting_is_one_sentence_and_status_78(
    tmp_path: Path, name: str, value: str, word: str
) -> None:
    status, said = await failing(
        *("agent", "run"),
        environment=settings(tmp_path, **{name: value}),
        log=tmp_path / "agent.log",
    )
    assert status == 78, said
    [sentence] = [line for line in said.splitlines() if line.startswith("goldenhour: ")]
    assert word in sentence
    assert "Traceback" not in said
