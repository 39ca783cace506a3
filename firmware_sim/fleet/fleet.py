"""Thousands of light units in one process: one loop that ticks, one connection each."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Final

from firmware_sim.fleet.credentials import Credential
from firmware_sim.fleet.light_unit import LightUnit
from firmware_sim.fleet.session import Broker, FleetCounters, Session
from protocols.clock import Clock

log = logging.getLogger(__name__)

_SLICES: Final = 50
"""A second is cut into so many slices, each unit speaks in its own."""


class Fleet:
    """All light units of one file."""

    def __init__(
        self, *, credentials: Sequence[Credential], broker: Broker, clock: Clock, seed: int
    ) -> None:
        self.counters = FleetCounters()
        self._clock = clock
        self._units = [LightUnit(credential, seed=seed) for credential in credentials]
        self._sessions = {
            unit.unit: Session(unit, broker=broker, clock=clock, counters=self.counters, seed=seed)
            for unit in self._units
        }
        self._slices: list[list[LightUnit]] = [[] for _ in range(_SLICES)]
        for unit in self._units:
            self._slices[int(unit.phase * _SLICES)].append(unit)

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
        async with asyncio.TaskGroup() as group:
            for unit in self._units:
                group.create_task(self._sessions[unit.unit].run(connected(unit)), name=unit.unit)
            group.create_task(self._drive(), name="fleet-drive")

    def status(self) -> dict[str, object]:
        """Return what the control socket reports of the fleet."""
        return {
            "units": len(self._units),
            "waiting_records": sum(unit.waiting for unit in self._units),
            **asdict(self.counters),
        }

    async def _drive(self) -> None:
        due_s = self._clock.monotonic_s()
        number = 0
        while True:
            for unit in self._slices[number]:
                unit.second(now_utc_us=self._clock.utc_us(), now_s=self._clock.monotonic_s())
                self._sessions[unit.unit].send()
            number = (number + 1) % _SLICES
            due_s += 1 / _SLICES
            left_s = due_s - self._clock.monotonic_s()
            await self._clock.sleep(max(0.0, left_s))
            if left_s < -1.0:
                log.warning("fleet.behind", extra={"behind_s": round(-left_s, 2)})
                due_s = self._clock.monotonic_s()
