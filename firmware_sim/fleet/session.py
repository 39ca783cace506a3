"""One light unit's MQTT connection: birth, last will, frames up, acks down.

One protocol object a connection, straight on the loop's transport: no task wakes for a frame or an
ack, only for the beginning and the end of a connection.
"""

import asyncio
import ssl
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final, cast

from firmware_sim.fleet.light_unit import LightUnit
from firmware_sim.fleet.spread import Spread
from protocols import mqtt
from protocols.clock import Clock
from protocols.errors import BrokenError, RemoteProtocolError
from protocols.link.client_id import client_id

KEEPALIVE_S: Final = 10
_QUIET_S: Final = 5.0
"""So long nothing is heard before the broker is asked whether it is there."""

_DEAD_S: Final = 15.0
_PATIENCE_S: Final = 20.0
_BASE_S: Final = 0.5
_CAP_S: Final = 15.0
_MOST_BYTES: Final = 1024 * 1024
"""Of a packet; the hub's longest message is a quarter of it."""

_UNSENT_BYTES: Final = 64 * 1024
"""A connection that does not take even this is left alone until it does; records wait on."""


@dataclass(slots=True)
class FleetCounters:
    """What the whole fleet did."""

    connected: int = 0
    connections: int = 0
    refused: int = 0  # by the broker, or no broker there
    frames: int = 0
    acks: int = 0
    bad_acks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where the broker is; `tls` None: in the clear, on loopback."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


class Session:
    """Keeps one unit connected, and says when it is not."""

    def __init__(  # noqa: PLR0913 -- what all units of a fleet share
        self,
        unit: LightUnit,
        *,
        broker: Broker,
        clock: Clock,
        counters: FleetCounters,
        waits: Spread,
        rng: Random,
        coming: asyncio.Semaphore | None = None,
    ) -> None:
        """`coming`: so many units of the fleet come at once, the first time that they do."""
        self.refused = 0  # attempts in a row, or since they were counted anew
        self.unit = unit
        self._broker = broker
        self._clock = clock
        self._counters = counters
        self._waits = waits
        self._rng = rng
        self._coming = coming or asyncio.Semaphore()
        self._wire: _Wire | None = None

    @property
    def is_connected(self) -> bool:
        """The broker has taken the unit's credential."""
        return self._wire is not None

    def tick(self, *, now_s: float) -> None:
        """Send every frame that may leave now; ask after a broker that has been quiet."""
        wire = self._wire
        if wire is None:
            return
        if now_s - wire.heard_s > _QUIET_S:
            if now_s - wire.heard_s > _DEAD_S:
                wire.transport.abort()
                return
            wire.say(mqtt.PING)
        self._send(wire, now_s)

    async def run(self, on_connected: Callable[[], None], *, after_s: float) -> None:
        """Connect, and again after each end, with jittered backoff, until cancelled.

        `on_connected` is called after each birth; `after_s`: when to come the first time.
        """
        await self._clock.sleep(after_s)
        failures, has_come = 0, False

        def came() -> None:
            nonlocal has_come
            if not has_come:
                has_come = True
                self._coming.release()
            on_connected()

        while True:
            began_s = self._clock.monotonic_s()
            if not has_come:
                await self._coming.acquire()
            is_first = not has_come
            try:
                await self._connection(came)
            except (OSError, TimeoutError, BrokenError):
                self._counters.refused += 1
                self.refused += 1
            finally:
                if is_first and not has_come:
                    self._coming.release()
            lasted_s = self._clock.monotonic_s() - began_s
            failures = 1 if lasted_s > _CAP_S else min(failures + 1, 8)
            # spread over the whole range: a broker's restart is not followed by a stampede
            reach_s = min(_CAP_S, _BASE_S * 2**failures)
            await self._clock.sleep(self._rng.uniform(0.0, reach_s))

    async def _connection(self, on_connected: Callable[[], None]) -> None:
        unit = self.unit
        connection = str(uuid.uuid4())
        since_utc_us = self._clock.utc_us()
        death = unit.presence(connection=connection, online=False, now_utc_us=since_utc_us)
        wire = _Wire(self._take, self._clock)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._sign_in(wire, death)
            birth = unit.presence(connection=connection, online=True, now_utc_us=since_utc_us)
            wire.say(
                mqtt.subscribe(1, [unit.ack_topic])
                + mqtt.publish(unit.presence_topic, birth, packet_id=2, retain=True)
            )
            self._counters.connections += 1
            self._counters.connected += 1
            self._wire = wire
            unit.connected(now_s=wire.heard_s)
            on_connected()
            self._send(wire, wire.heard_s)
            try:
                await wire.ended
            finally:
                self._wire = None
                self._counters.connected -= 1
                unit.disconnected()
                if not wire.ended.done():
                    said = mqtt.publish(unit.presence_topic, death, packet_id=3, retain=True)
                    wire.say(said + mqtt.DISCONNECT)
        finally:
            wire.close()

    async def _sign_in(self, wire: "_Wire", death: bytes) -> None:
        """Return once the broker has taken the unit's credential.

        Raises:
            OSError: no broker there.
            BrokenError: it refused, or hung up.
        """
        unit, loop = self.unit, asyncio.get_running_loop()
        await loop.create_connection(
            lambda: wire, self._broker.host, self._broker.port, ssl=self._broker.tls
        )
        password = unit.credential.password.get_secret_value()
        wire.say(
            mqtt.connect(
                client_id=client_id(unit.unit, password),
                username=unit.unit,
                password=password,
                keepalive_s=KEEPALIVE_S,
                will=mqtt.Will(topic=unit.presence_topic, payload=death),
            )
        )
        await wire.taken

    def _send(self, wire: "_Wire", now_s: float) -> None:
        if not wire.may_write:
            return
        for topic, payload in self.unit.frames(now_utc_us=self._clock.utc_us(), now_s=now_s):
            wire.say(mqtt.publish(topic, payload))
            self._counters.frames += 1

    def _take(self, wire: "_Wire", messages: Sequence[tuple[str, bytes]]) -> None:
        """Take in what the hub says."""
        now_s = wire.heard_s
        for topic, payload in messages:
            if topic != self.unit.ack_topic:
                continue
            try:
                freed_utc_us = self.unit.heard(payload, now_s=now_s)
            except RemoteProtocolError:
                self._counters.bad_acks += 1
                continue
            self._counters.acks += 1
            now_utc_us = self._clock.utc_us()
            for captured_utc_us in freed_utc_us:
                self._waits.add((now_utc_us - captured_utc_us) // 1_000)
            if self._wire is wire and self.unit.waiting:
                self._send(wire, now_s)


class _Wire(asyncio.Protocol):
    """One connection; `taken` and `ended` are done, at the latest, when it is gone."""

    transport: asyncio.Transport

    def __init__(
        self, take: "Callable[[_Wire, Sequence[tuple[str, bytes]]], None]", clock: Clock
    ) -> None:
        loop = asyncio.get_running_loop()
        self.taken: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.heard_s = clock.monotonic_s()
        self.may_write = True
        self._clock = clock
        self._inbound = mqtt.Inbound(partial(take, self), most_bytes=_MOST_BYTES)

    def say(self, data: bytes) -> None:
        """Send `data`; on a connection that is ending it is lost, as it would be on the way."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        """Let the connection go, once what was written has left."""
        self.taken.cancel()
        if hasattr(self, "transport"):
            self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast(asyncio.Transport, transport)  # of a TCP connection
        self.transport.set_write_buffer_limits(high=_UNSENT_BYTES)

    def data_received(self, data: bytes) -> None:
        """Take what came in."""
        self.heard_s = self._clock.monotonic_s()
        try:
            for packet in self._inbound.feed(data):
                if packet.kind == mqtt.Kind.CONNACK:
                    self._answered(mqtt.connack_code(packet.body))
        except RemoteProtocolError:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- why is no matter
        """End."""
        if not self.taken.done():
            self.taken.set_exception(BrokenError(reason="the broker hung up"))
        if not self.ended.done():
            self.ended.set_result(None)

    def pause_writing(self) -> None:
        """Say nothing more for the moment."""
        self.may_write = False

    def resume_writing(self) -> None:
        """Speak again."""
        self.may_write = True

    def _answered(self, code: int) -> None:
        if self.taken.done():
            return
        if code == 0:
            self.taken.set_result(None)
        else:
            self.taken.set_exception(BrokenError(reason="the broker refused", answer=code))
