"""A broker of our own that knows a few units."""

from pathlib import Path

import aiomqtt

from hub.access.secrets import machine_hash
from hub.broker import BrokerConfig, BuiltInBroker
from protocols.ids import UnitId
from protocols.runtime.ports import free_port

UNITS = tuple((UnitId(name), f"password-of-{name}") for name in ("A-001", "A-002"))


def broker_of(folder: Path, port: int) -> BuiltInBroker:
    config = BrokerConfig(
        mqtt_host="127.0.0.1",
        mqtt_port=port,
        store=folder / "js",
        tls=None,
    )
    return BuiltInBroker(folder, config)


async def knowing(folder: Path, *units: tuple[UnitId, str]) -> tuple[BuiltInBroker, int]:
    """Return a broker, not yet running, at which `units` may connect, and its port."""
    port = free_port("127.0.0.1")
    broker = broker_of(folder, port)
    await broker.write_users([(unit, machine_hash(password)) for unit, password in units])
    return broker, port


async def codes(client: aiomqtt.Client, topic: str, *, qos: int) -> list[int]:
    """Subscribe, and return what the broker answers."""
    granted = await client.subscribe(topic, qos=qos)
    return [each if isinstance(each, int) else each.value for each in granted]
