"""The hub's MQTT connection (gmqtt): subscribes its partitions, hands messages on, publishes."""

import asyncio
import logging
import secrets
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Final

import gmqtt
from gmqtt.mqtt.constants import MQTTv311

from protocols.clock import Clock
from protocols.errors import BrokenError
from protocols.link.topics import partition_filters

log = logging.getLogger(__name__)

_KEEPALIVE_S: Final = 10
_PATIENCE_S: Final = 15.0

Hear = Callable[[str, bytes], None]


class HubMqtt:
    """One connection to the broker; while it is away, what is published is dropped.

    Nothing is lost by that: frames that were not acknowledged come again, and so do orders.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        host: str,
        port: int,
        username: str,
        password: str,
        tls: ssl.SSLContext | None,
        partitions: Sequence[int],
        hear: Hear,
    ) -> None:
        self._clock = clock
        self._host, self._port, self._tls = host, port, tls
        self._username, self._password = username, password
        self._partitions = partitions
        self._hear = hear
        self._client: gmqtt.Client | None = None
        self._connected = asyncio.Event()

    @property
    def is_connected(self) -> bool:
        """The broker has taken the subscriptions."""
        return self._connected.is_set()

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
        client = gmqtt.Client(f"hub-{secrets.token_hex(6)}", clean_session=True, logger=log)
        client.set_config({"reconnect_retries": 0, "reconnect_delay": 0})
        client.set_auth_credentials(self._username, self._password)

        def heard(_client: Any, topic: str, payload: bytes, _qos: int, _properties: Any) -> int:  # noqa: ANN401 -- gmqtt's own
            self._hear(topic, payload)
            return 0

        client.on_message = heard
        client.on_disconnect = lambda *_args: ended.set()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await client.connect(
                    self._host,
                    self._port,
                    ssl=self._tls or False,
                    keepalive=_KEEPALIVE_S,
                    version=MQTTv311,
                )
        except (OSError, TimeoutError, gmqtt.mqtt.handler.MQTTConnectError) as err:
            raise BrokenError(reason="the broker refused", detail=str(err)[:120]) from err
        try:
            for part in self._partitions:
                for topic in partition_filters(part):
                    client.subscribe(topic, qos=0)
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
