"""A doctor's screen, as far as its connection: when each record of the vehicle is shown."""

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect

from goldenhour.bench.latency import signed_in
from protocols.clock import Clock

_LOOK_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Shown:
    """One record: when it was captured, and when it was shown, by the clock of this machine."""

    stream: str
    seq: int
    captured_utc_us: int
    shown_utc_us: int
    shown_s: float  # monotonic

    @property
    def age_s(self) -> float:
        """How old it was when it was shown."""
        return (self.shown_utc_us - self.captured_utc_us) / 1e6


@dataclass(slots=True)
class Screen:
    """What was shown as live since `clear`; each record of a stream once."""

    live: dict[tuple[str, int], Shown] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget what was shown."""
        self.live.clear()

    def first_after(self, at_s: float) -> Shown | None:
        """Return what was shown first after `at_s` (monotonic)."""
        later = (one for one in self.live.values() if one.shown_s >= at_s)
        return min(later, key=lambda one: one.shown_s, default=None)

    def ages_s(self, made: Iterable[tuple[str, int, int]], stream: str) -> list[float]:
        """Return how old each of `made` of `stream` was when it was shown; infinity if never."""
        found = []
        for name, seq, _ in made:
            if name == stream:
                shown = self.live.get((name, seq))
                found.append(math.inf if shown is None else shown.age_s)
        return found

    async def until(self, holds: Callable[["Screen"], bool], *, within_s: float) -> bool:
        """Wait until `holds`, at most so long; say whether it does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not holds(self):  # noqa: ASYNC110 -- filled by another task
                    await asyncio.sleep(_LOOK_S)
        return holds(self)


@contextlib.asynccontextmanager
async def screen_of(card: dict[str, Any], unit: str, clock: Clock) -> AsyncIterator[Screen]:
    """Yield what a doctor who follows `unit` is shown.

    `card`: the hub's address and a doctor's account, as a demo's table has them.
    """
    hub_url = str(card["hub_url"])
    cookie = await signed_in(card)
    headers = {"Cookie": f"gh_session={cookie}", "Origin": hub_url}
    address = f"ws{hub_url.removeprefix('http')}/api/v1/live"
    async with connect(address, additional_headers=headers, max_size=None) as socket:
        await socket.send(json.dumps({"t": "watch", "units": [unit], "waveforms": False}))
        screen = Screen()
        following = asyncio.create_task(_follow(socket, screen, clock))
        try:
            yield screen
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def _follow(socket: ClientConnection, screen: Screen, clock: Clock) -> None:
    async for message in socket:
        at_utc_us, at_s = clock.utc_us(), clock.monotonic_s()
        said = json.loads(message) if isinstance(message, str) else {}
        if said.get("t") == "record" and said["lane"] == "live":
            one = Shown(said["stream"], said["seq"], said["captured_utc_us"], at_utc_us, at_s)
            screen.live.setdefault((one.stream, one.seq), one)
