"""The city that is broken: a hub and ambulances in processes of their own, kept running."""

import asyncio
import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from firmware_sim import control
from goldenhour.demo import programs
from goldenhour.demo.accounts import accounts_of, pins_of
from goldenhour.demo.children import Children, Program
from goldenhour.demo.city import Recordings, UnitSite, lay_out
from goldenhour.demo.folder import opened
from goldenhour.demo.start import Start
from hub.store import BuiltInPostgres, Pool, open_pool
from protocols.errors import FleetError
from protocols.runtime.clock import SystemClock
from protocols.runtime.processes import descendants

DISK_BYTES: Final = 96 * 2**20
_START_S: Final = 120.0
_AGAIN_S: Final = 0.5
_UP_S: Final = 60.0
_WRONG_CLOCK: Final = Path(__file__).parent / "wrong_clock"


@dataclass
class ChaosCity:
    """The running programs. What ends is started again, as an init system would."""

    start: Start
    wanted: dict[str, Program] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    revived: int = 0

    @property
    def units(self) -> list[str]:
        """The vehicles."""
        return [site.unit for site in self.start.city.units]

    def journal(self, unit: str) -> Path:
        """Return where the journal of `unit` stands."""
        return self.start.folder.unit(unit) / "journal.db"

    def witness(self, unit: str) -> Path:
        """Return where the devices of `unit` write what they say."""
        return self.start.folder.root / f"witness-{unit}.jsonl"

    def clock_file(self, unit: str) -> Path:
        """Return the file that says by how much the computer's clock of `unit` is wrong."""
        return self.start.folder.root / f"clock-{unit}"

    async def ask(self, unit: str, op: str, **fields: object) -> dict[str, Any]:
        """Ask the simulators of `unit` and return their status."""
        return await asyncio.to_thread(control.request, self.start.folder.sim, unit, op, fields)

    async def run(self, program: Program) -> None:
        """Start `program` and keep it running."""
        self.wanted[program.name] = program
        await self.start.started(program, within_s=_START_S)

    def pid(self, name: str) -> int | None:
        """Return the process id of the program `name`, while it runs."""
        return next(
            (
                child.pid
                for child in self.start.children.running
                if child.program.name == name and child.process.returncode is None
            ),
            None,
        )

    def part(self, word: str) -> int | None:
        """Return the process id of the hub's own child whose command says `word`."""
        hub = self.pid("hub")
        found = descendants(hub) if hub else []
        return next((pid for pid, command in found if word in command), None)

    async def kill(self, name: str) -> None:
        """End the program `name` as a power cut does; it comes back by itself."""
        pid = self.pid(name)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def is_up(self, unit: str) -> bool:
        """Return once the agent of `unit` listens, which has then read its journal; False: late."""
        site = next(site for site in self.start.city.units if site.unit == unit)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_UP_S):
                while True:
                    with contextlib.suppress(OSError):
                        _, writer = await asyncio.open_connection(
                            site.tablet_host, site.tablet_port
                        )
                        writer.close()
                        return True
                    await asyncio.sleep(_AGAIN_S)
        return False

    @contextlib.asynccontextmanager
    async def stopped(self, name: str, *, kill: bool = False) -> AsyncIterator[None]:
        """Have the program `name` stopped, or killed, while the block runs."""
        self.held.add(name)
        try:
            if kill:
                await self.kill(name)
            await self.start.children.stop(name)
            yield
        finally:
            self.held.discard(name)

    async def keep(self) -> None:
        """Start again whatever ended, until cancelled."""
        while True:
            running = {
                child.program.name
                for child in self.start.children.running
                if child.process.returncode is None
            }
            for name, program in self.wanted.items():
                if name not in running and name not in self.held:
                    await self.start.children.stop(name)  # what is left of it
                    await self.start.children.start(program)
                    self.revived += 1
            await asyncio.sleep(_AGAIN_S)


@contextlib.asynccontextmanager
async def chaos_city(
    path: Path, *, vehicles: int, can_fill_disks: bool
) -> AsyncIterator[ChaosCity]:
    """Run a hub and `vehicles` ambulances without cameras in the folder `path`."""
    with opened(path) as folder, contextlib.ExitStack() as disks:
        whole = lay_out(port=0, light_units=0, pins=pins_of({}))
        city = dataclasses.replace(whole, units=whole.units[:vehicles])
        if can_fill_disks:
            for site in city.units:
                disks.enter_context(_small_disk(folder.unit(site.unit)))
        async with Children(logs=folder.logs) as children:
            start = Start(
                city=city, people=accounts_of({}), recordings=Recordings(), children=children,
                folder=folder, clock=SystemClock(), on_step=lambda _: None,
            )  # fmt: skip
            made = ChaosCity(start)
            start.write_files()
            await start.start_hub()
            made.wanted["hub"] = programs.hub(city, folder)
            await start.enrol()
            for site in city.units:
                await made.run(_devices(made, site))
                await made.run(_agent(made, site))
            keeping = asyncio.create_task(made.keep())
            try:
                yield made
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)


@contextlib.asynccontextmanager
async def database(made: ChaosCity) -> AsyncIterator[Pool]:
    """Open the hub's own database, which runs."""
    url = await BuiltInPostgres(made.start.folder.hub / "postgres").running_elsewhere()
    if url is None:
        raise FleetError(reason="the hub's database does not run")
    pool = await open_pool(url, most=2)
    try:
        yield pool
    finally:
        await pool.close()


def can_mount() -> bool:
    """Whether this process may give each vehicle a small disk of its own."""
    return os.geteuid() == 0 and shutil.which("mount") is not None and _try_mount()


def _try_mount() -> bool:
    import tempfile  # noqa: PLC0415 -- here alone

    with tempfile.TemporaryDirectory() as folder:
        try:
            with _small_disk(Path(folder)):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    size = f"size={DISK_BYTES},mode=700"
    subprocess.run(  # noqa: S603 -- our own words
        ["mount", "-t", "tmpfs", "-o", size, "goldenhour", str(folder)],  # noqa: S607
        check=True,
        capture_output=True,
    )
    try:
        yield
    finally:
        shutil.copytree(folder, folder.with_name(f"{folder.name}-kept"), dirs_exist_ok=True)
        subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: S603, S607


def _devices(made: ChaosCity, site: UnitSite) -> Program:
    """Return the vehicle's devices: numbers that count, samples of the model, no camera's load."""
    program = programs.devices(made.start.city, site, made.start.folder, Recordings())
    more = ("--ecg", "model", "--course", "counting", "--pacing", "replay")
    return dataclasses.replace(
        program, arguments=(*program.arguments, *more, "--witness", str(made.witness(site.unit)))
    )


def _agent(made: ChaosCity, site: UnitSite) -> Program:
    program = programs.agent(made.start.city, site, made.start.folder)
    environment = {
        **program.environment,
        "GOLDENHOUR_EDGE_CAMERAS": "{}",
        "GOLDENHOUR_EDGE_JOURNAL__LEAST_FREE_BYTES": "0",
        "PYTHONPATH": str(_WRONG_CLOCK),
        "GOLDENHOUR_CHAOS_CLOCK": str(made.clock_file(site.unit)),
    }
    made.clock_file(site.unit).write_text("0")
    return dataclasses.replace(program, environment=environment, revives=False)
