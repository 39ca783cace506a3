"""One run of chaos: the city, its faults, the peace after them, and the comparison."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from goldenhour.bench.figures import Figure
from goldenhour.chaos.accepted import Verdict, compare, read_stored, read_witness
from goldenhour.chaos.city import ChaosCity, can_mount, chaos_city, database
from goldenhour.chaos.inject import inject
from goldenhour.chaos.plan import LINK, Fault, plan
from protocols.errors import FleetError
from protocols.ids import UnitId

VEHICLES: Final = 2
CALM_S: Final = 240.0
"""Within this after the last fault every vehicle's journal has nothing left that waits."""

_BEFORE_S: Final = 3.0
_LOOK_S: Final = 0.5

Say = Callable[[str], None]


async def run(folder: Path, *, faults: int, seed: int, say: Say) -> list[Figure]:
    """Run `faults` faults of `seed` in `folder` and return the figures.

    Raises:
        FleetError: the city did not come up, or did not come to rest.
    """
    mounts = can_mount()
    impossible = frozenset() if mounts else frozenset({"disk-full"})
    for kind in impossible:
        say(f"left out: {kind}, for only root can give a vehicle a small disk")
    async with chaos_city(folder, vehicles=VEHICLES, can_fill_disks=mounts) as city:
        planned = plan(seed=seed, faults=faults, units=city.units, without=impossible)
        await asyncio.sleep(_BEFORE_S)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await _trouble(city, planned, say)
        trouble_s = loop.time() - began_s
        say("the last fault is over; waiting until nothing waits")
        began_s = loop.time()
        await _calm(city)
        calm_s = loop.time() - began_s
        verdicts = await _verdicts(city)
    for unit, verdict in verdicts.items():
        say(f"{unit}: {dataclasses.asdict(verdict)}")
    return _figures(planned, verdicts, trouble_s=trouble_s, calm_s=calm_s, revived=city.revived)


async def _trouble(city: ChaosCity, planned: list[Fault], say: Say) -> None:
    """Do the faults one after another; those of links go on beside the others."""
    async with asyncio.TaskGroup() as group:
        for fault in planned:
            say(
                f"{fault.number + 1}/{len(planned)} {fault.kind} {fault.unit or ''}"
                f" {fault.amount:.3g} for {fault.lasts_s:.1f} s"
            )
            if fault.kind in LINK:
                group.create_task(inject(city, fault))
            else:
                await inject(city, fault)
            await asyncio.sleep(fault.then_wait_s)


async def _calm(city: ChaosCity) -> None:
    """Wait until the hub has all that each vehicle has accepted at this moment.

    Raises:
        FleetError: it takes too long.
    """
    try:
        async with asyncio.timeout(CALM_S):
            for unit in city.units:
                await city.ask(unit, "link", restore=True)
                due = await _account(city, unit)
                while not _has(await _account(city, unit), due):  # noqa: ASYNC110 -- asked of other processes
                    await asyncio.sleep(_LOOK_S)
    except TimeoutError as err:
        left = {unit: city.account(unit) for unit in city.units}
        raise FleetError(reason=f"something still waits: {left}") from err


async def _account(city: ChaosCity, unit: str) -> dict[str, tuple[int, int]]:
    while (found := city.account(unit)) is None:  # noqa: ASYNC110 -- asked of other processes
        await asyncio.sleep(_LOOK_S)
    return found


def _has(account: dict[str, tuple[int, int]], due: dict[str, tuple[int, int]]) -> bool:
    return all(account[stream][1] >= last for stream, (last, _) in due.items())


async def _verdicts(city: ChaosCity) -> dict[str, Verdict]:
    """Compare what is accepted by now with what the hub has once nothing of it waits."""
    said = {unit: read_witness(city.witness(unit)) for unit in city.units}
    await _calm(city)
    found: dict[str, Verdict] = {}
    async with database(city) as pool:
        for unit, until_now in said.items():
            stored = await read_stored(pool, UnitId(unit))
            # what came meanwhile was said before it was stored
            until_now.heard_too(read_witness(city.witness(unit)))
            found[unit] = compare(stored, until_now)
    return found


def _figures(
    planned: list[Fault],
    verdicts: dict[str, Verdict],
    *,
    trouble_s: float,
    calm_s: float,
    revived: int,
) -> list[Figure]:
    def total(name: str) -> float:
        return float(sum(getattr(verdict, name) for verdict in verdicts.values()))

    kinds = Counter(fault.kind for fault in planned)
    bars = {
        "accepted, not at the hub, not declared": "lost",
        "stored twice": "doubled",
        "stored otherwise than a device said it": "invented",
        "seqs neither stored nor declared": "undeclared_holes",
    }
    figures = [
        Figure(name="faults", value=float(len(planned)), unit="1"),
        *(Figure(name=f"faults, {kind}", value=float(n), unit="1") for kind, n in kinds.items()),
        Figure(name="accepted reports compared", value=total("accepted"), unit="1"),
    ]
    figures += [
        Figure(name=name, value=total(field), unit="1", bar=0.0) for name, field in bars.items()
    ]
    return [
        *figures,
        Figure(name="accepted, gone and declared", value=total("declared"), unit="1"),
        Figure(name="programs started again", value=float(revived), unit="1"),
        Figure(name="faults went on for", value=trouble_s, unit="s"),
        Figure(name="until nothing waited", value=calm_s, unit="s"),
    ]
