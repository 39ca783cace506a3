"""Two paths, each dead at random for a sixth of the time: what an alarm notices of it.

Both die silently, for stretches of minutes, as their seeds draw it; sometimes both at once, and
what is accepted then waits for the first that returns. It is not counted: no path lives.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from goldenhour.bench.figures import Figure, quantile
from goldenhour.bench.link.ground import TWO_PATHS, Ground, HubSide

FOR_S: Final = 1_440.0
DEAD_SHARE: Final = 0.16
STRETCH_S: Final = (60.0, 120.0)
SHAPES: Final = ({"rate_bps": 2_000_000, "delay_ms": 30}, {"rate_bps": 512_000, "delay_ms": 60})
ALARM_EVERY_S: Final = 2.0

ALARM: Final = "paths: alarm where a path lives, captured to shown, p99"
LEFT: Final = "paths: records that never came"

_SEED: Final = 5
_SOON_S: Final = 2.0
"""A path that lives counts for what is captured if it does not die within the bar."""

_GRACE_S: Final = 10.0
_BULK_S: Final = 120.0

Stretch = tuple[float, float]
"""Dead from … to, seconds after the begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What two paths came to."""

    alarms_s: Sequence[float]  # where a path lived; infinity: never shown
    both_dead: int  # alarms captured while no path lived
    left_records: int
    complete_s: float  # from the last path's return until nothing waited
    dead_share: Sequence[float]


async def measure(hub: HubSide, *, scale: float) -> list[Figure]:
    """Return the figures; `scale` < 1 is a shorter time with shorter stretches."""
    for_s = FOR_S * scale
    dead = {
        name: stretches(random.Random(_SEED + number), for_s=for_s, scale=min(1.0, 2 * scale))  # noqa: S311 -- to be repeated
        for number, name in enumerate(TWO_PATHS)
    }
    async with hub.vehicle(paths=TWO_PATHS) as ground:
        seen = await watched(ground, dead, for_s=for_s)
    return [
        Figure(name=ALARM, value=quantile(seen.alarms_s, 0.99), unit="s", bar=2.0),
        Figure(name=ALARM.replace("p99", "p50"), value=quantile(seen.alarms_s, 0.5), unit="s"),
        Figure(name=ALARM.replace("p99", "max"), value=quantile(seen.alarms_s, 1.0), unit="s"),
        Figure(name=ALARM.replace("p99", "count"), value=len(seen.alarms_s), unit="1"),
        Figure(name="paths: alarms while none lived", value=seen.both_dead, unit="1"),
        Figure(name=LEFT, value=seen.left_records, unit="1", bar=0.0),
        Figure(name="paths: until nothing waited", value=seen.complete_s, unit="s"),
        *(
            Figure(name=f"paths: {name} dead", value=100 * share, unit="%")
            for name, share in zip(TWO_PATHS, seen.dead_share, strict=True)
        ),
    ]


def stretches(rng: random.Random, *, for_s: float, scale: float) -> list[Stretch]:
    """Return when a path is dead: `DEAD_SHARE` of `for_s` together, at moments that `rng` draws."""
    left_s = DEAD_SHARE * for_s
    lengths: list[float] = []
    while left_s > 0:
        low_s, high_s = (scale * bound_s for bound_s in STRETCH_S)
        length_s = rng.uniform(low_s, high_s)
        if left_s - length_s < low_s / 2:  # what would be left is no stretch
            length_s = left_s
        lengths.append(length_s)
        left_s -= length_s
    alive_s = for_s * (1 - DEAD_SHARE)
    cuts = sorted(rng.uniform(0, alive_s) for _ in lengths)
    found: list[Stretch] = []
    passed_s = 0.0
    for cut_s, length_s in zip(cuts, lengths, strict=True):
        found.append((cut_s + passed_s, cut_s + passed_s + length_s))
        passed_s += length_s
    return found


def lives(dead: dict[str, list[Stretch]], at_s: float) -> bool:
    """Whether some path carries from then until what is captured should have been shown."""
    return any(
        not any(begin_s < at_s + _SOON_S and at_s < end_s for begin_s, end_s in stretches_of)
        for stretches_of in dead.values()
    )


async def watched(ground: Ground, dead: dict[str, list[Stretch]], *, for_s: float) -> Seen:
    """Let the paths die and live, and return what was seen."""
    vehicle, screen, clock = ground.vehicle, ground.screen, ground.clock
    for name, shape in zip(TWO_PATHS, SHAPES, strict=True):
        ground.modems.open(name, **shape)
    await vehicle.ask("joined")
    await vehicle.ask("play")
    await vehicle.ask("alarms", every_s=ALARM_EVERY_S)
    began_s, began_utc_us = clock.monotonic_s(), clock.utc_us()
    async with asyncio.TaskGroup() as group:
        for (name, stretches_of), shape in zip(dead.items(), SHAPES, strict=True):
            group.create_task(_die(ground, name, stretches_of, shape))
        group.create_task(asyncio.sleep(for_s))
    await vehicle.ask("alarms", every_s=0)
    for name, shape in zip(TWO_PATHS, SHAPES, strict=True):
        ground.modems.open(name, **shape)
    back_s = clock.monotonic_s()
    made = (await vehicle.ask("made"))["made"]
    marks = (await vehicle.ask("fill", seconds=0))["marks"]
    left_records = 0
    try:
        await vehicle.ask("drained", marks=marks, within_s=_BULK_S)
    except TimeoutError:
        left_records = (await vehicle.ask("status"))["waiting_records"]
    complete_s = clock.monotonic_s() - back_s
    counted = [one for one in made if lives(dead, (one[2] - began_utc_us) / 1e6)]
    alarms = [one for one in counted if one[0] == "alarm"]
    await screen.until(
        lambda shown: all((stream, seq) in shown.live for stream, seq, _ in alarms),
        within_s=_GRACE_S,
    )
    return Seen(
        alarms_s=screen.ages_s(alarms, "alarm"),
        both_dead=sum(one[0] == "alarm" for one in made) - len(alarms),
        left_records=left_records,
        complete_s=complete_s,
        dead_share=[
            sum(end_s - begin_s for begin_s, end_s in stretches_of)
            / (clock.monotonic_s() - began_s)
            for stretches_of in dead.values()
        ],
    )


async def _die(
    ground: Ground, name: str, stretches_of: Sequence[Stretch], shape: dict[str, int]
) -> None:
    began_s = ground.clock.monotonic_s()
    for begin_s, end_s in stretches_of:
        await asyncio.sleep(max(0.0, begin_s - (ground.clock.monotonic_s() - began_s)))
        ground.modems.cut(name)
        await asyncio.sleep(max(0.0, end_s - (ground.clock.monotonic_s() - began_s)))
        ground.modems.open(name, **shape)
