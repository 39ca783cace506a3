"""A hub and a fleet of light units, each program by its own command, looked at from outside."""

import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from firmware_sim import control
from goldenhour.bench.processes import Use, command_of, descendants, used
from goldenhour.demo import programs
from goldenhour.demo.accounts import accounts_of, pins_of
from goldenhour.demo.children import Children
from goldenhour.demo.city import Recordings, lay_out
from goldenhour.demo.enrolment import light_vehicle, signed_in
from goldenhour.demo.errors import NotReadyError
from goldenhour.demo.folder import opened
from goldenhour.demo.start import Start
from protocols.errors import ConfigError
from protocols.runtime.clock import SystemClock

HUB, BROKER, DATABASE, MEDIA = "hub", "broker", "database", "media"
FLEET: Final = "fleet"

_COME_S: Final = 900.0
"""A fleet of ten thousand comes on duty in twenty seconds, if the machine has any to spare."""


@dataclass(frozen=True)
class FleetCity:
    """The running hub; one fleet at a time drives at it."""

    start: Start
    credentials: Path
    operator: httpx2.AsyncClient

    @property
    def hub_pid(self) -> int:
        """The hub's process."""
        return next(c.pid for c in self.start.children.running if c.program.name == HUB)

    @property
    def broker_pid(self) -> int:
        """The broker's process.

        Raises:
            NotReadyError: it does not run at the moment.
        """
        for pid in descendants(self.hub_pid):
            with contextlib.suppress(OSError):
                if group_of(command_of(pid)) == BROKER:
                    return pid
        raise NotReadyError(reason="the broker does not run")

    @contextlib.asynccontextmanager
    async def driving(self, units: int) -> AsyncIterator[None]:
        """Have the first `units` units drive as long as the block runs; all have been connected.

        Raises:
            NotReadyError: one was not connected in time.
        """
        lines = itertools.islice(self.credentials.read_text().splitlines(), units)
        chosen = self.start.folder.fleet_credentials
        chosen.write_text("\n".join(lines))
        program = programs.fleet(self.start.city, self.start.folder)
        await self.start.started(program, within_s=_COME_S)
        try:
            yield
        finally:
            await self.start.children.stop(program.name)

    async def ask_fleet(self, op: str = "status") -> dict[str, Any]:
        """Return what the fleet says of itself; `measure`: it counts anew from now on.

        Raises:
            ConfigError: it has not answered for a minute.
        """
        tries = 12
        while True:
            try:
                return await asyncio.to_thread(
                    control.request, self.start.folder.sim, FLEET, op, {}
                )
            except ConfigError:  # ten thousand units keep it busy
                tries -= 1
                if not tries:
                    raise

    def used(self) -> dict[str, Use]:
        """Return what each part uses."""
        fleet = [c.pid for c in self.start.children.running if c.program.name == FLEET]
        found = used(self.hub_pid, group_of)
        for pid in fleet:
            found |= used(pid, lambda _: FLEET)
        return found

    async def live_since(self, since_utc_us: int) -> int:
        """Return how many units the hub calls live and has heard since then."""
        answer = (await self.operator.get("/api/v1/units")).raise_for_status()
        return sum(
            view["online"]
            and view["link"]["state"] == "live"
            and (view["link"]["last_heard_utc_us"] or 0) >= since_utc_us
            for view in answer.json()["units"]
        )

    def kill_broker(self) -> None:
        """End the broker as a power cut would; the hub starts it again."""
        os.kill(self.broker_pid, signal.SIGKILL)


def group_of(command: str) -> str:
    """Return which part of the hub a process is, by its command line."""
    if "nats-server" in command:
        return BROKER
    if "postgres" in command:
        return DATABASE
    return MEDIA if "hub.media" in command else HUB


@contextlib.asynccontextmanager
async def fleet_city(path: Path, *, units: int) -> AsyncIterator[FleetCity]:
    """Run a hub that knows `units` light units; a program that ends by itself ends the block.

    Raises:
        ConfigError: a part is not installed.
        NotReadyError: a part did not come up.
    """
    with opened(path) as folder:
        city = dataclasses.replace(lay_out(port=0, light_units=units, pins=pins_of({})), units=())
        people = accounts_of({})
        async with asyncio.TaskGroup() as group, Children(logs=folder.logs) as children:
            watching = group.create_task(children.watch())
            start = Start(
                city=city,
                people=people,
                recordings=Recordings(),
                children=children,
                folder=folder,
                clock=SystemClock(),
                on_step=lambda _: None,
            )
            start.write_files()
            await start.start_hub()
            await start.make_people()
            wanted, made = folder.root / "wanted.jsonl", folder.root / "made.jsonl"
            wanted.write_text("\n".join(map(_line, range(1, units + 1))))
            await children.complete(programs.enrolment(city, folder, wanted, made))
            folder.fleet_credentials.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            operator = next(one for one in people if one.role == "operator")
            async with signed_in(city, operator) as client:
                assert client is not None  # noqa: S101 -- the account was made above
                yield FleetCity(start=start, credentials=made, operator=client)
            watching.cancel()


def _line(number: int) -> str:
    one = light_vehicle(number)
    return json.dumps(
        {"unit": one.unit, "call_sign": one.call_sign, "profile": one.profile, "light": True}
    )
