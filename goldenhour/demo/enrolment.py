"""Accounts and credentials of the demo: made at the first start, found again at the next."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import httpx2

from goldenhour.demo.city import Account, City
from goldenhour.demo.errors import NotReadyError
from goldenhour.demo.folder import Folder
from protocols.runtime.files import PRIVATE, write_whole

_AT_ONCE: Final = 8
_PATROL_EVERY: Final = 3
_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A unit as it is enrolled."""

    unit: str
    call_sign: str
    profile: Literal["ambulance", "patrol"]
    light: bool


def vehicles_of(city: City) -> list[Vehicle]:
    """Return every unit of the city, the full ones first."""
    full = [
        Vehicle(
            unit=site.unit, call_sign=site.full.call_sign, profile=site.full.profile, light=False
        )
        for site in city.units
    ]
    return full + [light_vehicle(number) for number in range(1, city.light_units + 1)]


@contextlib.asynccontextmanager
async def signed_in(city: City, account: Account) -> AsyncIterator[httpx2.AsyncClient | None]:
    """Yield a client with the session of `account`, or None where the hub does not know it.

    Raises:
        NotReadyError: the hub answers neither yes nor no.
    """
    async with httpx2.AsyncClient(base_url=city.hub_url, timeout=_TIMEOUT_S) as client:
        who = {"username": account.username, "password": account.password}
        answer = await client.post("/api/v1/session", json=who)
        if answer.status_code == httpx2.codes.UNAUTHORIZED:
            yield None
            return
        _see_that_it_went_well(answer, f"signing in as {account.username}")
        yield client
        await client.delete("/api/v1/session")


def write_people(path: Path, people: Sequence[Account]) -> None:
    """Write the file from which the hub takes in the demo's accounts; for its owner alone."""
    rows = [
        {
            "username": one.username,
            "role": one.role,
            "display_name": one.display_name,
            "organisation": one.organisation,
            "password": one.password,
        }
        for one in people
    ]
    write_whole(path, json.dumps(rows, ensure_ascii=False).encode(), mode=PRIVATE)


async def enrol(administrator: httpx2.AsyncClient, city: City, folder: Folder) -> None:
    """See that each unit is enrolled and that its credential is in `folder`.

    A credential that an earlier demo left and the hub still knows is kept.

    Raises:
        NotReadyError: the hub refused.
    """
    kept = _kept(folder)
    turn = asyncio.Semaphore(_AT_ONCE)

    async def credential_of(vehicle: Vehicle) -> str:
        async with turn:
            password = kept.get(vehicle.unit)
            if password is not None and await _opens(administrator, vehicle.unit, password):
                return password
            answer = await administrator.post(
                "/api/v1/units",
                json={
                    "unit": vehicle.unit,
                    "call_sign": vehicle.call_sign,
                    "profile": vehicle.profile,
                    "light": vehicle.light,
                    "replace": True,
                },
            )
            _see_that_it_went_well(answer, f"enrolling {vehicle.unit}")
            return str(answer.json()["password"])

    vehicles = vehicles_of(city)
    passwords = await asyncio.gather(*map(credential_of, vehicles))
    lines = []
    for vehicle, password in zip(vehicles, passwords, strict=True):
        one: dict[str, Any] = {"unit": vehicle.unit, "password": password}
        if vehicle.light:
            one |= {"profile": vehicle.profile, "call_sign": vehicle.call_sign}
            lines.append(json.dumps(one))
        else:
            path = folder.credential(vehicle.unit)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, json.dumps(one).encode(), mode=PRIVATE)
    folder.fleet_credentials.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(folder.fleet_credentials, "\n".join(lines).encode(), mode=PRIVATE)


async def _opens(client: httpx2.AsyncClient, unit: str, password: str) -> bool:
    """Say whether the hub takes `password` for that of `unit`."""
    answer = await client.get(f"/api/v1/media/units/{unit}/cameras", auth=(unit, password))
    return answer.is_success


def _kept(folder: Folder) -> dict[str, str]:
    """Return the passwords that an earlier demo left, by unit; what cannot be read is not kept."""
    found: dict[str, str] = {}
    for path in (*folder.root.glob("units/*/credential.json"), folder.fleet_credentials):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            for line in path.read_text().splitlines():
                one = json.loads(line)
                found[one["unit"]] = one["password"]
    return found


def light_vehicle(number: int) -> Vehicle:
    """Return the light unit of that number, from 1 on."""
    profile: Literal["ambulance", "patrol"] = "ambulance"
    if number % _PATROL_EVERY == 0:
        profile = "patrol"
    name = f"{profile.capitalize()} {100 + number}"
    return Vehicle(unit=f"L-{number:03d}", call_sign=name, profile=profile, light=True)


def _see_that_it_went_well(answer: httpx2.Response, what: str) -> None:
    if not answer.is_success:
        raise NotReadyError(
            reason=f"{what}: the hub answered {answer.status_code}: {answer.text[:200]}"
        )
