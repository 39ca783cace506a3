"""Bring the city up: each part is started, and is well before what needs it is started."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from goldenhour.demo import programs
from goldenhour.demo.children import Child, Children, Program
from goldenhour.demo.city import Account, City, Recordings, UnitSite
from goldenhour.demo.enrolment import enrol as enrol_units
from goldenhour.demo.enrolment import signed_in, write_people
from goldenhour.demo.folder import Folder
from goldenhour.demo.health import answers, said_ready, until
from protocols.clock import Clock
from protocols.runtime.files import PRIVATE, write_whole

_PART_S: Final = 90.0
_HUB_S: Final = 90.0  # its first start makes the database
_CITY_S: Final = 90.0
_FRESH_S: Final = 5.0  # an older heart rate is not live; source: docs/ARCHITECTURE.md


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start of the whole city; `on_step` is told each step as it begins."""

    city: City
    people: Sequence[Account]
    recordings: Recordings
    children: Children
    folder: Folder
    clock: Clock
    on_step: Callable[[str], None]

    async def run(self) -> None:
        """Return once every part is well.

        Raises:
            ConfigError: a part is not installed, or said that a setting is wrong.
            NotReadyError: a part was not well in time; it and its log are named.
            ProgramEndedError: an account could not be made.
        """
        began_utc_us = self.clock.utc_us()
        self.write_files()
        self.on_step("starting the hospital and the hub (its first start takes longer)")
        hub, _ = await asyncio.gather(self.start_hub(), self.start_hospital())
        self.on_step("enrolling the units")
        await self.enrol()
        await self.make_teams()
        self.on_step("starting devices, agents and light units")
        await asyncio.gather(self.start_fleet(), *map(self.start_unit, self.city.units))
        self.on_step("waiting until every unit is seen at the hub")
        await self._whole(hub, since_utc_us=began_utc_us)

    def write_files(self) -> None:
        """Write what the programs read at their start."""
        folder = self.folder
        folder.hospital.mkdir(exist_ok=True, mode=0o700)
        settings = programs.hospital_settings(self.city, folder)
        write_whole(folder.hospital / "settings.yaml", settings)
        write_whole(folder.hospitals_file, programs.hospitals_file(self.city))
        for site in self.city.units:
            folder.unit(site.unit).mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(folder.pin(site.unit), site.pin.encode(), mode=PRIVATE)

    async def start_hospital(self) -> None:
        """Start the hospital."""
        child = await self.children.start(programs.hospital(self.city, self.folder))
        url = f"{self.city.hospital_url}/metadata"
        await answers(url, part="the hospital", child=child, within_s=_PART_S)

    async def start_hub(self) -> Child:
        """Start the hub."""
        child = await self.started(programs.hub(self.city, self.folder), within_s=_HUB_S)
        url = f"{self.city.hub_url}/healthz"
        await answers(url, part="the hub", child=child, within_s=_PART_S)
        return child

    async def enrol(self) -> None:
        """Make accounts and credentials, where those of an earlier demo do not fit the hub."""
        await self.make_people()
        async with signed_in(self.city, self._person("administrator")) as administrator:
            assert administrator is not None  # noqa: S101 -- the account was made above
            await enrol_units(administrator, self.city, self.folder)

    async def make_people(self) -> None:
        """Make accounts, where those of an earlier demo do not fit the hub."""
        if not await self._are_known():
            people = self.folder.root / "people.json"
            try:
                write_people(people, self.people)
                await self.children.complete(programs.accounts(self.city, self.folder, people))
            finally:
                people.unlink(missing_ok=True)

    async def make_teams(self) -> None:
        """Have the teams that crews may ring; those of an earlier demo are made again."""
        wanted = self.folder.root / "teams.json"
        write_whole(wanted, programs.teams_file())
        await self.children.complete(programs.teams(self.city, self.folder, wanted))

    async def start_unit(self, site: UnitSite) -> None:
        """Start one vehicle: its devices and modem, then its agent."""
        sim = programs.devices(self.city, site, self.folder, self.recordings)
        await self.started(sim, within_s=_PART_S)
        agent = await self.started(programs.agent(self.city, site, self.folder), within_s=_PART_S)
        part = f"the tablet of {site.unit}"
        await answers(site.tablet_url, part=part, child=agent, within_s=_PART_S)

    async def start_fleet(self) -> None:
        """Start the light units, if there are any."""
        if self.city.light_units:
            await self.started(programs.fleet(self.city, self.folder), within_s=_PART_S)

    async def started(self, program: Program, *, within_s: float) -> Child:
        """Start `program` and return once it says that it is ready."""
        child = await self.children.start(program)
        await said_ready(child, within_s=within_s)
        return child

    async def _are_known(self) -> bool:
        for person in self.people:
            async with signed_in(self.city, person) as client:
                if client is None:
                    return False
        return True

    async def _whole(self, hub: Child, *, since_utc_us: int) -> None:
        """Return once the hub shows all that the city has, as its people see it."""
        async with (
            signed_in(self.city, self._person("operator")) as operator,
            signed_in(self.city, self._person("doctor")) as doctor,
        ):
            assert operator is not None  # noqa: S101 -- the accounts were made before
            assert doctor is not None  # noqa: S101

            async def look() -> str | None:
                views = (await operator.get("/api/v1/units")).raise_for_status().json()["units"]
                missing = missing_units(self.city, views, since_utc_us=since_utc_us)
                for site in self.city.units:
                    if missing is None and site.full.profile == "ambulance":
                        missing = await missing_heart_rate(
                            doctor, site.unit, now_utc_us=self.clock.utc_us()
                        )
                return missing

            await until(look, part="the city", child=hub, within_s=_CITY_S)
        url = f"{self.city.hub_url}/healthz"
        await answers(url, part="the hub", child=hub, within_s=_PART_S)

    def _person(self, role: str) -> Account:
        return next(one for one in self.people if one.role == role)


def missing_units(city: City, views: Sequence[dict[str, Any]], *, since_utc_us: int) -> str | None:
    """Return which units the hub does not yet show as online, with a position since then."""
    seen = {
        view["unit"]
        for view in views
        if view["online"]
        and view["position"] is not None
        and view["position"]["captured_utc_us"] >= since_utc_us
    }
    missing = [site.unit for site in city.units if site.unit not in seen]
    if missing:
        return f"no position of {', '.join(missing)} at the hub"
    light = sum(1 for view in views if view["light"] and view["unit"] in seen)
    if light < city.light_units:
        return f"{light} of {city.light_units} light units are on the map"
    return None


async def missing_heart_rate(
    doctor: httpx2.AsyncClient, unit: str, *, now_utc_us: int
) -> str | None:
    """Return what is missing until a doctor sees a live heart rate of `unit`; None if nothing."""
    answer = await doctor.get(
        f"/api/v1/units/{unit}/records",
        params={"stream": "vitals", "from_utc_us": now_utc_us - int(_FRESH_S * 1_000_000)},
    )
    records = answer.raise_for_status().json()["records"]
    if any(one["body"].get("heart_rate_bpm") is not None for one in records):
        return None
    return f"no heart rate of {unit} within {_FRESH_S:g} s"
