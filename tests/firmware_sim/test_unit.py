"""One whole vehicle as a process of its own, by its own command, reached over its own wires."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from pynmeagps import NMEAReader

from firmware_sim.camera import read_timecode
from tests.firmware_sim.monitor.receiving import receiving, signals
from tests.until import until

MODEM = "127.0.1.78"


@contextlib.asynccontextmanager
async def simulating(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, Any]]:
    """Run `goldenhour sim …` and yield the process and what it said when ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "goldenhour", "sim", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        yield process, json.loads(line or b"null")
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(process.communicate(), 20)
        process.trailing = out + err  # type: ignore[attr-defined]


async def sim(*arguments: str) -> tuple[int | None, str]:
    """Run `goldenhour sim …` to its end; return its status and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "goldenhour", "sim", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, out.decode()


def _time_in_picture(url: str) -> int | None:
    with av.open(url, mode="r", options={"rtsp_transport": "tcp"}, timeout=15) as container:
        frame = next(container.decode(video=0))
        return read_timecode(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))


async def test_a_vehicle_runs_all_its_devices_and_ends_cleanly(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(100):
            writer.write(chunk)
        writer.close()

    hub = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = hub.sockets[0].getsockname()[1]
    async with receiving() as receiver:
        arguments = (
            "unit", "--unit", "A-001", "--seed", "7", "--monitor-target",
            f"127.0.0.1:{receiver.port}", "--camera", "synthetic", "--timecode", "--width", "320",
            "--modem-listen", MODEM, "--modem-tcp", f"0={port}", "--run-dir", str(tmp_path),
            "--recordings", str(tmp_path / "none"),
        )  # fmt: skip
        async with simulating(*arguments) as (process, ready):
            assert ready["ready"] is True
            gnss, gnss_writer = await asyncio.open_connection("127.0.0.1", ready["gnss"]["port"])
            line = await asyncio.wait_for(gnss.readline(), 5)
            gnss_writer.close()
            seen = await asyncio.to_thread(_time_in_picture, ready["camera"]["url"])
            await until(lambda: len(receiver.messages) > 6, within_s=15)

            through, writer = await asyncio.open_connection(MODEM, ready["modem"]["tcp_ports"][0])
            writer.write(b"?")
            assert await asyncio.wait_for(through.read(1), 5) == b"?"
            code, printed = await sim("link", "A-001", "--cut", "60s", "--run-dir", str(tmp_path))
            assert (code, json.loads(printed)["cut"]) == (0, True)
            writer.write(b"?")
            silent = asyncio.create_task(through.read(1))
            status = json.loads((await sim("status", "A-001", "--run-dir", str(tmp_path)))[1])
            assert not silent.done()
            await sim("link", "A-001", "--restore", "--run-dir", str(tmp_path))
            assert await asyncio.wait_for(silent, 5) == b"?"
            writer.close()
            faults = '{"values": {"spo2": 71}}'
            code, _ = await sim("break", "A-001", "monitor", faults, "--run-dir", str(tmp_path))
            assert code == 0
            await until(lambda: receiver.numbers()[-1]["MDC_PULS_OXIM_SAT_O2"] == "71", within_s=10)
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 15)
    hub.close()
    await hub.wait_closed()

    assert process.returncode == 0
    assert b"Traceback" not in process.trailing  # type: ignore[attr-defined]
    assert NMEAReader.parse(line).identity == "GNTXT"
    assert seen is not None
    assert status["monitor"]["connected"] is True
    assert status["monitor"]["signals"]["ecg@500"] == "recording: pydicom's 12-lead ECG"
    assert "MDC_ECG_ELEC_POTL_V6" in signals(receiver)
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 -- all has ended


async def test_a_vehicle_has_a_second_modem_that_fails_by_itself(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(100):
            writer.write(chunk)
        writer.close()

    async def link(*words: str) -> tuple[int | None, str]:
        return await sim("link", "A-001", *words, "--run-dir", str(tmp_path))

    hub = await asyncio.start_server(echo, "127.0.0.1", 0)
    arguments = (
        "unit", "--unit", "A-001", "--modem-listen", MODEM, "--second-modem-listen", "127.0.9.9",
        "--modem-tcp", f"0={hub.sockets[0].getsockname()[1]}", "--run-dir", str(tmp_path),
        "--recordings", str(tmp_path / "none"), "--camera", "synthetic", "--width", "320",
    )  # fmt: skip
    async with hub, simulating(*arguments) as (_, ready):
        ways = {
            path: await asyncio.open_connection(host, ready[name]["tcp_ports"][0])
            for path, host, name in (
                ("first", MODEM, "modem"), ("second", "127.0.9.9", "second-modem"),
            )
        }  # fmt: skip

        async def answers(path: str) -> bytes:
            reader, writer = ways[path]
            writer.write(b"?")
            return await asyncio.wait_for(reader.read(1), 5)

        assert [await answers("first"), await answers("second")] == [b"?", b"?"]
        code, printed = await link("--path", "second", "--cut", "60s")
        assert (code, json.loads(printed)["cut"]) == (0, True)
        assert await answers("first") == b"?"
        ways["second"][1].write(b"?")
        silent = asyncio.create_task(ways["second"][0].read(1))
        status = json.loads((await sim("status", "A-001", "--run-dir", str(tmp_path)))[1])
        assert (status["modem"]["cut"], status["second-modem"]["cut"]) == (False, True)
        assert not silent.done()
        await link("--cut", "60s")
        status = json.loads((await sim("status", "A-001", "--run-dir", str(tmp_path)))[1])
        assert (status["modem"]["cut"], status["second-modem"]["cut"]) == (True, True)
        await link("--restore")
        assert await asyncio.wait_for(silent, 5) == b"?"
        assert (await link("--path", "third"))[0] == 78
        for _, writer in ways.values():
            writer.close()


async def test_a_missing_file_is_one_sentence_and_status_78(tmp_path: Path) -> None:
    code, printed = await sim(
        "unit", "--nmea", str(tmp_path / "no.log"), "--camera", "synthetic",
        "--run-dir", str(tmp_path),
    )  # fmt: skip

    assert code == 78
    assert printed.count("\n") == 1
    assert "no.log" in printed


async def test_every_command_shows_an_example() -> None:
    names = ("unit", "fleet", "link", "camera", "monitor", "gnss", "break", "status", "recordings")
    helps = await asyncio.gather(*(sim(name, "--help") for name in names))

    assert [code for code, _ in helps] == [0] * len(names)
    assert all("Example: goldenhour sim" in " ".join(text.split()) for _, text in helps)
