"""The vehicle's modem: a box with an address of its own between the vehicle and the hub."""

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from firmware_sim.modem.pipe import Link, Pipe
from firmware_sim.modem.scenario import Scenario
from firmware_sim.modem.shape import LinkChange, LinkShape
from firmware_sim.modem.tcp import TcpRelay
from firmware_sim.modem.udp import UdpRelay
from protocols.clock import Clock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PortPair:
    """The modem's port (0: any free one) and the hub's."""

    listen: int
    hub: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModemSetup:
    """`listen_host` is the modem's own address; what comes to it goes to `hub_host`."""

    listen_host: str
    hub_host: str
    seed: int
    tcp: Sequence[PortPair] = ()
    udp: Sequence[PortPair] = ()
    scenario: Scenario | None = None


class Modem:
    """Relays TCP and UDP both ways, under one link that can be made bad."""

    def __init__(self, *, setup: ModemSetup, clock: Clock) -> None:
        self._setup = setup
        self._clock = clock
        self._shape = LinkShape()
        self._cut_until_s: float | None = None  # infinity: until restored
        self._is_reset = False
        self._changed = asyncio.Event()
        self._link = Link(
            up=Pipe(clock=clock, rng=random.Random(setup.seed * 2 + 1)),
            down=Pipe(clock=clock, rng=random.Random(setup.seed * 2 + 2)),
        )
        host, hub, link = setup.listen_host, setup.hub_host, self._link
        self._tcp = [
            TcpRelay(host=host, port=pair.listen, hub=(hub, pair.hub), link=link)
            for pair in setup.tcp
        ]
        self._udp = [
            UdpRelay(host=host, port=pair.listen, hub=(hub, pair.hub), link=link, clock=clock)
            for pair in setup.udp
        ]

    @property
    def tcp_ports(self) -> list[int]:
        """The TCP ports it listens on, in the order of the setup."""
        return [relay.port for relay in self._tcp]

    @property
    def udp_ports(self) -> list[int]:
        """The UDP ports it listens on, in the order of the setup."""
        return [relay.port for relay in self._udp]

    @property
    def is_cut(self) -> bool:
        """Nothing passes at present."""
        return self._cut_until_s is not None

    async def start(self) -> None:
        """Open every port.

        Raises:
            ConfigError: one cannot be had; those opened before are closed again.
        """
        try:
            for tcp in self._tcp:
                await tcp.start()
            for udp in self._udp:
                await udp.start()
        except BaseException:
            await self.close()
            raise

    async def run(self) -> None:
        """Relay until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._link.up.run(), name="modem-up")
            group.create_task(self._link.down.run(), name="modem-down")
            group.create_task(self._end_cuts(), name="modem-cuts")
            group.create_task(self._free_idle(), name="modem-idle")
            if self._setup.scenario is not None:
                group.create_task(self._play(self._setup.scenario), name="modem-scenario")

    def change(self, change: LinkChange) -> None:
        """Take `change` into force at once."""
        self._shape = self._shape.changed(change)
        if change.restore:
            self._cut_until_s, self._is_reset = None, False
        if change.cut_s is not None:
            now_s = self._clock.monotonic_s()
            self._cut_until_s = now_s + change.cut_s if change.cut_s else float("inf")
            self._is_reset = change.reset
            if change.reset:
                for relay in self._tcp:
                    relay.reset()
        self._apply()
        log.info("modem.link_changed", extra=change.model_dump(exclude_none=True))

    async def close(self) -> None:
        """Close every port and connection."""
        for tcp in self._tcp:
            await tcp.close()
        for udp in self._udp:
            await udp.close()

    def status(self) -> dict[str, object]:
        """Return what the control socket reports of the link."""
        until_s, now_s = self._cut_until_s, self._clock.monotonic_s()
        is_timed = until_s is not None and until_s != float("inf")
        return {
            "cut": self.is_cut,
            "cut_left_s": max(0.0, until_s - now_s) if is_timed and until_s else None,
            **asdict(self._shape),
            "up": {**asdict(self._link.up.counters), "queued_bytes": self._link.up.queued_bytes},
            "down": {
                **asdict(self._link.down.counters),
                "queued_bytes": self._link.down.queued_bytes,
            },
            "tcp_ports": self.tcp_ports,
            "udp_ports": self.udp_ports,
            "tcp_connections": sum(relay.connections for relay in self._tcp),
            "udp_clients": sum(relay.clients for relay in self._udp),
        }

    def _apply(self) -> None:
        self._link.set(
            shape=self._shape, is_cut=self.is_cut, is_refusing=self.is_cut and self._is_reset
        )
        self._changed.set()

    async def _end_cuts(self) -> None:
        while True:
            self._changed.clear()
            until_s = self._cut_until_s
            if until_s is None or until_s == float("inf"):
                await self._changed.wait()
                continue
            if (left_s := until_s - self._clock.monotonic_s()) > 0:
                try:
                    await asyncio.wait_for(self._changed.wait(), left_s)
                except TimeoutError:
                    continue
                continue
            self._cut_until_s, self._is_reset = None, False
            self._apply()
            log.info("modem.link_restored")

    async def _free_idle(self) -> None:
        while True:
            await self._clock.sleep(10.0)
            for relay in self._udp:
                relay.free_idle()

    async def _play(self, scenario: Scenario) -> None:
        began_s = self._clock.monotonic_s()
        for at_s, change in scenario.timed():
            if (left_s := began_s + at_s - self._clock.monotonic_s()) > 0:
                await self._clock.sleep(left_s)
            self.change(change)
