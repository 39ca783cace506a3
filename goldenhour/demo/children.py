"""The programs of the demo as child processes: started, watched, and stopped to the last one."""

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from goldenhour.demo.errors import ProgramEndedError
from protocols.errors import EXIT_CONFIG, ConfigError, FleetError
from protocols.runtime.restart import RestartBudget

_MARK: Final = "GOLDENHOUR_DEMO_MARK"
_TAIL_BYTES: Final = 65_536
_SPEAKS: Final = "goldenhour: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run: `arguments` of the `goldenhour` command, or of `executable` where given."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    executable: str | None = None
    patience_s: float = 15.0  # from SIGTERM to SIGKILL
    revives: bool = False  # started again when a signal killed it, as an init system would
    ends: bool = False  # does its work and ends by itself
    layer: int = 0  # stands on those of lower layers: stopped before them, with its own at once


@dataclass(frozen=True, slots=True)
class Child:
    """One running program and where its standard output and error go.

    What it says begins in `log` at byte `log_begin`: the lines before are another run's.
    """

    program: Program
    process: asyncio.subprocess.Process
    log: Path
    log_begin: int

    @property
    def pid(self) -> int:
        """The program's process id; also that of its process group."""
        return self.process.pid


class Children:
    """The running programs, in the order of their start; on leaving, none of them is left.

    Each program has its own session, so that Ctrl-C reaches the demo alone and the demo stops the
    programs in its own order. All that they start inherits a mark in its environment, by which
    what they leave behind is found and ended. If the demo is killed, the tether ends its programs.
    """

    def __init__(self, *, logs: Path) -> None:
        self._logs = logs
        self._mark = secrets.token_hex(16)
        self._running: list[Child] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for layer in sorted({child.program.layer for child in self._running}, reverse=True):
            await asyncio.gather(*(_stop(c) for c in self._running if c.program.layer == layer))
        self._running.clear()
        _end_marked(self._mark)

    @property
    def running(self) -> Sequence[Child]:
        """The programs in the order of their start."""
        return tuple(self._running)

    async def start(self, program: Program) -> Child:
        """Start `program`; it is not known to be healthy yet."""
        log = self._logs / f"{program.name}.jsonl"
        command = (
            (program.executable,) if program.executable else (sys.executable, "-m", "goldenhour")
        )
        with log.open("ab") as sink:
            begin = sink.tell()
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "goldenhour.tether", str(os.getpid())),
                *(*command, *program.arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env={**os.environ, **program.environment, _MARK: self._mark},
                start_new_session=True,
            )
        child = Child(program=program, process=process, log=log, log_begin=begin)
        self._running.append(child)
        return child

    async def complete(self, program: Program) -> None:
        """Run a program that `ends`, to its end.

        Raises:
            ConfigError: it said that a setting is wrong.
            ProgramEndedError: it did not succeed.
        """
        child = await self.start(program)
        await child.process.wait()
        self._running.remove(child)
        if child.process.returncode != 0:
            raise what_ended(child)

    async def stop(self, name: str) -> None:
        """Stop the program called `name`, if it runs."""
        for child in [child for child in self._running if child.program.name == name]:
            self._running.remove(child)
            await _stop(child)

    async def watch(self) -> None:
        """Wait until a program ends by itself; start again one that may be, and was killed.

        Raises:
            ConfigError: it said that a setting is wrong.
            ProgramEndedError: it ended for any other reason, or was killed again and again.
        """
        budget = RestartBudget()
        while True:
            watched = [child for child in self._running if not child.program.ends]
            ended = next((c for c in watched if c.process.returncode is not None), None)
            if ended is not None:
                budget, wait_s = budget.spend(asyncio.get_running_loop().time())
                killed = (ended.process.returncode or 0) < 0
                if not (ended.program.revives and killed) or budget.exhausted:
                    raise what_ended(ended)
                await asyncio.sleep(wait_s)
                self._running.remove(ended)
                await self.start(ended.program)
                continue
            waits = [asyncio.create_task(_ended(child)) for child in watched]
            waits.append(asyncio.create_task(asyncio.sleep(1)))  # others may have been started
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
                await asyncio.gather(*waits, return_exceptions=True)


def what_ended(child: Child) -> FleetError:
    """Return the error that says why `child` ended, in its own words where it had some."""
    status = child.process.returncode or 0
    words = last_sentence(child)
    name = child.program.name
    if words is None:
        return ProgramEndedError(
            reason=f"{name} ended by itself with status {status}", log=str(child.log)
        )
    kind = ConfigError if status == EXIT_CONFIG else ProgramEndedError
    return kind(reason=f"{name}: {words}")


def last_sentence(child: Child) -> str | None:
    """Return the last thing that the program said to a person, without its full stop."""
    said = [line for line in last_lines(child) if line.startswith(_SPEAKS)]
    return said[-1].removeprefix(_SPEAKS).rstrip(".") if said else None


def last_lines(child: Child) -> list[str]:
    """Return the last lines of what the program has said in this run."""
    with contextlib.suppress(OSError), child.log.open("rb") as file:
        file.seek(max(child.log_begin, child.log.stat().st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace").splitlines()
    return []


async def _ended(child: Child) -> None:
    await child.process.wait()


async def _stop(child: Child) -> None:
    """Ask, wait, then insist; the whole session of the program goes with it."""
    with contextlib.suppress(ProcessLookupError):
        child.process.terminate()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(child.program.patience_s):
            await child.process.wait()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    await child.process.wait()


def _end_marked(mark: str) -> None:
    """Kill whatever our programs left behind, until nothing that they started is left."""
    while left := list(_marked(mark)):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _marked(mark: str) -> Iterator[int]:
    """Yield the processes that were started with our mark. Source: proc(5), environ."""
    entry = f"{_MARK}={mark}".encode()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if entry in environ.read_bytes().split(b"\0"):
                yield int(environ.parent.name)
