"""One program of ours by its own command, in a folder of its own, for tests of its whole life."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protocols.runtime.processes import descendants

PATIENCE_S = 60


@dataclass
class Running:
    """A program that says when it is ready; `said` is its log, a JSON object a line."""

    process: asyncio.subprocess.Process
    ready: dict[str, Any]
    log: Path
    seen: set[int] = field(default_factory=set)

    @property
    def pid(self) -> int:
        return self.process.pid

    def descendants(self) -> set[int]:
        """Return the processes below it now; they are remembered."""
        found = {pid for pid, _ in descendants(self.pid)}
        self.seen |= found
        return found

    def child_named(self, word: str) -> int:
        """Return the one process below it in whose command line `word` stands."""
        self.descendants()
        return next(pid for pid, command in descendants(self.pid) if word in command)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it `number` and return its exit status."""
        self.descendants()
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    def left_behind(self) -> set[int]:
        """Return what was below it once and still lives."""
        return {pid for pid in self.seen if _lives(pid)}

    def logged(self) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@contextlib.asynccontextmanager
async def running(
    *arguments: str, environment: Mapping[str, str], log: Path
) -> AsyncIterator[Running]:
    """Run `goldenhour` with `arguments` until it says that it is ready; stop it on leaving."""
    process = await _start(arguments, environment, log, asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            line = await process.stdout.readline()
        assert line, _text(log)
        program = Running(process, json.loads(line), log)
        yield program
        await program.stop()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def failing(*arguments: str, environment: Mapping[str, str], log: Path) -> tuple[int, str]:
    """Run `goldenhour` with `arguments` to its end; return its status and what it said."""
    process = await _start(arguments, environment, log, asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await process.wait(), _text(log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _start(
    arguments: tuple[str, ...], environment: Mapping[str, str], log: Path, out: int
) -> asyncio.subprocess.Process:
    with log.open("ab") as sink:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "goldenhour", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=sink,
            env={**os.environ, **environment},
        )


def _text(log: Path) -> str:
    return log.read_text()


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
