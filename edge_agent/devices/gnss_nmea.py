"""A GNSS receiver that speaks NMEA 0183, on TCP, UDP or a serial line."""

import asyncio
import random
from typing import Final

from edge_agent.devices.driver import Record
from edge_agent.devices.epoch import Epoch, EpochMerger
from edge_agent.devices.hearing import Hearing
from edge_agent.devices.nmea import SentenceSplitter, read_sentence
from edge_agent.devices.positions import PositionRecorder
from edge_agent.devices.reasons import Reason
from edge_agent.devices.reconnect import SILENCE_BREAKS_S, Reconnect
from edge_agent.devices.wire import Wire, open_wire
from edge_agent.vehicle_clock import VehicleClock
from protocols.errors import BrokenError, RemoteProtocolError
from protocols.messages import DeviceHealth

EPOCH_WAIT_S: Final = 0.2
"""How long an epoch's remaining sentences are waited for."""


class GnssNmea:
    """Records one position an epoch, at most `max_rate_hz` of them a second.

    Captured time is when the epoch's first sentence arrived, by the vehicle's clock.
    """

    def __init__(  # noqa: PLR0913 -- one device, all of it said by name
        self,
        *,
        name: str = "gnss",
        source: str,
        record: Record,
        clock: VehicleClock,
        rng: random.Random,
        max_rate_hz: float = 1.0,
    ) -> None:
        """Prepare; nothing is opened yet.

        Raises:
            ConfigError: `source` names no wire.
        """
        self._name = name
        self._clock = clock
        self._hearing = Hearing(name=name, clock=clock, record=record)
        self._hearing.has_fix = False
        self._positions = PositionRecorder(self._hearing, max_rate_hz=max_rate_hz)
        self._merger = EpochMerger()
        self._wire = Reconnect(
            name=name,
            address=open_wire(source),
            hearing=self._hearing,
            clock=clock,
            rng=rng,
            listen=self._listen,
        )

    def health(self) -> DeviceHealth:
        """Return what was heard and what could not be used, since the start."""
        return self._hearing.health()

    async def run(self) -> None:
        """Listen until cancelled; connects again for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hearing.watch(), name=f"{self._name}-watch")
            group.create_task(self._wire.run(), name=f"{self._name}-wire")

    async def _listen(self, wire: Wire) -> None:
        splitter = SentenceSplitter()
        self._merger.forget()
        self._hearing.has_fix = False
        due_s = 0.0
        while True:
            wait_s = SILENCE_BREAKS_S if wire.silence_breaks else None
            if self._merger.is_waiting:
                wait_s = max(0.0, due_s - self._clock.monotonic_s())
            try:
                async with asyncio.timeout(wait_s):
                    data = await wire.read()
            except TimeoutError:
                if not self._merger.is_waiting:
                    raise BrokenError(why="silent") from None
                await self._keep(self._merger.flush())
                continue
            self._hearing.noise()
            self._hearing.reject(Reason.OVERRUN, wire.overrun())
            for item in splitter.feed(data):
                was_waiting = self._merger.is_waiting
                if isinstance(item, Reason):
                    self._hearing.reject(item)
                else:
                    await self._hear(item)
                if self._merger.is_waiting and not was_waiting:
                    due_s = self._clock.monotonic_s() + EPOCH_WAIT_S

    async def _hear(self, line: bytes) -> None:
        try:
            sentence = read_sentence(line)
        except RemoteProtocolError as err:
            reason = Reason(str(err.facts["reason"]))
            if reason is Reason.UNKNOWN_SENTENCE:
                self._hearing.heard()
            self._hearing.reject(reason)
            return
        self._hearing.heard()
        self._wire.understood()
        if sentence is None:
            return
        for rejected in sentence.rejected:
            self._hearing.reject(rejected)
        # a receiver without a fix tells the time of its own clock; so does ZDA, which says no more
        is_fixed = sentence.has_fix or (sentence.kind == "ZDA" and self._hearing.has_fix)
        if sentence.utc_us is not None and is_fixed and not self._clock.heard_gnss(sentence.utc_us):
            self._hearing.reject(Reason.IMPOSSIBLE_TIME)
        if sentence.kind == "ZDA":
            return
        await self._keep(self._merger.take(sentence, self._clock.stamp()))

    async def _keep(self, epochs: list[Epoch]) -> None:
        for epoch in epochs:
            self._hearing.has_fix = epoch.position is not None
            if epoch.position is not None:
                await self._positions.take(epoch.position, epoch.stamp, epoch.time_us)
