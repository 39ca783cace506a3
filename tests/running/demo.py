"""A demo in a process of its own, by the `goldenhour` command, on ports that nobody else has."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_S = 300
STOP_S = 40


@dataclass(frozen=True)
class RunningDemo:
    process: subprocess.Popen[str]
    card: dict[str, Any]
    folder: Path

    def unit(self, unit: str) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in self.card["units"] if one["unit"] == unit)
        return found

    def password(self, username: str) -> str:
        accounts = self.card["accounts"]
        return str(next(one["password"] for one in accounts if one["username"] == username))

    def pid(self, program: str) -> int:
        return int(json.loads((self.folder / "demo.json").read_text())["pids"][program])

    def link(self, unit: str, *options: str) -> None:
        """Do something to a unit's link, as `goldenhour sim link` does."""
        done = goldenhour("sim", "link", unit, *options, "--run-dir", str(self.folder / "sim"))
        assert done.returncode == 0, done.stderr


def goldenhour(
    *words: str, timeout_s: float = 60, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-m", "goldenhour", *words],
        capture_output=True, text=True, timeout=timeout_s, check=False,
        env={**os.environ, **(settings or {})}, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@contextlib.contextmanager
def running_demo(folder: Path, *options: str) -> Iterator[RunningDemo]:
    """Start a demo, wait until it says that it is ready, and end it by Ctrl-C."""
    errors = folder.parent / f"{folder.name}.stderr"
    with errors.open("w") as sink:
        process = subprocess.Popen(  # noqa: S603
            [
                sys.executable, "-m", "goldenhour", "demo", "--json", "--port", "0",
                "--data", str(folder), *options,
            ],
            stdout=subprocess.PIPE, stderr=sink, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
    try:
        card = json.loads(_first_line(process, errors))
        yield RunningDemo(process=process, card=card, folder=folder)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_S)
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 0, errors.read_text()


def _first_line(process: subprocess.Popen[str], errors: Path) -> str:
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        deadline_s = time.monotonic() + START_S
        while not selector.select(timeout=1):
            assert process.poll() is None, errors.read_text()
            assert time.monotonic() < deadline_s, errors.read_text()
    line = process.stdout.readline()
    assert line, errors.read_text()
    return line
