"""A 12-lead document of ten seconds over a lossy link: how long until the hub says it has it.

The ambulance's live traffic goes on beside it; between two documents the link comes to rest.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from goldenhour.bench.figures import Figure, quantile
from goldenhour.bench.link.ground import Ground, HubSide
from goldenhour.bench.link.traffic import DOCUMENT_S

LOSS_PCT: Final = 5.0
DELAY_MS: Final = 30  # each way
COUNT: Final = 40
BARS_S: Final = {2_000_000: 1.0, 128_000: 3.0}
"""By the link's rate, bit/s."""

_REST_S: Final = 1.0
_SETTLE_S: Final = 5.0


def name_of(rate_bps: int) -> str:
    """Return the figure's name."""
    kbps = rate_bps // 1000
    return f"document: 12 leads, {DOCUMENT_S} s, {LOSS_PCT:g} % loss, {kbps} kbit/s, p95"


async def measure(hub: HubSide, *, scale: float) -> list[Figure]:
    """Return the figures; `scale` < 1 is fewer documents."""
    found: list[Figure] = []
    size = 0
    async with hub.vehicle() as ground:
        await ground.vehicle.ask("play")
        for rate_bps, bar_s in BARS_S.items():
            took_s, size = await documents(ground, rate_bps, count=max(3, round(COUNT * scale)))
            name = name_of(rate_bps)
            found += [
                Figure(name=name, value=quantile(took_s, 0.95), unit="s", bar=bar_s),
                Figure(name=name.replace("p95", "p50"), value=quantile(took_s, 0.5), unit="s"),
                Figure(name=name.replace("p95", "max"), value=max(took_s), unit="s"),
                Figure(name=name.replace("p95", "count"), value=len(took_s), unit="1"),
            ]
        found.append(Figure(name="document: length", value=size / 1000, unit="kB"))
    return found


async def documents(ground: Ground, rate_bps: int, *, count: int) -> tuple[Sequence[float], int]:
    """Send `count` documents, one after another; return how long each took, and how long one is."""
    ground.modems.open(rate_bps=rate_bps, delay_ms=DELAY_MS, loss_pct=LOSS_PCT)
    await ground.vehicle.ask("joined")
    await asyncio.sleep(_SETTLE_S)
    took_s, size = [], 0
    for _ in range(count):
        said = await ground.vehicle.ask("document")
        took_s.append(float(said["took_s"]))
        size = int(said["bytes"])
        await asyncio.sleep(_REST_S)
    return took_s, size
