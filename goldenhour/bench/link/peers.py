"""The peers on the thin link and after the outage: same modem, same traffic, same ruler.

A record that is still on its way when the time is over has at least the age that it has by then: of
what comes first in, first out behind hours of backlog, that is all that a short run can say.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from goldenhour.bench.figures import Figure, quantile
from goldenhour.bench.link import outage, thin
from goldenhour.bench.link.modems import use
from goldenhour.bench.link.peer import Given, PeerGround
from goldenhour.bench.link.traffic import Ambulance
from protocols.clock import Clock

RunPeer = Callable[[Path, Ambulance, Clock], contextlib.AbstractAsyncContextManager[PeerGround]]

_DRAIN_S: Final = 120.0
_LOST_S: Final = 30.0
"""What has not come so long after everything else is lost."""

_SETTLE_S: Final = 5.0
_THIN_FOR_S: Final = 40.0
_AWAY_S: Final = 25.0
_NEW_US: Final = 5_000_000
"""A reading no older when the link comes back is live: the same for us (see `schedule.LIVE_S`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one peer came to; seconds, and the link's use, 0 to 1."""

    name: str
    drain_s: float  # infinity: not within the time
    first_live_s: float
    alarms_s: Sequence[float]
    lost: int
    twice: int
    used: float


async def after_outage(ground: PeerGround, *, backlog_s: float) -> Seen:
    """Cut a link that carries live traffic, let it come back to a backlog, and count what arrives.

    The peer has time to notice that the link is dead before the backlog is there, as in an outage
    that lasts.
    """
    feeder, heard, clock = ground.feeder, ground.heard, ground.clock
    live: list[Given] = []
    alarms: list[Given] = []
    ground.modems.open()
    async with _playing(ground, live, alarms):
        await asyncio.sleep(_SETTLE_S)
        ground.modems.cut()
        await asyncio.sleep(_AWAY_S)
        backlog = await feeder.fill(backlog_s)
        before = ground.modems.carried("main")
        ground.modems.open(rate_bps=outage.RATE_BPS, delay_ms=outage.DELAY_MS)
        back_utc_us = clock.utc_us()
        left = await heard.until_all((one.name for one in backlog), within_s=_DRAIN_S)
        drained_utc_us = clock.utc_us()
        after = ground.modems.carried("main")
    lost = await heard.until_all((one.name for one in [*live, *alarms]), within_s=_LOST_S)
    new = [one for one in live if one.captured_utc_us > back_utc_us - _NEW_US]
    firsts = [heard.at_utc_us[one.name] for one in new if one.name in heard.at_utc_us]
    return Seen(
        name=ground.name,
        drain_s=math.inf if left else (drained_utc_us - back_utc_us) / 1e6,
        first_live_s=(min(firsts) - back_utc_us) / 1e6 if firsts else math.inf,
        alarms_s=ages_s(ground, [one for one in alarms if one.captured_utc_us > back_utc_us]),
        lost=left + lost,
        twice=heard.twice,
        used=use(before, after, rate_bps=outage.RATE_BPS),
    )


async def on_thin_link(ground: PeerGround, *, backlog_s: float, for_s: float) -> Seen:
    """Watch a part of the drain over a thin link."""
    await ground.feeder.fill(backlog_s)
    live: list[Given] = []
    alarms: list[Given] = []
    async with _playing(ground, live, alarms):
        ground.modems.open(rate_bps=thin.RATE_BPS, delay_ms=thin.DELAY_MS)
        await asyncio.sleep(2 * _SETTLE_S)
        alarms.clear()
        before = ground.modems.carried("main")
        await asyncio.sleep(for_s)
        after = ground.modems.carried("main")
    return Seen(
        name=ground.name, drain_s=math.inf, first_live_s=math.inf, lost=0,
        alarms_s=ages_s(ground, alarms), twice=ground.heard.twice,
        used=use(before, after, rate_bps=thin.RATE_BPS),
    )  # fmt: skip


def ages_s(ground: PeerGround, given: Sequence[Given]) -> list[float]:
    """Return how old each was when it arrived; of what has not arrived, how old it is now."""
    now_us = ground.clock.utc_us()
    arrived = ground.heard.at_utc_us
    return [(arrived.get(one.name, now_us) - one.captured_utc_us) / 1e6 for one in given]


async def measure_outage(
    run: RunPeer, folder: Path, ambulance: Ambulance, clock: Clock, *, scale: float
) -> list[Figure]:
    """Return the figures of one peer after an outage."""
    async with run(folder, ambulance, clock) as ground:
        seen = await after_outage(ground, backlog_s=outage.BACKLOG_S * scale)
    return [
        _within(f"outage: {seen.name}, backlog drained", seen.drain_s),
        _within(f"outage: {seen.name}, first live value", seen.first_live_s),
        Figure(
            name=f"outage: {seen.name}, alarm during the drain, p99",
            value=quantile(seen.alarms_s, 0.99), unit="s",
        ),
        Figure(name=f"outage: {seen.name}, link used", value=100 * seen.used, unit="%"),
        Figure(name=f"outage: {seen.name}, records lost", value=seen.lost, unit="1"),
        Figure(name=f"outage: {seen.name}, records twice", value=seen.twice, unit="1"),
    ]  # fmt: skip


def _within(name: str, value_s: float) -> Figure:
    """Return the figure; what did not happen while one waited took at least so long."""
    if math.isfinite(value_s):
        return Figure(name=name, value=value_s, unit="s")
    return Figure(name=f"{name}, at least", value=_DRAIN_S, unit="s")


async def measure_thin(
    run: RunPeer, folder: Path, ambulance: Ambulance, clock: Clock, *, scale: float
) -> list[Figure]:
    """Return the figures of one peer on the thin link."""
    async with run(folder, ambulance, clock) as ground:
        seen = await on_thin_link(
            ground, backlog_s=thin.BACKLOG_S * scale, for_s=_THIN_FOR_S * scale
        )
    return [
        Figure(
            name=f"thin: {seen.name}, alarm p99 after {_THIN_FOR_S * scale:g} s, at least",
            value=quantile(seen.alarms_s, 0.99), unit="s",
        ),
        Figure(name=f"thin: {seen.name}, link used", value=100 * seen.used, unit="%"),
    ]  # fmt: skip


@contextlib.asynccontextmanager
async def _playing(
    ground: PeerGround, live: list[Given], alarms: list[Given]
) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        playing = [
            group.create_task(ground.feeder.play(live)),
            group.create_task(ground.feeder.alarms(alarms, every_s=thin.ALARM_EVERY_S)),
        ]
        yield
        for task in playing:
            task.cancel()
