"""A hub that only commits and acknowledges: the real broker, the real `Receiver`, a dict."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gmqtt
from gmqtt.mqtt.constants import MQTTv311

from firmware_sim.fleet import Credential
from hub.access.secrets import machine_hash
from hub.broker import HUB_USER, BrokerConfig, BuiltInBroker
from protocols.ids import UnitId
from protocols.link import topics
from protocols.link.ack import encode_ack
from protocols.link.frame import Record
from protocols.link.frame_reader import decode_frame
from protocols.link.receiver import Receiver
from protocols.link.streams import Stream
from protocols.messages.presence import Presence
from protocols.runtime.clock import SystemClock


class CommittingHub:
    """What it has of every unit. `lose` frames are thrown away before it looks at them."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str, Stream], dict[int, Record]] = defaultdict(dict)
        self.presence: dict[str, Presence] = {}
        self.frames = 0
        self.doubled = 0
        self.lose_every = 0
        self.is_deaf = False
        self._receivers: dict[tuple[str, str], Receiver] = {}
        self._clock = SystemClock()

    def of(self, unit: str, stream: Stream) -> dict[int, Record]:
        """Return the records of `stream` of the unit's only journal."""
        (found,) = [has for (who, _, what), has in self.records.items()
                    if (who, what) == (unit, stream)]  # fmt: skip
        return found

    def hear(self, client: gmqtt.Client, topic: str, payload: bytes) -> None:
        address = topics.parse_topic(topic)
        if address.rest == "presence":
            self.presence[address.unit] = Presence.from_payload(payload)
            return
        self.frames += 1
        if self.is_deaf or (self.lose_every and self.frames % self.lose_every == 0):
            return
        frame = decode_frame(payload)
        key = (address.unit, frame.journal)
        receiver = self._receivers.setdefault(key, Receiver(journal=frame.journal))
        now_s = self._clock.monotonic_s()
        spans = receiver.offer(frame, now_s=now_s)
        has = self.records[address.unit, frame.journal, frame.stream]
        for first, last in spans:
            for seq in range(first, last + 1):
                self.doubled += seq in has
                has[seq] = frame.records[seq - frame.first_seq]
        if spans:
            receiver.committed(frame.stream, spans, now_s=now_s)
        ack = receiver.take_ack(now_utc_us=self._clock.utc_us())
        if ack is not None:
            client.publish(topics.down_ack(address.unit), encode_ack(ack), qos=0)


@contextlib.asynccontextmanager
async def broker_of(
    folder: Path, credentials: tuple[Credential, ...], port: int
) -> AsyncIterator[BuiltInBroker]:
    """Run the real broker for these units at `port`."""
    config = BrokerConfig(mqtt_host="127.0.0.1", mqtt_port=port, store=folder / "js", tls=None)
    broker = BuiltInBroker(folder, config)
    await broker.write_users(
        [(UnitId(c.unit), machine_hash(c.password.get_secret_value())) for c in credentials]
    )
    async with broker.running():
        yield broker


@contextlib.asynccontextmanager
async def committing(
    port: int, broker: BuiltInBroker, hub: CommittingHub | None = None
) -> AsyncIterator[CommittingHub]:
    """Connect a hub to the broker for as long as the block runs."""
    hub = hub or CommittingHub()
    client = gmqtt.Client("the-hub", clean_session=True)
    client.set_config({"reconnect_retries": 0, "reconnect_delay": 0})
    client.set_auth_credentials(HUB_USER, broker.password)

    def heard(_client: Any, topic: str, payload: bytes, _qos: int, _properties: Any) -> int:
        hub.hear(client, topic, payload)
        return 0

    client.on_message = heard
    async with asyncio.timeout(10):
        await client.connect("127.0.0.1", port, keepalive=10, version=MQTTv311)
    client.subscribe(f"{topics.ROOT}/+/+/up/+", qos=0)
    client.subscribe(f"{topics.ROOT}/+/+/presence", qos=0)
    try:
        yield hub
    finally:
        await client.disconnect()
