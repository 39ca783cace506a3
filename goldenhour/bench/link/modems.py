"""The modems before the hub: the simulator's own, all cut at first, and what they carried."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from firmware_sim.modem import LinkChange, Modem, ModemSetup, PortPair
from firmware_sim.modem.shape import TCP_HEADER_BYTES
from protocols.clock import Clock

Door = tuple[str, int]
"""Host and port."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What one modem had carried up at one moment (monotonic)."""

    at_s: float
    payload_bytes: int
    wire_bytes: int  # with the headers of TCP and IP


class Modems:
    """One modem a path."""

    def __init__(self, by_name: Mapping[str, Modem], clock: Clock) -> None:
        self._by_name = by_name
        self._clock = clock

    def cut(self, name: str | None = None) -> None:
        """Have nothing pass any more, on one path or on all."""
        self._change(name, LinkChange(cut_s=0))

    def open(self, name: str | None = None, **shape: Any) -> float:
        """Let everything pass again, on a link of that `shape`; return when, monotonic."""
        self._change(name, LinkChange(restore=True, **shape))
        return self._clock.monotonic_s()

    def carried(self, name: str) -> Carried:
        """Return what a path has carried up."""
        up: Any = self._by_name[name].status()["up"]
        wire_bytes = up["bytes"] + up["packets"] * TCP_HEADER_BYTES
        return Carried(self._clock.monotonic_s(), up["bytes"], wire_bytes)

    def _change(self, name: str | None, change: LinkChange) -> None:
        for one, modem in self._by_name.items():
            if name in {None, one}:
                modem.change(change)


def use(before: Carried, after: Carried, *, rate_bps: float) -> float:
    """Return how much of a link of `rate_bps` was used between, 0 to 1."""
    span_s = after.at_s - before.at_s
    return (after.wire_bytes - before.wire_bytes) * 8 / rate_bps / span_s


_SEED: Final = 11


@contextlib.asynccontextmanager
async def modems(doors: Mapping[str, Door], *, hub: Door, clock: Clock) -> AsyncIterator[Modems]:
    """Run a modem at each of `doors`, by the paths' names; port 0 is any free one."""
    made = {
        name: Modem(
            setup=ModemSetup(
                listen_host=host, hub_host=hub[0], seed=_SEED + number,
                tcp=(PortPair(port, hub[1]),),
            ),
            clock=clock,
        )
        for number, (name, (host, port)) in enumerate(doors.items())
    }  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        running = []
        for modem in made.values():
            await modem.start()
            stack.push_async_callback(modem.close)
            running.append(asyncio.create_task(modem.run()))
        ways = Modems(made, clock)
        ways.cut()
        try:
            yield ways
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
