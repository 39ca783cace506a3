"""A hub and one vehicle, each program by its own command, for those who look inside."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_sim import control
from goldenhour.demo import programs
from goldenhour.demo.accounts import accounts_of, pins_of
from goldenhour.demo.children import Children
from goldenhour.demo.city import Recordings, UnitSite, lay_out
from goldenhour.demo.folder import opened
from goldenhour.demo.start import Start
from hub.store import BuiltInPostgres, Pool, open_pool
from protocols.runtime.clock import SystemClock

START_S = 120


@dataclass(frozen=True)
class SmallCity:
    """The running programs, and the hub's own database."""

    start: Start
    pool: Pool  # of the hub's own database

    @property
    def site(self) -> UnitSite:
        """The vehicle."""
        return self.start.city.units[0]

    @property
    def journal(self) -> Path:
        """The vehicle's journal."""
        return self.start.folder.unit(self.site.unit) / "journal.db"

    def pid(self, program: str) -> int:
        """Return the process id of `program`, while it runs."""
        running = self.start.children.running
        return next(child.pid for child in running if child.program.name == program)

    async def ask(self, op: str, **fields: object) -> dict[str, Any]:
        """Ask the vehicle's simulators, as `goldenhour sim` does, and return their status."""
        run_dir, unit = self.start.folder.sim, self.site.unit
        return await asyncio.to_thread(control.request, run_dir, unit, op, fields)


@contextlib.asynccontextmanager
async def small_city(  # noqa: PLR0913 -- how it may differ from the demo
    path: Path,
    *,
    recordings: Recordings | None = None,
    devices: Sequence[str] = (),
    light_units: int = 0,
    cameras: bool = True,
    agent_settings: Mapping[str, str] | None = None,
) -> AsyncIterator[SmallCity]:
    """Run a hub and one ambulance; `devices` are further options of its simulators.

    `agent_settings` are further settings of the agent, by their whole names.

    `light_units` are enrolled, and do not drive.

    A program that ends by itself ends the block; the agent is started again when it is killed.
    """
    with opened(path) as folder:
        whole = lay_out(port=0, light_units=light_units, pins=pins_of({}))
        one = dataclasses.replace(whole.units[0], more_cameras={})
        city = dataclasses.replace(whole, units=(one,))
        (site,) = city.units
        async with asyncio.TaskGroup() as group, Children(logs=folder.logs) as children:
            watching = group.create_task(children.watch())
            start = Start(
                city=city,
                people=accounts_of({}),
                recordings=recordings or Recordings(),
                children=children,
                folder=folder,
                clock=SystemClock(),
                on_step=lambda _: None,
            )
            start.write_files()
            await start.start_hub()
            await start.enrol()
            wires = programs.devices(city, site, folder, start.recordings)
            wires = dataclasses.replace(wires, arguments=(*wires.arguments, *devices))
            await start.started(wires, within_s=START_S)
            agent = programs.agent(city, site, folder)
            further = dict(agent_settings or {})
            if not cameras:
                further["GOLDENHOUR_EDGE_CAMERAS"] = "{}"
            agent = dataclasses.replace(agent, environment={**agent.environment, **further})
            await start.started(agent, within_s=START_S)
            url = await BuiltInPostgres(folder.hub / "postgres").running_elsewhere()
            assert url is not None  # noqa: S101 -- the hub is up
            pool = await open_pool(url, most=2)
            try:
                yield SmallCity(start=start, pool=pool)
            finally:
                await pool.close()
                watching.cancel()


async def until(holds: Callable[[], Awaitable[bool]], *, within_s: float) -> None:
    """Ask again and again until it holds."""
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 -- asked of other processes
            await asyncio.sleep(0.1)
