"""Thousands of light units in one process: one loop that ticks, one connection each."""

import asyncio
import gc
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from random import Random
from typing import Final

from firmware_sim.fleet.credentials import Credential
from firmware_sim.fleet.light_unit import LightUnit
from firmware_sim.fleet.session import Broker, FleetCounters, Session
from firmware_sim.fleet.spread import Spread
from protocols.clock import Clock
from protocols.link.packing import Packer
from protocols.link.wire import Loader

log = logging.getLogger(__name__)

_SLICES: Final = 50
"""A second is cut into so many slices, each unit speaks in its own."""

_COLLECT_AFTER: Final = 50_000  # objects made and not gone again

COME_PER_S: Final = 200.0
"""So many units switch on in a second: a fleet comes on duty, it is no stampede. A broker takes two
milliseconds of a core for each, half of them for its password."""

COME_AT_ONCE: Final = 50
"""So many are on their way to the broker at a time, the first time: one that has other things to do
is not asked by ever more who have lost patience. Who loses a connection comes back by itself."""


class Fleet:
    """All light units of one file."""

    def __init__(
        self, *, credentials: Sequence[Credential], broker: Broker, clock: Clock, seed: int
    ) -> None:
        self.counters = FleetCounters()
        self.waits = Spread()  # from when a record was captured until its ack was here
        self._clock = clock
        self._rng = Random(seed)
        packer, loader = Packer(), Loader()
        coming = asyncio.Semaphore(COME_AT_ONCE)
        self._units = [
            LightUnit(each, seed=seed, packer=packer, loader=loader) for each in credentials
        ]
        self._sessions = [
            Session(
                unit,
                broker=broker,
                clock=clock,
                counters=self.counters,
                waits=self.waits,
                rng=self._rng,
                coming=coming,
            )
            for unit in self._units
        ]
        self._slices: list[list[Session]] = [[] for _ in range(_SLICES)]
        for session in self._sessions:
            self._slices[int(session.unit.phase * _SLICES)].append(session)

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Drive and speak until cancelled; `on_ready` once every unit has been connected."""
        not_yet = {unit.unit for unit in self._units}

        def connected(unit: LightUnit) -> Callable[[], None]:
            def note() -> None:
                if unit.unit in not_yet:
                    not_yet.discard(unit.unit)
                    if not not_yet:
                        on_ready()

            return note

        now_utc_us, now_s = self._clock.utc_us(), self._clock.monotonic_s()
        for unit in self._units:
            unit.begin(now_utc_us=now_utc_us, now_s=now_s)
        _spare_the_collector()
        last_s = max(0.5, len(self._units) / COME_PER_S)
        async with asyncio.TaskGroup() as group:
            for session in self._sessions:
                group.create_task(
                    session.run(connected(session.unit), after_s=self._rng.uniform(0.0, last_s)),
                    name=session.unit.unit,
                )
            group.create_task(self._drive(), name="fleet-drive")

    def measure(self) -> None:
        """Count waits and refusals anew from now on."""
        self.waits.clear()
        for session in self._sessions:
            session.refused = 0

    def status(self) -> dict[str, object]:
        """Return what the control socket reports of the fleet."""
        oldest = [at for unit in self._units if (at := unit.oldest_utc_us) is not None]
        now_utc_us = self._clock.utc_us()
        return {
            "units": len(self._units),
            "waiting_records": sum(unit.waiting for unit in self._units),
            "oldest_waiting_ms": (now_utc_us - min(oldest, default=now_utc_us)) // 1_000,
            "waits": self.waits.facts(),
            "most_refused": max((session.refused for session in self._sessions), default=0),
            **asdict(self.counters),
        }

    async def _drive(self) -> None:
        due_s = self._clock.monotonic_s()
        number = 0
        while True:
            for session in self._slices[number]:
                now_s = self._clock.monotonic_s()
                session.unit.second(now_utc_us=self._clock.utc_us(), now_s=now_s)
                session.tick(now_s=now_s)
            number = (number + 1) % _SLICES
            due_s += 1 / _SLICES
            left_s = due_s - self._clock.monotonic_s()
            await self._clock.sleep(max(0.0, left_s))
            if left_s < -1.0:
                log.warning("fleet.behind", extra={"behind_s": round(-left_s, 2)})
                due_s = self._clock.monotonic_s()


def _spare_the_collector() -> None:
    """Have the units that stand now looked at no more: to walk them all takes a second."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)
