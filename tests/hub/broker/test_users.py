"""Who may connect to the built-in broker, while it runs."""

from pathlib import Path

import aiomqtt
import pytest

from hub.access.secrets import machine_hash
from hub.broker import BrokerConfig, BuiltInBroker
from protocols.ids import UnitId
from protocols.runtime.ports import free_port
from tests.firmware_sim.until import until

UNITS = tuple((UnitId(name), f"password-of-{name}") for name in ("A-001", "A-002"))


def broker_of(folder: Path, port: int) -> BuiltInBroker:
    config = BrokerConfig(
        mqtt_host="127.0.0.1",
        mqtt_port=port,
        store=folder / "js",
        tls=None,
    )
    return BuiltInBroker(folder, config)


async def may_connect(port: int, unit: str, password: str) -> bool:
    client = aiomqtt.Client(
        "127.0.0.1", port, username=unit, password=password, protocol=aiomqtt.ProtocolVersion.V311
    )
    try:
        async with client:
            return True
    except aiomqtt.MqttError:
        return False


async def test_units_come_and_go_while_the_broker_runs_and_others_stay(tmp_path: Path) -> None:
    port = free_port("127.0.0.1")
    broker = broker_of(tmp_path, port)
    (first, word), (second, other_word) = UNITS
    log = tmp_path / "nats.log"
    hashes = [(unit, machine_hash(password)) for unit, password in UNITS]
    await broker.write_users(hashes[:1])
    async with broker.running():
        async with aiomqtt.Client(
            "127.0.0.1", port, username=first, password=word, identifier="stays"
        ) as stays:
            assert not await may_connect(port, second, other_word)

            await broker.write_users(hashes)

            await until(
                lambda: "Reloaded server configuration" in (tmp_path / "nats.log").read_text()
            )
            assert await may_connect(port, second, other_word)
            await stays.publish(f"gh/1/30/{first}/up/position", b"still connected", qos=1)
        await broker.write_users(hashes[1:])
        await until(lambda: log.read_text().count("Reloaded: accounts") >= 2)
        assert not await may_connect(port, first, word)


@pytest.mark.parametrize("password", ["", "password-of-A-002"])
async def test_a_wrong_password_opens_nothing(tmp_path: Path, password: str) -> None:
    port = free_port("127.0.0.1")
    broker = broker_of(tmp_path, port)
    await broker.write_users([(UnitId("A-001"), machine_hash("password-of-A-001"))])
    async with broker.running():
        assert not await may_connect(port, "A-001", password)
