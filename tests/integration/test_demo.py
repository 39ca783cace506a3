"""The demo as a person meets it: one sentence where something is wrong, and nothing left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.running.demo import goldenhour, running_demo


def programs_of(folder: Path) -> list[str]:
    """Return the command lines of all processes that have to do with the demo in `folder`."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if os.fsencode(folder) in environ.read_bytes():
                command = (environ.parent / "cmdline").read_bytes()
                found.append(command.replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue  # it has just ended, or is not ours to see
    return found


def until_none_is_left(folder: Path, *, within_s: float) -> None:
    deadline_s = time.monotonic() + within_s
    while left := programs_of(folder):
        assert time.monotonic() < deadline_s, left
        time.sleep(0.05)


@pytest.mark.timeout(180)
def test_a_demo_comes_up_refuses_a_second_one_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with running_demo(folder, "--units", "3") as demo:
        assert {unit["unit"] for unit in demo.card["units"]} == {"A-001", "A-002", "P-001"}
        assert programs_of(folder)
        second = goldenhour("demo", "--port", "0", "--data", str(folder))
        assert second.returncode == 78
        assert "another demo is running" in second.stderr
        assert len(second.stderr.strip().splitlines()) == 1
    until_none_is_left(folder, within_s=5)


@pytest.mark.timeout(180)
def test_a_demo_that_is_killed_takes_every_program_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with pytest.raises(AssertionError), running_demo(folder, "--units", "0") as demo:  # noqa: PT012
        demo.process.send_signal(signal.SIGKILL)
        demo.process.wait(10)
        until_none_is_left(folder, within_s=30)
    assert programs_of(folder) == []


@pytest.mark.timeout(120)
def test_for_ends_the_demo_by_itself(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    done = goldenhour(
        "demo", "--port", "0", "--units", "0", "--for", "1", "--data", str(folder), timeout_s=110
    )
    assert done.returncode == 0, done.stderr
    assert "ready" in done.stdout
    until_none_is_left(folder, within_s=5)


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = goldenhour("demo", "--port", port, "--data", str(tmp_path / "demo"))
    assert done.returncode == 78
    assert done.stderr.startswith(f"goldenhour: port {port}")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("option", ["--ecg", "--nmea", "--camera"])
def test_a_missing_file_is_one_sentence(tmp_path: Path, option: str) -> None:
    missing = str(tmp_path / "nothing-here")
    done = goldenhour("demo", "--port", "0", "--data", str(tmp_path / "demo"), option, missing)
    assert done.returncode == 78
    assert missing in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "demo").exists()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("setting", "value"),
    [("GOLDENHOUR_HUB_LOGLEVEL", "DEBUG"), ("GOLDENHOUR_HUB_LOG_LEVEL", "CHATTY")],
)
def test_a_broken_setting_of_a_program_is_told_and_ends_the_demo(
    tmp_path: Path, setting: str, value: str
) -> None:
    folder = tmp_path / "demo"
    done = goldenhour("demo", "--port", "0", "--data", str(folder), settings={setting: value})
    assert done.returncode == 78
    said = [line for line in done.stderr.splitlines() if line.startswith("goldenhour: ")]
    assert len(said) == 1
    assert "hub: " in said[0]
    until_none_is_left(folder, within_s=5)


@pytest.mark.timeout(120)
def test_ctrl_c_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "goldenhour", "demo", "--port", "0", "--data", str(folder)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        process.stderr.readline()  # the first step has begun
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    until_none_is_left(folder, within_s=5)
