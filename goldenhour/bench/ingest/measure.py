"""Ours beside the ceiling and the usual practice: the same frames, load and machine, in turn.

The hub is the whole program as a user runs it (`goldenhour hub run`: broker, PostgreSQL, API and
media beside the ingest), and so is each peer with a broker and a PostgreSQL of its own. The load
is a program too, so that everything shares the machine's cores. One is loaded at a time, while the
others stand idle: ours and the bare loop in turn, round by round, so that whatever else the machine
has to do meanwhile falls on both.
"""

import asyncio
import contextlib
import dataclasses
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from goldenhour.bench.figures import Figure
from goldenhour.bench.picture import Bar, bars
from goldenhour.demo.accounts import accounts_of, pins_of
from goldenhour.demo.children import Children
from goldenhour.demo.city import Recordings, lay_out
from goldenhour.demo.errors import NotReadyError
from goldenhour.demo.folder import opened
from goldenhour.demo.start import Start
from protocols.runtime.clock import SystemClock

OURS: Final = "frames decoded, checked, committed, acknowledged"
BARE: Final = "bare loop: gmqtt, COPY, commit, count back; nothing checked"
USUAL: Final = "usual practice: aiomqtt, one INSERT a message"
SHARE: Final = "ours, of the bare loop"
WAIT: Final = "longest wait for an acknowledgement, window full, p99"

ROUNDS: Final = 5
_WINDOW: Final = 100
_USUAL_SHARE: Final = 50  # the usual practice gets so much less to do, and half the rounds
_READY_S: Final = 180.0
_ROUND_S: Final = 600.0
_BAR_PER_S: Final = 40_000.0
_BAR_SHARE_PCT: Final = 60.0


@dataclass(frozen=True, slots=True)
class Round:
    """One round of the load."""

    per_s: float
    wait_p99_s: float


async def measure(folder: Path, *, frames: int, units: int, rounds: int = ROUNDS) -> list[Figure]:
    """Have `units` units send `frames` frames a round, each way, and return the medians.

    `folder` is there, and empty.

    `rounds`: three or more.

    Raises:
        NotReadyError: a part did not come up, or the load broke off.
    """
    ours: list[Round] = []
    bare: list[Round] = []
    usual: list[Round] = []
    async with contextlib.AsyncExitStack() as stack:
        port, credentials = await stack.enter_async_context(_hub(folder / "hub", units=units))
        kept = Path(shutil.copy(credentials, folder / "credentials.jsonl"))
        count = rounds + 1  # one before the others warms up and does not count
        hub_load = await stack.enter_async_context(_load(kept, port, frames=frames, rounds=count))
        port = await stack.enter_async_context(_peer("bare", folder / "bare", kept))
        bare_load = await stack.enter_async_context(_load(kept, port, frames=frames, rounds=count))
        for _ in range(count):
            ours.append(await _round(hub_load))
            bare.append(await _round(bare_load))
    fewer = max(units, frames // _USUAL_SHARE)
    async with (
        _peer("usual", folder / "usual", kept) as port,
        _load(kept, port, frames=fewer, rounds=count // 2) as usual_load,
    ):
        usual += [await _round(usual_load) for _ in range(count // 2)]
    return _figures(ours[1:], bare[1:], usual[1:])


def picture(figures: Sequence[Figure], note: str) -> str:
    """Return the picture of the rates."""
    by_name = {figure.name: figure.value for figure in figures}
    rows = [Bar(name, by_name[name], is_ours=name == OURS) for name in (OURS, BARE, USUAL)]
    return bars("Durable ingest on one machine", "/s", rows, limit=_BAR_PER_S, note=note)


def _figures(ours: list[Round], bare: list[Round], usual: list[Round]) -> list[Figure]:
    rates = {
        name: sorted(each.per_s for each in rounds)
        for name, rounds in ((OURS, ours), (BARE, bare), (USUAL, usual))
    }
    middle = {name: median(each) for name, each in rates.items()}
    spread = [
        Figure(name=f"{name}; {which}", value=each[at], unit="1/s")
        for name, each in rates.items()
        for which, at in (("slowest round", 0), ("fastest round", -1))
    ]
    return [
        Figure(
            name=OURS, value=middle[OURS], unit="1/s", bar=_BAR_PER_S, at_least=True,
            peer=middle[USUAL],
        ),
        Figure(name=BARE, value=middle[BARE], unit="1/s"),
        Figure(name=USUAL, value=middle[USUAL], unit="1/s"),
        Figure(
            name=SHARE, unit="%", bar=_BAR_SHARE_PCT, at_least=True,
            value=median(100 * our.per_s / its.per_s for our, its in zip(ours, bare, strict=True)),
        ),
        Figure(name=WAIT, value=max(each.wait_p99_s for each in ours), unit="s"),
        *spread,
    ]  # fmt: skip


@contextlib.asynccontextmanager
async def _hub(path: Path, *, units: int) -> AsyncIterator[tuple[int, Path]]:
    """Run a hub that knows `units` light units; yield its broker's port and their credentials."""
    with opened(path) as folder:
        whole = lay_out(port=0, light_units=units, pins=pins_of({}))
        city = dataclasses.replace(whole, units=())
        async with Children(logs=folder.logs) as children:
            start = Start(
                city=city, people=accounts_of({}), recordings=Recordings(), children=children,
                folder=folder, clock=SystemClock(), on_step=lambda _: None,
            )  # fmt: skip
            start.write_files()
            await start.start_hub()
            await start.enrol()
            yield city.mqtt_port, folder.fleet_credentials


@contextlib.asynccontextmanager
async def _peer(kind: str, folder: Path, credentials: Path) -> AsyncIterator[int]:
    """Run a peer; yield its broker's port."""
    arguments = ("goldenhour.bench.ingest.peers", kind, str(folder), str(credentials))
    async with _program(*arguments) as process:
        yield int((await _line(process, within_s=_READY_S))["port"])


@contextlib.asynccontextmanager
async def _load(
    credentials: Path, port: int, *, frames: int, rounds: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the load; yield it once every unit is connected."""
    arguments = ("goldenhour.bench.ingest.load", str(credentials), "127.0.0.1", str(port))
    async with _program(*arguments, str(frames), str(rounds), str(_WINDOW)) as process:
        await _ready(process)
        yield process


async def _round(load: asyncio.subprocess.Process) -> Round:
    """Return what one round of `load` comes to."""
    assert load.stdin is not None  # noqa: S101 -- it is a pipe
    load.stdin.write(b"make it ready\n")
    await _ready(load)
    load.stdin.write(b"go\n")
    said = await _line(load, within_s=_ROUND_S)
    return Round(said["frames"] / said["took_s"], said["wait_p99_s"])


@contextlib.asynccontextmanager
async def _program(module: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "goldenhour.tether", str(os.getpid())),
        *(sys.executable, "-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _ready(process: asyncio.subprocess.Process) -> None:
    await _said(process, within_s=_READY_S)


async def _line(process: asyncio.subprocess.Process, *, within_s: float) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await _said(process, within_s=within_s))
    return found


async def _said(process: asyncio.subprocess.Process, *, within_s: float) -> bytes:
    assert process.stdout is not None  # noqa: S101 -- it is a pipe
    async with asyncio.timeout(within_s):
        line = await process.stdout.readline()
    if not line:
        raise NotReadyError(reason="a part of the benchmark broke off")
    return line
