"""One light unit's MQTT connection (gmqtt): birth, last will, frames up, acks down."""

import asyncio
import logging
import random
import ssl
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import gmqtt
from gmqtt.mqtt.constants import MQTTv311
from gmqtt.mqtt.handler import MQTTConnectError

from firmware_sim.fleet.light_unit import LightUnit
from protocols.clock import Clock
from protocols.errors import RemoteProtocolError
from protocols.link import topics
from protocols.link.client_id import client_id

_UNHEARD: Final = logging.Logger("gmqtt", level=logging.CRITICAL)  # noqa: LOG001 -- on purpose apart
"""Takes what gmqtt says of a refusal: it is counted; a broker's restart would fill the disk."""

KEEPALIVE_S: Final = 10
_PATIENCE_S: Final = 20.0
_BASE_S: Final = 0.5
_CAP_S: Final = 15.0


@dataclass(slots=True)
class FleetCounters:
    """What the whole fleet did."""

    connected: int = 0
    connections: int = 0
    refused: int = 0  # by the broker, or no broker there
    frames: int = 0
    bad_acks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where the broker is; `tls` None: in the clear, on loopback."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


class Session:
    """Keeps one unit connected, and says when it is not."""

    def __init__(
        self, unit: LightUnit, *, broker: Broker, clock: Clock, counters: FleetCounters, seed: int
    ) -> None:
        self._unit = unit
        self._broker = broker
        self._clock = clock
        self._counters = counters
        self._rng = random.Random(f"{seed}{unit.unit}")
        self._client: gmqtt.Client | None = None

    def send(self) -> None:
        """Send every frame that may leave now."""
        client = self._client
        if client is None:
            return
        now_utc_us, now_s = self._clock.utc_us(), self._clock.monotonic_s()
        for topic, payload in self._unit.frames(now_utc_us=now_utc_us, now_s=now_s):
            client.publish(topic, payload, qos=0)
            self._counters.frames += 1

    async def run(self, on_connected: Callable[[], None]) -> None:
        """Connect, and again after each end, with jittered backoff, until cancelled.

        `on_connected` is called after each birth.
        """
        failures = 0
        while True:
            # spread over the whole range: a broker's restart is not followed by a stampede
            reach_s = min(_CAP_S, _BASE_S * 2**failures)
            await self._clock.sleep(self._rng.uniform(0.0, reach_s))
            began_s = self._clock.monotonic_s()
            try:
                await self._connection(on_connected)
            except (OSError, TimeoutError, MQTTConnectError):
                self._counters.refused += 1
            lasted_s = self._clock.monotonic_s() - began_s
            failures = 1 if lasted_s > _CAP_S else min(failures + 1, 8)

    async def _connection(self, on_connected: Callable[[], None]) -> None:
        unit, ended = self._unit, asyncio.Event()
        connection = str(uuid.uuid4())
        topic = topics.presence(unit.unit)
        since_utc_us = self._clock.utc_us()
        password = unit.credential.password.get_secret_value()
        death = unit.presence(connection=connection, online=False, now_utc_us=since_utc_us)
        client = gmqtt.Client(
            client_id(unit.unit, password),
            clean_session=True,
            will_message=gmqtt.Message(topic, death, qos=1, retain=True),
            logger=_UNHEARD,
        )
        client.set_config({"reconnect_retries": 0, "reconnect_delay": 0})
        client.set_auth_credentials(unit.unit, password)

        def heard(_client: Any, _topic: str, payload: bytes, _qos: int, _properties: Any) -> int:
            self._heard(payload)
            return 0

        client.on_message = heard
        client.on_disconnect = lambda *_args: ended.set()
        is_open = True
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await client.connect(
                    self._broker.host,
                    self._broker.port,
                    ssl=self._broker.tls or False,
                    keepalive=KEEPALIVE_S,
                    version=MQTTv311,
                )
            client.subscribe(topics.down_ack(unit.unit), qos=0)
            birth = unit.presence(connection=connection, online=True, now_utc_us=since_utc_us)
            client.publish(topic, birth, qos=1, retain=True)
            self._counters.connections += 1
            self._counters.connected += 1
            self._client = client
            unit.connected()
            on_connected()
            self.send()
            try:
                await ended.wait()
            finally:
                self._client = None
                self._counters.connected -= 1
                unit.disconnected()
                if not ended.is_set():
                    client.publish(topic, death, qos=1, retain=True)
        except MQTTConnectError:
            is_open = False
            raise
        finally:
            if is_open:
                with suppress(OSError, AttributeError):  # gmqtt: no connection was made
                    await client.disconnect()

    def _heard(self, payload: bytes) -> None:
        try:
            self._unit.heard(payload, now_s=self._clock.monotonic_s())
        except RemoteProtocolError:
            self._counters.bad_acks += 1
            return
        self.send()
