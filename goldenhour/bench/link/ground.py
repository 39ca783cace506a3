"""What our link is measured on: the whole hub, a vehicle behind modems, and a doctor's screen."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from goldenhour.bench.link.asked import Asked, asked
from goldenhour.bench.link.modems import Modems, modems
from goldenhour.bench.link.screen import Screen, screen_of
from goldenhour.bench.link.setup import Setup
from goldenhour.demo import ports
from goldenhour.demo.accounts import accounts_of, pins_of
from goldenhour.demo.children import Children
from goldenhour.demo.city import Recordings, lay_out
from goldenhour.demo.folder import opened
from goldenhour.demo.start import Start
from goldenhour.demo.table import card_of
from protocols.clock import Clock
from protocols.runtime.clock import SystemClock

ONE_PATH: Final = ("main",)
TWO_PATHS: Final = ("first", "second")
_VEHICLE: Final = "goldenhour.bench.link.vehicle"


@dataclass(frozen=True)
class Ground:
    """The running parts. Both clocks are those of this machine."""

    modems: Modems
    vehicle: Asked
    screen: Screen
    clock: Clock


class HubSide:
    """The running hub; one vehicle after another drives at it, each with a journal of its own."""

    def __init__(self, start: Start, folder: Path, played: Recordings) -> None:
        self._start = start
        self._folder = folder
        self._played = played
        self._count = 0

    @contextlib.asynccontextmanager
    async def vehicle(self, *, paths: Sequence[str] = ONE_PATH) -> AsyncIterator[Ground]:
        """Yield a vehicle whose modems are cut."""
        start, (site,) = self._start, self._start.city.units
        self._count += 1
        clock, port = start.clock, start.city.mqtt_port
        card = card_of(start.city, start.people, start.folder)
        setup = Setup(
            journal=str(self._folder / f"vehicle-{self._count}" / "journal.db"),
            credential=str(start.folder.credential(site.unit)),
            doors=[(name, f"127.0.1.{number}", port) for number, name in enumerate(paths, 1)],
            ecg=self._played.ecg,
            ecg_step_uv=self._played.ecg_step_uv,
            waves_every_s=self._played.waves_every_s or 1.0,
        )
        file = self._folder / f"vehicle-{self._count}.json"
        file.write_text(setup.to_json())
        doors = {name: (host, port) for name, host, _ in setup.doors}
        async with (
            modems(doors, hub=(ports.LOOPBACK, port), clock=clock) as ways,
            asked(_VEHICLE, str(file)) as vehicle,
            screen_of(card, site.unit, clock) as screen,
        ):
            yield Ground(modems=ways, vehicle=vehicle, screen=screen, clock=clock)


@contextlib.asynccontextmanager
async def hub_side(path: Path, *, played: Recordings) -> AsyncIterator[HubSide]:
    """Run a hub that knows one ambulance.

    Raises:
        ConfigError: a part is not installed.
        NotReadyError: a part did not come up.
    """
    with opened(path) as folder:
        whole = lay_out(port=0, light_units=0, pins=pins_of({}))
        city = dataclasses.replace(whole, units=whole.units[:1])
        async with Children(logs=folder.logs) as children:
            start = Start(
                city=city, people=accounts_of({}), recordings=played, children=children,
                folder=folder, clock=SystemClock(), on_step=lambda _: None,
            )  # fmt: skip
            start.write_files()
            await start.start_hub()
            await start.enrol()
            yield HubSide(start, folder.root, played)
