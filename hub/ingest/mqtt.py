"""One MQTT connection of the hub: subscribes, hands messages on, publishes."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from typing import Final, cast

from hub.ingest.wire import BrokerAddress
from protocols import mqtt
from protocols.errors import BrokenError, RemoteProtocolError
from protocols.link.wire import MAX_MESSAGE_BYTES

log = logging.getLogger(__name__)

_KEEPALIVE_S: Final = 10
_PATIENCE_S: Final = 30.0
"""A broker to which thousands come at once answers late. One that died ends the connection."""

_MOST_PACKET_BYTES: Final = MAX_MESSAGE_BYTES + 64 * 1024  # and a topic
_MOST_UNSENT_BYTES: Final = 32 * 2**20
"""What the broker has not taken yet; beyond it acks are dropped, for each is said again."""


class HubMqtt:
    """One connection to the broker; while it is away, what is published is dropped.

    Nothing is lost by that: frames that were not acknowledged come again, and so do orders.
    """

    def __init__(self, broker: BrokerAddress, *, filters: Sequence[str], hear: mqtt.Hear) -> None:
        self._broker = broker
        self._filters = filters
        self._hear = hear
        self._session: _Session | None = None
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
        if self._session is not None:
            self._session.send(mqtt.publish(topic, payload))

    async def run(self) -> None:
        """Stay connected until cancelled.

        Raises:
            BrokenError: the broker refused or the connection ended; the supervisor begins again.
        """
        broker = self._broker
        try:
            tls = broker.trust.context() if broker.trust else None
            async with asyncio.timeout(_PATIENCE_S):
                _, session = await asyncio.get_running_loop().create_connection(
                    lambda: _Session(self._hear), broker.host, broker.port, ssl=tls
                )
        except OSError as err:
            raise BrokenError(reason="the broker refused", detail=str(err)[:120]) from err
        try:
            await self._begin(session)
            self._session = session
            self._connected.set()
            log.info("mqtt.up")
            await self._stay(session)
        finally:
            self._connected.clear()
            self._session = None
            session.close()

    async def _begin(self, session: "_Session") -> None:
        """Return when the broker has taken the client and granted every subscription.

        Raises:
            BrokenError: it refuses, or does not answer.
        """
        session.send(
            mqtt.connect(
                client_id=f"hub-{secrets.token_hex(6)}",
                username=self._broker.username,
                password=self._broker.password.get_secret_value(),
                keepalive_s=_KEEPALIVE_S,
            )
        )
        code = mqtt.connack_code(await session.answer(mqtt.Kind.CONNACK, within_s=_PATIENCE_S))
        if code:
            raise BrokenError(reason="the broker refused", code=code)
        session.send(mqtt.subscribe(1, self._filters))
        body = await session.answer(mqtt.Kind.SUBACK, within_s=_PATIENCE_S)
        granted = mqtt.suback_codes(body)
        if len(granted) != len(self._filters) or any(c >= mqtt.REFUSED for c in granted):
            raise BrokenError(reason="the broker refuses a subscription")

    async def _stay(self, session: "_Session") -> None:
        """Ask for a sign of life again and again.

        Raises:
            BrokenError: there is none, or the connection has ended.
        """
        while True:
            try:
                async with asyncio.timeout(_KEEPALIVE_S / 2):
                    await session.ended.wait()
                break
            except TimeoutError:
                session.send(mqtt.PING)
                await session.answer(mqtt.Kind.PINGRESP, within_s=_PATIENCE_S)
        raise BrokenError(reason=session.why or "the broker closed the connection")


class _Session(asyncio.Protocol):
    """One connection: cuts what comes in, and hands the messages on in the network's turn."""

    def __init__(self, hear: mqtt.Hear) -> None:
        self.ended = asyncio.Event()
        self.why = ""
        self._inbound = mqtt.Inbound(hear, most_bytes=_MOST_PACKET_BYTES)
        self._answers: asyncio.Queue[mqtt.Packet] = asyncio.Queue(16)
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.why = self.why or (str(exc)[:120] if exc else "")
        self.ended.set()

    def data_received(self, data: bytes) -> None:
        try:
            for packet in self._inbound.feed(data):
                self._answers.put_nowait(packet)
        except (RemoteProtocolError, asyncio.QueueFull) as err:
            self.why = str(err)[:120]
            self.close()

    def send(self, packet: bytes) -> None:
        """Send `packet` with others of this turn, unless too much waits already."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() + self._unsent_bytes < _MOST_UNSENT_BYTES:
            if not self._unsent:
                asyncio.get_running_loop().call_soon(self._flush)
            self._unsent.append(packet)
            self._unsent_bytes += len(packet)

    def _flush(self) -> None:
        """Write what was sent in this turn: thousands of acks take one call, not one each."""
        packets, self._unsent, self._unsent_bytes = self._unsent, [], 0
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(packets))

    async def answer(self, kind: mqtt.Kind, *, within_s: float) -> bytes:
        """Return the body of the next packet that is no message.

        Raises:
            BrokenError: it is of another kind, or none comes.
        """
        coming, cut = (
            asyncio.create_task(self._answers.get()),
            asyncio.create_task(self.ended.wait()),
        )
        try:
            await asyncio.wait({coming, cut}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            packet = coming.result() if coming.done() else None
        finally:
            coming.cancel()
            cut.cancel()
        if packet is None or packet.kind != kind:
            raise BrokenError(reason=self.why or "the broker does not answer", wanted=kind.name)
        return packet.body

    def close(self) -> None:
        """End it."""
        if self._transport is not None and not self._transport.is_closing():
            self._flush()
            self._transport.write(mqtt.DISCONNECT)
            self._transport.close()
        self.ended.set()
