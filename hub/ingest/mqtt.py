"""The hub's MQTT connection (gmqtt): subscribes its partitions, hands messages on, publishes."""

import asyncio
import logging
import secrets
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import gmqtt
from gmqtt.mqtt.constants import MQTTv311

from protocols.errors import BrokenError
from protocols.link.topics import partition_filters

log = logging.getLogger(__name__)

_KEEPALIVE_S: Final = 10
_PATIENCE_S: Final = 15.0
_REFUSED: Final = 0x80  # Source: MQTT 3.1.1, 3.9.3

Hear = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where the broker is, and how the hub proves itself."""

    host: str
    port: int
    username: str
    password: str
    tls: ssl.SSLContext | None


class HubMqtt:
    """One connection to the broker; while it is away, what is published is dropped.

    Nothing is lost by that: frames that were not acknowledged come again, and so do orders.
    """

    def __init__(self, broker: BrokerAddress, *, partitions: Sequence[int], hear: Hear) -> None:
        self._broker = broker
        self._partitions = partitions
        self._hear = hear
        self._client: gmqtt.Client | None = None
        self._connected = asyncio.Event()

    @property
    def is_connected(self) -> bool:
        """The broker has taken the subscriptions."""
        return self._connected.is_set()

    async def wait_ready(self) -> None:
        """Return when the broker has taken the subscriptions."""
        await self._connected.wait()

    def publish(self, topic: str, payload: bytes) -> None:
        """Send at QoS 0, if connected."""
        if self._client is not None and self._connected.is_set():
            self._client.publish(topic, payload, qos=0)

    async def run(self) -> None:
        """Stay connected until cancelled.

        Raises:
            BrokenError: the broker refused or the connection ended; the supervisor begins again.
        """
        ended = asyncio.Event()
        client = gmqtt.Client(f"hub-{secrets.token_hex(6)}", clean_session=True)
        client.set_config({"reconnect_retries": 0, "reconnect_delay": 0})
        client.set_auth_credentials(self._broker.username, self._broker.password)

        def heard(_client: Any, topic: str, payload: bytes, _qos: int, _properties: Any) -> int:
            self._hear(topic, payload)
            return 0

        client.on_message = heard
        client.on_disconnect = lambda *_args: ended.set()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await client.connect(
                    self._broker.host,
                    self._broker.port,
                    ssl=self._broker.tls or False,
                    keepalive=_KEEPALIVE_S,
                    version=MQTTv311,
                )
        except (OSError, TimeoutError, gmqtt.mqtt.handler.MQTTConnectError) as err:
            raise BrokenError(reason="the broker refused", detail=str(err)[:120]) from err
        try:
            await self._subscribe(client, ended)
            self._client = client
            self._connected.set()
            log.info("mqtt.up")
            await ended.wait()
            raise BrokenError(reason="the broker closed the connection")
        finally:
            self._connected.clear()
            self._client = None
            client.set_config({"reconnect_retries": 0})
            await client.disconnect()

    async def _subscribe(self, client: gmqtt.Client, ended: asyncio.Event) -> None:
        """Return when the broker has granted every subscription.

        Raises:
            BrokenError: it refuses one, or does not answer.
        """
        answer: asyncio.Queue[tuple[int, ...]] = asyncio.Queue(1)
        client.on_subscribe = lambda _client, _mid, qos, _properties: answer.put_nowait(qos)
        topics = [topic for part in self._partitions for topic in partition_filters(part)]
        client.subscribe([gmqtt.Subscription(topic, qos=0) for topic in topics])
        answered, cut = asyncio.create_task(answer.get()), asyncio.create_task(ended.wait())
        try:
            await asyncio.wait(
                {answered, cut}, timeout=_PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
            )
            granted = answered.result() if answered.done() else ()
        finally:
            answered.cancel()
            cut.cancel()
        if len(granted) != len(topics) or any(code >= _REFUSED for code in granted):
            raise BrokenError(reason="the broker refuses a subscription")
