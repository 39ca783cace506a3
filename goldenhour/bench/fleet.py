"""Thousands of units at one hub: how long an acknowledgement takes, what a unit costs, what grows.

The hub is the real one, with its broker and its database; every unit has its own credential,
connection, last will, journal and `Sender`, and says where it is once a second. A record's wait
runs from when it was captured until the unit has the hub's word that it is committed.
"""

import asyncio
import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from goldenhour.bench.figures import Figure
from goldenhour.bench.fleet_city import BROKER, DATABASE, FLEET, HUB, FleetCity, fleet_city
from goldenhour.bench.picture import Bar, bars
from goldenhour.bench.processes import Use, growth
from goldenhour.demo.small_city import until
from protocols.runtime.clock import SystemClock

SIZES: Final = (100, 1_000)
RECONNECTING: Final = 1_000

WAIT_BAR_MS: Final = 2_000.0
AGAIN_BAR_S: Final = 30.0
REFUSED_BAR: Final = 5.0
"""A unit whose tries are 0.5, 1, 2, 4 and 8 s apart on average makes five within half a minute."""

FLAT_BAR: Final = 1.25
"""So many times what a unit costs in a smaller fleet: more is a cost that grows with the fleet."""

HELD_LEAST_UNITS: Final = 1_000
"""In the memory of fewer units than these the heap's own steps are larger than the units."""

GROWTH_BAR_BYTES: Final = 8.0
"""What a hub that forgot to let go of one pointer of each record would grow by with each record."""

GROWTH_LEAST_S: Final = 300.0
"""A shorter run says nothing of growth: a broker's heap fills for minutes before it is swept."""

LINE_S: Final = 20.0
_WARM_S: Final = 10.0
_SETTLED_MS: Final = 1_000
_SETTLE_WITHIN_S: Final = 120.0
_SAMPLE_S: Final = 5.0
_AGAIN_WITHIN_S: Final = 120.0
_IN_HAND_US: Final = 500_000
PARTS: Final = (HUB, BROKER, DATABASE)

WAIT: Final = "from captured to acknowledged"
COST: Final = "processor time of a unit, of "
MEMORY: Final = "memory of a unit, of "
LEAST_SHARE: Final = 0.97
"""A unit says where it is each second. With fewer acknowledged records than this the units did not
keep their pace, or the hub did not, and what was measured is a smaller fleet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What was seen of one fleet of `units`, over `span_s`."""

    units: int
    span_s: float
    waits: Mapping[str, Any]
    longest_ms: float
    before: Mapping[str, Use]
    after: Mapping[str, Use]
    memory: Mapping[str, Mapping[float, float]]  # bytes by time, by part

    @property
    def held_bytes(self) -> int:
        """What hub and broker hold at the end."""
        return _held_bytes(self.after)

    def cores(self, part: str) -> float:
        """Return how much of a core a part took."""
        return (self.after[part].cpu_s - self.before[part].cpu_s) / self.span_s

    def cpu_us(self, *parts: str) -> float:
        """Return the processor time of `parts` for each unit and second."""
        return sum(map(self.cores, parts)) * 1e6 / self.units

    def growth_bytes_per_s(self, part: str) -> float:
        """Return how fast a part grew over the later half."""
        samples = self.memory[part]
        return growth({at: held for at, held in samples.items() if at >= self.span_s / 2})


@dataclass(frozen=True, slots=True)
class Again:
    """How `units` came back after the broker was killed."""

    units: int
    took_s: float
    most_refused: int


async def measure(folder: Path, *, units: int, duration_s: float) -> list[Figure]:
    """Run a hub in `folder` and fleets of up to `units` at it; the largest for `duration_s`.

    Raises:
        ConfigError: a part is not installed, or the system allows too few connections.
        NotReadyError: a part did not come up, or not all units did.
    """
    line: list[Watched] = []
    again: list[Again] = []
    async with fleet_city(folder, units=units) as city:
        empty = city.used()
        for size in [*(size for size in SIZES if size < units), units]:
            async with city.driving(size):
                await settled(city)
                span_s = duration_s if size == units else min(LINE_S, duration_s)
                line.append(await watched(city, size, span_s=span_s))
                if not again and size in {RECONNECTING, units}:
                    again.append(await reconnected(city, size))
    return figures_of(line, again[0], empty)


async def settled(city: FleetCity) -> None:
    """Return once nothing has waited for a second, and ten more have passed: the warm-up.

    A fleet that does not come to rest is measured as it is.
    """

    async def holds() -> bool:
        return int((await city.ask_fleet())["oldest_waiting_ms"]) < _SETTLED_MS

    with contextlib.suppress(TimeoutError):
        await until(holds, within_s=_SETTLE_WITHIN_S)
    await asyncio.sleep(_WARM_S)


async def watched(city: FleetCity, units: int, *, span_s: float) -> Watched:
    """Return what the fleet of `units` does in `span_s`, and what it takes."""
    clock = SystemClock()
    await city.ask_fleet("measure")
    before, began_s = city.used(), clock.monotonic_s()
    samples: dict[float, dict[str, Use]] = {0.0: before}
    longest_ms = 0.0
    while (at_s := clock.monotonic_s() - began_s) < span_s:
        await asyncio.sleep(min(_SAMPLE_S, span_s - at_s))
        longest_ms = max(longest_ms, (await city.ask_fleet())["oldest_waiting_ms"])
        samples[clock.monotonic_s() - began_s] = city.used()
    waits = (await city.ask_fleet())["waits"]
    return Watched(
        units=units,
        span_s=max(samples),
        waits=waits,
        # what is never acknowledged waits, too
        longest_ms=max(longest_ms, float(waits["max_ms"] or math.inf)),
        before=before,
        after=samples[max(samples)],
        memory={
            part: {at_s: use[part].resident_bytes for at_s, use in samples.items() if part in use}
            for part in PARTS
        },
    )


async def reconnected(city: FleetCity, units: int) -> Again:
    """Kill the broker, and return how the fleet of `units` came back."""
    clock = SystemClock()
    await city.ask_fleet("measure")
    began_s, killed_utc_us = clock.monotonic_s(), clock.utc_us()
    city.kill_broker()
    # what the hub had taken in just before may carry a stamp of just after
    since_utc_us = killed_utc_us + _IN_HAND_US

    async def all_live() -> bool:
        return await city.live_since(since_utc_us) >= units

    took_s = math.inf
    with contextlib.suppress(TimeoutError):
        await until(all_live, within_s=_AGAIN_WITHIN_S)
        took_s = clock.monotonic_s() - began_s
    fleet = await city.ask_fleet()
    return Again(units=units, took_s=took_s, most_refused=fleet["most_refused"])


def picture(figures: Sequence[Figure], note: str) -> str:
    """Return the picture of what a unit costs in a small and in a large fleet."""
    costs = [figure for figure in figures if figure.name.startswith(COST)]
    held = {figure.name.removeprefix(MEMORY): figure.value for figure in figures}
    rows = [
        Bar(f"{size}, {held[size]:.0f} kB each", figure.value, is_ours=True)
        for figure in costs
        if (size := figure.name.removeprefix(COST)) in held
    ]
    title = "What one more unit costs: processor time of hub, broker and database"
    return bars(title, "µs each second", rows, limit=None, note=note)


def figures_of(line: Sequence[Watched], again: Again, empty: Mapping[str, Use]) -> list[Figure]:
    """Return the figures of fleets from the smallest to the whole one.

    `empty`: what the parts held before the first of them came.
    """
    return [*_whole(line[-1]), *_reconnect(again), *_flat(line, empty)]


def _whole(seen: Watched) -> list[Figure]:
    """Return the figures of the whole fleet."""
    long = seen.span_s >= GROWTH_LEAST_S
    figures = [
        Figure(name="units", value=seen.units, unit="1"),
        Figure(name="measured for", value=seen.span_s, unit="s"),
        Figure(
            name="records acknowledged", value=float(seen.waits["count"]), unit="1",
            bar=LEAST_SHARE * seen.units * seen.span_s, at_least=True,
        ),
        Figure(name=f"{WAIT}, p50", value=_number(seen.waits["p50_ms"]), unit="ms"),
        Figure(name=f"{WAIT}, p99", value=_number(seen.waits["p99_ms"]), unit="ms"),
        Figure(name=f"{WAIT}, longest", value=seen.longest_ms, unit="ms", bar=WAIT_BAR_MS),
    ]  # fmt: skip
    for part in PARTS:
        first, last = seen.before[part].resident_bytes, seen.after[part].resident_bytes
        figures += [
            Figure(name=f"{part}, resident at the start", value=first / 1e6, unit="MB"),
            Figure(name=f"{part}, resident at the end", value=last / 1e6, unit="MB"),
            Figure(
                name=f"{part}, growth over the later half",
                value=seen.growth_bytes_per_s(part) * 60 / 1e6, unit="MB/min",
            ),
            Figure(name=f"{part}, of one core", value=100 * seen.cores(part), unit="%"),
        ]  # fmt: skip
    figures.append(Figure(name="the units, of one core", value=100 * seen.cores(FLEET), unit="%"))
    for part in (HUB, BROKER):
        grown = seen.growth_bytes_per_s(part) * seen.span_s / max(1, seen.waits["count"])
        bar = GROWTH_BAR_BYTES if long else None
        name = f"{part}, growth for each record, over the later half"
        figures.append(Figure(name=name, value=grown, unit="B", bar=bar))
    return figures


def _reconnect(again: Again) -> list[Figure]:
    """Return the figures of the reconnect."""
    name = f"broker killed: {again.units:,} units"
    return [
        Figure(name=f"{name} live again", value=again.took_s, unit="s", bar=AGAIN_BAR_S),
        Figure(
            name=f"{name}, tries in vain of the worst", value=again.most_refused, unit="1",
            bar=REFUSED_BAR,
        ),
    ]  # fmt: skip


def _flat(line: Sequence[Watched], empty: Mapping[str, Use]) -> list[Figure]:
    """Return what a unit costs in each fleet, and how that changes with its size."""
    figures: list[Figure] = []
    costs = [seen.cpu_us(*PARTS) for seen in line]
    held = [(seen.held_bytes - _held_bytes(empty)) / seen.units / 1e3 for seen in line]
    for seen, cost, each in zip(line, costs, held, strict=True):
        figures += [
            Figure(name=f"{COST}{seen.units:,} units", value=cost, unit="µs/s"),
            Figure(name=f"{MEMORY}{seen.units:,} units", value=each, unit="kB"),
        ]
    if len(line) > 1:
        name = f"a unit of {line[-1].units:,} against one of {line[-2].units:,}"
        figures += [
            Figure(name=f"{name}, processor", value=costs[-1] / costs[-2], unit="1", bar=FLAT_BAR),
            Figure(
                name=f"{name}, memory", value=held[-1] / held[-2], unit="1",
                bar=FLAT_BAR if line[-2].units >= HELD_LEAST_UNITS else None,
            ),
        ]  # fmt: skip
    return figures


def _held_bytes(use: Mapping[str, Use]) -> int:
    """Return what hub and broker hold: the database's buffers are as large as it is told."""
    return use[HUB].resident_bytes + use[BROKER].resident_bytes


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
