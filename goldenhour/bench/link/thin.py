"""A two-hour backlog over a thin, slow link: what it does to an alarm, and how full the link is.

The backlog stands whole in the journal before the link is there. Only a part of its drain is
waited for; that some of it is still left at the end is a figure of its own.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from goldenhour.bench.figures import Figure, quantile
from goldenhour.bench.link.ground import ONE_PATH, Ground, HubSide
from goldenhour.bench.link.modems import use

BACKLOG_S: Final = 7_200.0
RATE_BPS: Final = 64_000
DELAY_MS: Final = 150  # each way
ALARM_EVERY_S: Final = 1.0
FOR_S: Final = 120.0

ALARM: Final = "thin: alarm, captured to shown, p99"
VITALS: Final = "thin: vital signs, captured to shown, p99"
USED: Final = "thin: link used"
BACKLOG: Final = "thin: backlog at the start"
LEFT: Final = "thin: backlog left at the end"

_SETTLE_S: Final = 5.0
_GRACE_S: Final = 10.0
_LEAST_SHARE: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Thin:
    """What was seen: ages in s when shown (infinity: never), and the link's use, 0 to 1."""

    backlog_records: int
    left_records: int
    alarms_s: Sequence[float]
    vitals_s: Sequence[float]
    used: float
    for_s: float


async def measure(hub: HubSide, *, scale: float) -> list[Figure]:
    """Return the figures; `scale` < 1 is a smaller backlog, watched for a shorter time."""
    async with hub.vehicle() as ground:
        return figures(await watched(ground, backlog_s=BACKLOG_S * scale, for_s=FOR_S * scale))


async def watched(ground: Ground, *, backlog_s: float, for_s: float) -> Thin:
    """Fill the journal, open the link, and watch it for so long."""
    vehicle, screen = ground.vehicle, ground.screen
    filled = await vehicle.ask("fill", seconds=backlog_s)
    await vehicle.ask("play")
    await asyncio.sleep(_SETTLE_S)
    ground.modems.open(rate_bps=RATE_BPS, delay_ms=DELAY_MS)
    await vehicle.ask("joined")
    await asyncio.sleep(_SETTLE_S)
    (path,) = ONE_PATH
    await vehicle.ask("made")
    await vehicle.ask("alarms", every_s=ALARM_EVERY_S)
    before = ground.modems.carried(path)
    await asyncio.sleep(for_s)
    after = ground.modems.carried(path)
    await vehicle.ask("alarms", every_s=0)
    made = (await vehicle.ask("made"))["made"]
    due = {(stream, seq) for stream, seq, _ in made}
    await screen.until(lambda shown: due <= shown.live.keys(), within_s=_GRACE_S)
    status = await vehicle.ask("status")
    return Thin(
        backlog_records=filled["records"],
        left_records=status["backlog_records"],
        alarms_s=screen.ages_s(made, "alarm"),
        vitals_s=screen.ages_s(made, "vitals"),
        used=use(before, after, rate_bps=RATE_BPS),
        for_s=for_s,
    )


def figures(seen: Thin) -> list[Figure]:
    """Return the figures; with too few alarms or readings nothing holds."""
    least = _LEAST_SHARE * seen.for_s / ALARM_EVERY_S  # vital signs come every second, too
    return [
        *_spread(ALARM, seen.alarms_s, bar_s=1.0, least=least),
        *_spread(VITALS, seen.vitals_s, bar_s=3.0, least=least),
        Figure(name=USED, value=100 * seen.used, unit="%", bar=90.0, at_least=True),
        Figure(name=BACKLOG, value=seen.backlog_records, unit="records"),
        Figure(name=LEFT, value=seen.left_records, unit="records", bar=1.0, at_least=True),
    ]


def _spread(name: str, ages_s: Sequence[float], *, bar_s: float, least: float) -> list[Figure]:
    p99 = quantile(ages_s, 0.99) if len(ages_s) >= least else math.nan
    return [
        Figure(name=name, value=p99, unit="s", bar=bar_s),
        Figure(name=name.replace("p99", "p50"), value=quantile(ages_s, 0.5), unit="s"),
        Figure(name=name.replace("p99", "max"), value=quantile(ages_s, 1.0), unit="s"),
        Figure(name=name.replace("p99", "count"), value=len(ages_s), unit="1"),
    ]
