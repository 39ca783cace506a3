"""A broker of our own that knows a few units."""

from pathlib import Path

from hub.access.secrets import machine_hash
from hub.broker import BrokerConfig, BuiltInBroker
from protocols.ids import UnitId
from protocols.runtime.ports import free_port

REFUSED = 0x80
"""What a subscription is answered with that is not granted. Source: MQTT 3.1.1, 3.9.3."""

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
