"""A GNSS receiver behind gpsd: the daemon's JSON, over TCP."""

import asyncio
import random
from typing import Final

from edge_agent.devices.driver import Record
from edge_agent.devices.gpsd import WATCH, Report, Sky, read_line
from edge_agent.devices.hearing import Hearing
from edge_agent.devices.positions import PositionRecorder
from edge_agent.devices.reasons import Reason
from edge_agent.devices.reconnect import SILENCE_BREAKS_S, Reconnect
from edge_agent.devices.wire import TcpAddress, Wire, host_and_port
from edge_agent.vehicle_clock import VehicleClock
from protocols.errors import BrokenError, RemoteProtocolError
from protocols.messages import DeviceHealth

LONGEST_BYTES: Final = 64 * 1024
SKY_LASTS_S: Final = 5.0
_DAY_US: Final = 86_400_000_000


class GnssGpsd:
    """Records one position for each TPV with a fix, at most `max_rate_hz` of them a second."""

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
            ConfigError: `source` is no `gpsd://host:port`.
        """
        self._name = name
        self._clock = clock
        self._hearing = Hearing(name=name, clock=clock, record=record)
        self._hearing.has_fix = False
        self._positions = PositionRecorder(self._hearing, max_rate_hz=max_rate_hz)
        self._sky, self._sky_s = Sky(None, None), 0.0
        self._wire = Reconnect(
            name=name,
            address=TcpAddress(*host_and_port(source)),
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
        self._hearing.has_fix = False
        self._sky = Sky(None, None)
        await wire.write(WATCH)
        rest, skipping = b"", False
        while True:
            try:
                async with asyncio.timeout(SILENCE_BREAKS_S):
                    data = await wire.read()
            except TimeoutError:
                raise BrokenError(why="silent") from None
            self._hearing.noise()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if not skipping and line.strip():
                    await self._hear(line)
                skipping = False
            if len(rest) > LONGEST_BYTES:
                if not skipping:
                    self._hearing.reject(Reason.TOO_LONG)
                rest, skipping = b"", True

    async def _hear(self, line: bytes) -> None:
        if self._clock.monotonic_s() - self._sky_s > SKY_LASTS_S:
            self._sky = Sky(None, None)
        try:
            said = read_line(line, self._sky)
        except RemoteProtocolError as err:
            self._hearing.reject(Reason(str(err.facts["reason"])))
            return
        self._hearing.heard()
        self._wire.understood()
        if isinstance(said, Sky):
            self._sky, self._sky_s = said, self._clock.monotonic_s()
        elif isinstance(said, Report):
            await self._keep(said)

    async def _keep(self, report: Report) -> None:
        for rejected in report.rejected:
            self._hearing.reject(rejected)
        self._hearing.has_fix = report.position is not None
        if report.position is None:
            return
        if report.utc_us is not None and not self._clock.heard_gnss(report.utc_us):
            self._hearing.reject(Reason.IMPOSSIBLE_TIME)
        time_us = None if report.utc_us is None else report.utc_us % _DAY_US
        await self._positions.take(report.position, self._clock.stamp(), time_us)
