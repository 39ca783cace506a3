"""One run of chaos: the city, its people, its faults, the peace after them, and the comparison."""

import asyncio
import copy
import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from goldenhour.bench.figures import Figure
from goldenhour.chaos import orders
from goldenhour.chaos.accepted import Verdict, compare, explain
from goldenhour.chaos.calm import read_account, until_calm
from goldenhour.chaos.city import ChaosCity, can_mount, chaos_city, database
from goldenhour.chaos.inject import inject
from goldenhour.chaos.orders import OrdersVerdict
from goldenhour.chaos.people import People
from goldenhour.chaos.plan import BESIDE, Fault, Kind, plan
from goldenhour.chaos.stored import read_stored
from goldenhour.chaos.witness import Witnessed, read_witness
from hub.store.database import Pool
from protocols.errors import ConfigError, FleetError
from protocols.ids import UnitId

VEHICLES: Final = 2
CALM_S: Final = 240.0
"""Within this after the last fault every vehicle's journal has nothing left that waits."""

_BEFORE_S: Final = 3.0
_LOOK_S: Final = 0.5
_TOLD_S: Final = 45.0
"""Within this a vehicle and the hub have said how each advice stands."""

Say = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """What one seed came to, or several together."""

    kinds: Counter[str] = field(default_factory=Counter)
    records: Verdict = field(default_factory=Verdict)
    orders: OrdersVerdict = field(default_factory=OrdersVerdict)
    seeds: int = 0
    revived: int = 0
    trouble_s: float = 0.0
    longest_calm_s: float = 0.0

    def __add__(self, other: "Outcome") -> "Outcome":
        """Return both together."""
        return Outcome(
            kinds=self.kinds + other.kinds,
            records=self.records + other.records,
            orders=self.orders + other.orders,
            seeds=self.seeds + other.seeds,
            revived=self.revived + other.revived,
            trouble_s=self.trouble_s + other.trouble_s,
            longest_calm_s=max(self.longest_calm_s, other.longest_calm_s),
        )


async def run(
    folder: Path, *, faults: int, seeds: Sequence[int], kinds: Sequence[Kind], say: Say
) -> list[Figure]:
    """Run `faults` faults of each of `seeds`, each in a city of its own; return the totals.

    Raises:
        ConfigError: of these `kinds` this machine can do none.
        FleetError: a city did not come up, or did not come to rest.
    """
    possible = _possible(kinds, say)
    total = Outcome()
    for seed in seeds:
        where = folder if len(seeds) == 1 else folder / f"seed-{seed}"
        found = await run_seed(where, faults=faults, seed=seed, kinds=possible, say=say)
        if len(seeds) > 1:
            say(f"seed {seed}: {dataclasses.asdict(found.records)}")
            say(f"seed {seed}: {dataclasses.asdict(found.orders)}")
        total += found
    return figures_of(total)


def _possible(kinds: Sequence[Kind], say: Say) -> list[Kind]:
    """Return which of `kinds` this machine can do."""
    if can_mount() or "disk-full" not in kinds:
        return list(kinds)
    say("left out: disk-full, for only root can give a vehicle a small disk")
    possible: list[Kind] = [kind for kind in kinds if kind != "disk-full"]
    if not possible:
        raise ConfigError(reason="none of these faults can be done here")
    return possible


async def run_seed(
    folder: Path, *, faults: int, seed: int, kinds: Sequence[Kind], say: Say
) -> Outcome:
    """Run `faults` faults of `seed` in `folder`.

    Raises: as `run`.
    """
    async with chaos_city(folder, vehicles=VEHICLES, can_fill_disks=can_mount()) as city:
        planned = plan(seed=seed, faults=faults, units=city.units, kinds=kinds)
        people = People(
            city.start.city, tuple(city.start.people), city.start.clock, seed=seed,
            diary_of=lambda name: city.start.folder.root / f"diary-{name}.jsonl",
        )  # fmt: skip
        loop = asyncio.get_running_loop()
        async with people.at_work():
            await asyncio.sleep(_BEFORE_S)
            began_s = loop.time()
            await _trouble(city, planned, say)
            trouble_s = loop.time() - began_s
            say("the last fault is over; waiting until nothing waits")
            people.send_doctor_home()
            began_s = loop.time()
            await _calm(city)
            calm_s = loop.time() - began_s
            records, advice = await _verdicts(city, people, say)
    return Outcome(
        kinds=Counter(fault.kind for fault in planned),
        records=records,
        orders=advice,
        seeds=1,
        revived=city.revived,
        trouble_s=trouble_s,
        longest_calm_s=calm_s,
    )


async def _trouble(city: ChaosCity, planned: list[Fault], say: Say) -> None:
    """Do the faults one after another; those of links and receivers go on beside the others."""
    async with asyncio.TaskGroup() as group:
        for fault in planned:
            say(
                f"{fault.number + 1}/{len(planned)} {fault.kind} {fault.unit or ''}"
                f" {fault.amount:.3g} for {fault.lasts_s:.1f} s"
            )
            if fault.kind in BESIDE:
                group.create_task(inject(city, fault))
            else:
                await inject(city, fault)
            await asyncio.sleep(fault.then_wait_s)


async def _calm(city: ChaosCity) -> None:
    """Wait until the hub has all that each vehicle has accepted at this moment.

    Raises:
        FleetError: it takes too long.
    """
    for unit in city.units:
        await city.ask(unit, "link", restore=True)
        try:
            await until_calm(partial(read_account, city.journal(unit)), within_s=CALM_S)
        except FleetError as err:
            raise FleetError(unit=unit, **err.facts) from err


async def _verdicts(city: ChaosCity, people: People, say: Say) -> tuple[Verdict, OrdersVerdict]:
    """Compare what is accepted by now with what the hub has once nothing of it waits."""
    said = {unit: _witnessed(city, people, unit) for unit in city.units}
    await _calm(city)
    total = Verdict()
    async with database(city) as pool:
        for unit, until_now in said.items():
            stored = await read_stored(pool, UnitId(unit))
            # what came meanwhile was said before it was stored
            witnessed = until_now.with_said(_witnessed(city, people, unit))
            verdict = compare(stored, witnessed)
            say(f"{unit}: {dataclasses.asdict(verdict)}")
            for line in explain(stored, witnessed):
                say(f"{unit}: {line}")
            total += verdict
        advice = await _orders(pool, people)
    say(f"orders: {dataclasses.asdict(advice)}")
    return total, advice


def _witnessed(city: ChaosCity, people: People, unit: str) -> Witnessed:
    """Return what the devices and the crew of `unit` have said until now."""
    return read_witness(city.witness(unit)).with_all(copy.deepcopy(people.crews[unit].said))


async def _orders(pool: Pool, people: People) -> OrdersVerdict:
    """Return how the advice stands, once all is told or time enough has passed."""
    confirmed = {
        content[1]: at_us
        for crew in people.crews.values()
        for content, at_us in crew.said.first_utc_us.items()
        if content[0] == "ack" and content in crew.said.accepted
    }
    loop = asyncio.get_running_loop()
    until_s = loop.time() + _TOLD_S
    while True:
        outgoing, answers = await orders.read_orders(pool)
        given_up = await orders.read_given_up(pool)
        found = orders.judge(people.doctor.given, outgoing, answers, confirmed, given_up)
        if not found.astray or loop.time() > until_s:
            return found
        await asyncio.sleep(_LOOK_S)


def figures_of(total: Outcome) -> list[Figure]:
    """Return the figures, with their bars."""
    records, advice = total.records, total.orders

    def count(name: str, value: float, *, bar: float | None = None) -> Figure:
        return Figure(name=name, value=float(value), unit="1", bar=bar)

    return [
        count("faults", total.kinds.total()),
        *(count(f"faults, {kind}", number) for kind, number in sorted(total.kinds.items())),
        count("seeds", total.seeds),
        count("accepted reports and entries compared", records.accepted),
        count("accepted, not at the hub, not declared", records.lost, bar=0.0),
        count("stored twice", records.doubled, bar=0.0),
        count("stored otherwise than it was said", records.invented, bar=0.0),
        count("seqs neither stored nor declared", records.undeclared_holes, bar=0.0),
        count("accepted, gone and declared", records.declared),
        count("accepted, gone, and nobody knows how many", records.excused),
        count("times compared", records.dated),
        count("times outside the error that is stated", records.wrong_times, bar=0.0),
        count("times whose error is said to be unknown", records.undated),
        count("advice given", advice.given),
        count("advice neither delivered nor said to be expired", advice.astray, bar=0.0),
        count("advice whose vehicle's answer is gone and declared", advice.declared),
        count("advice delivered twice", advice.twice, bar=0.0),
        count("advice delivered out of order", advice.out_of_order, bar=0.0),
        count("advice confirmed after it had expired", advice.late, bar=0.0),
        count("advice that expired, and was said to have", advice.expired),
        count("programs started again", total.revived),
        Figure(name="faults went on for", value=total.trouble_s, unit="s"),
        Figure(name="longest until nothing waited", value=total.longest_calm_s, unit="s"),
    ]
