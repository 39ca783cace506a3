"""After an outage: how soon something live is there again, and how soon nothing is missing.

Each round: the link carries nothing any more, as where there is no cell; the vehicle notices, ten
minutes of a full ambulance are filled in, and the link comes back at 1 Mbit/s while live traffic
goes on.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from goldenhour.bench.figures import Figure, quantile
from goldenhour.bench.link.ground import ONE_PATH, Ground, HubSide
from goldenhour.bench.link.modems import use

BACKLOG_S: Final = 600.0
RATE_BPS: Final = 1_000_000
DELAY_MS: Final = 30  # each way
ROUNDS: Final = 5
ALARM_EVERY_S: Final = 1.0

DRAIN: Final = "outage: ten minutes of backlog drained, slowest round"
FIRST: Final = "outage: first live value after the link is back, slowest round"
ALARM: Final = "outage: alarm during the drain, captured to shown, p99"
USED: Final = "outage: link used during the drain"

_AWAY_S: Final = 2.0
_DRAIN_S: Final = 180.0
_GRACE_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One return of the link."""

    drain_s: float
    first_live_s: float
    alarms_s: Sequence[float]
    used: float
    records: int


async def measure(hub: HubSide, *, scale: float) -> list[Figure]:
    """Return the figures; `scale` < 1 is a smaller backlog and fewer rounds."""
    rounds = max(2, round(ROUNDS * scale))
    async with hub.vehicle() as ground:
        await ground.vehicle.ask("play")
        ground.modems.open()
        await ground.vehicle.ask("joined")
        await ground.vehicle.ask("alarms", every_s=ALARM_EVERY_S)
        seen = [await one_round(ground, backlog_s=BACKLOG_S * scale) for _ in range(rounds)]
    return figures(seen)


async def one_round(ground: Ground, *, backlog_s: float) -> Round:
    """Cut the link, fill the journal, and let the link come back."""
    vehicle, screen = ground.vehicle, ground.screen
    (path,) = ONE_PATH
    ground.modems.cut()
    await vehicle.ask("left")
    filled = await vehicle.ask("fill", seconds=backlog_s)
    await asyncio.sleep(_AWAY_S)
    screen.clear()
    await vehicle.ask("made")
    before = ground.modems.carried(path)
    back_s = ground.modems.open(rate_bps=RATE_BPS, delay_ms=DELAY_MS)
    drained: dict[str, Any] = await vehicle.ask("drained", marks=filled["marks"], within_s=_DRAIN_S)
    after = ground.modems.carried(path)
    made = (await vehicle.ask("made"))["made"]
    due = {(stream, seq) for stream, seq, _ in made}
    await screen.until(lambda shown: due <= shown.live.keys(), within_s=_GRACE_S)
    first = screen.first_after(back_s)
    return Round(
        drain_s=drained["at_s"] - back_s,
        first_live_s=math.nan if first is None else first.shown_s - back_s,
        alarms_s=screen.ages_s(made, "alarm"),
        used=use(before, after, rate_bps=RATE_BPS),
        records=filled["records"],
    )


def figures(rounds: Sequence[Round]) -> list[Figure]:
    """Return the figures of all rounds."""
    drains = sorted(one.drain_s for one in rounds)
    firsts = sorted(one.first_live_s for one in rounds)
    alarms = [age_s for one in rounds for age_s in one.alarms_s]
    return [
        Figure(name=DRAIN, value=drains[-1], unit="s", bar=20.0),
        Figure(name=DRAIN.replace("slowest", "median"), value=median(drains), unit="s"),
        Figure(name=DRAIN.replace("slowest", "fastest"), value=drains[0], unit="s"),
        Figure(name=FIRST, value=firsts[-1], unit="s", bar=1.0),
        Figure(name=FIRST.replace("slowest", "median"), value=median(firsts), unit="s"),
        Figure(name=FIRST.replace("slowest", "fastest"), value=firsts[0], unit="s"),
        Figure(name=ALARM, value=quantile(alarms, 0.99), unit="s"),
        Figure(name=USED, value=100 * median(one.used for one in rounds), unit="%"),
        Figure(name="outage: rounds", value=len(rounds), unit="1"),
        Figure(name="outage: records of each backlog", value=rounds[0].records, unit="1"),
    ]
