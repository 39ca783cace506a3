"""Who may connect to the built-in broker, while it runs."""

import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from hub.access.secrets import machine_hash
from hub.broker import HUB_USER
from hub.broker.sessions import SESSION_BYTES
from protocols import mqtt
from protocols.ids import ID_PATTERN, UnitId
from protocols.link.streams import Stream
from protocols.link.topics import down_ack, presence, unit_root, up
from protocols.link.wire import MAX_MESSAGE_BYTES
from protocols.runtime.ports import free_port
from tests.hub.broker.known import UNITS, broker_of, codes, knowing
from tests.until import until

LONGEST_ID = 65_535  # a field of MQTT


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
                lambda: "Reloaded server configuration" in (tmp_path / "nats.log").read_text(),
                within_s=5,
            )
            assert await may_connect(port, second, other_word)
            await stays.publish(f"gh/1/30/{first}/up/position", b"still connected", qos=1)
        await broker.write_users(hashes[1:])
        await until(lambda: log.read_text().count("Reloaded: accounts") >= 2, within_s=5)
        assert not await may_connect(port, first, word)


async def test_a_unit_has_the_broker_keep_nothing_but_its_own_few_topics(tmp_path: Path) -> None:
    unit, password = UNITS[0]
    broker, port = await knowing(tmp_path, UNITS[0])
    async with (
        broker.running(),
        aiomqtt.Client("127.0.0.1", port, username=unit, password=password) as client,
    ):
        for topic in (
            f"{unit_root(unit)}/up/diary",
            f"{unit_root(unit)}/up/vitals/1",
            f"{unit_root(unit)}/down/order",
            presence(UNITS[1][0]),
        ):
            await client.publish(topic, b"kept", retain=True)
        # answered, so that the broker is not stopped before it has taken it in
        await client.publish(presence(unit), b"kept", qos=1, retain=True)
    async with (
        broker.running(),
        aiomqtt.Client("127.0.0.1", port, username=HUB_USER, password=broker.password) as hub,
    ):
        await hub.subscribe("gh/1/#")
        kept = [message.topic.value async for message in _for_a_moment(hub)]
    assert kept == [presence(unit)]


async def test_a_message_longer_than_any_of_ours_ends_the_connection_alone(tmp_path: Path) -> None:
    (unit, password), (other, other_password) = UNITS
    broker, port = await knowing(tmp_path, *UNITS)
    longest = bytes(MAX_MESSAGE_BYTES)
    async with (
        broker.running(),
        aiomqtt.Client("127.0.0.1", port, username=other, password=other_password) as bystander,
    ):
        async with aiomqtt.Client("127.0.0.1", port, username=unit, password=password) as client:
            await client.publish(up(unit, Stream.CLIP), longest, qos=1)
        with pytest.raises(aiomqtt.MqttError):
            async with aiomqtt.Client(
                "127.0.0.1", port, username=unit, password=password, timeout=1
            ) as client:
                await client.publish(up(unit, Stream.CLIP), longest + bytes(8192), qos=1)
        await bystander.publish(up(other, Stream.VITALS), b"undisturbed", qos=1)


_CROWDED = """
import asyncio, logging, resource, sys
from pathlib import Path
from hub.broker import BrokerConfig, BuiltInBroker

logging.basicConfig(format="%(message)s", stream=sys.stdout)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
folder = Path(sys.argv[1])
config = BrokerConfig(mqtt_host="127.0.0.1", mqtt_port=1, store=folder / "js", tls=None)
broker = BuiltInBroker(folder, config)
for count in (100, 250, 250):
    asyncio.run(broker.write_users([(f"L-{n}", "hash") for n in range(count)]))
    print(count)
"""


def test_more_units_than_the_system_allows_connections_are_told_once(tmp_path: Path) -> None:
    ran = subprocess.run(  # noqa: S603 -- ourselves, with fewer descriptors
        [sys.executable, "-c", _CROWDED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["100", "broker.too_few_descriptors", "250", "250"]


async def test_no_unit_is_called_like_the_hub(tmp_path: Path) -> None:
    assert not re.fullmatch(ID_PATTERN, HUB_USER)
    broker, port = await knowing(tmp_path, (UnitId("hub"), "of-the-unit"))
    async with broker.running():
        assert await may_connect(port, "hub", "of-the-unit")
        assert await may_connect(port, HUB_USER, broker.password)


async def _for_a_moment(client: aiomqtt.Client) -> AsyncIterator[aiomqtt.Message]:
    """What the broker has kept: it begins to send that after it has answered the subscription."""
    async for message in client.messages:
        if message.topic.value == "gh/1/end":
            return
        if message.topic.value == presence(UNITS[0][0]):
            await client.publish("gh/1/end", b"end")
        yield message


@pytest.mark.parametrize("qos", [1, 2])
async def test_nothing_is_kept_for_a_session_that_is_away(tmp_path: Path, qos: int) -> None:
    unit, password = UNITS[0]
    broker, port = await knowing(tmp_path, UNITS[0])
    async with (
        broker.running(),
        aiomqtt.Client(
            "127.0.0.1", port, username=unit, password=password, identifier="parked",
            clean_session=False,
        ) as client,
    ):  # fmt: skip
        for heard in (presence(unit), down_ack(unit), f"{unit_root(unit)}/#"):
            assert await codes(client, heard, qos=0) == [0]
            assert await codes(client, heard, qos=qos) == [mqtt.REFUSED]


async def test_what_is_published_at_qos_2_and_never_released_is_not_kept(tmp_path: Path) -> None:
    unit, password = UNITS[0]
    broker, port = await knowing(tmp_path, UNITS[0])
    async with broker.running():
        with pytest.raises(aiomqtt.MqttError):
            async with aiomqtt.Client(
                "127.0.0.1", port, username=unit, password=password, timeout=1
            ) as client:
                await client.publish(up(unit, Stream.CLIP), bytes(200_000), qos=2)
        assert stored(tmp_path) < 200_000


async def test_sessions_of_one_credential_do_not_keep_another_unit_out(tmp_path: Path) -> None:
    (unit, password), (other, other_password) = UNITS
    broker, port = await knowing(tmp_path, *UNITS)
    async with broker.running():
        for count in range(3 * SESSION_BYTES // (2 * LONGEST_ID)):
            async with aiomqtt.Client(
                "127.0.0.1", port, username=unit, password=password,
                identifier=f"{count:x}".ljust(LONGEST_ID, "x"), clean_session=False,
            ):  # fmt: skip
                pass
        assert SESSION_BYTES / 2 < stored(tmp_path) < 1.2 * SESSION_BYTES
        assert await may_connect(port, other, other_password)
    async with broker.running():  # with the store as it is found
        assert await may_connect(port, other, other_password)


def stored(folder: Path) -> int:
    return sum(each.stat().st_size for each in (folder / "js").rglob("*") if each.is_file())


@pytest.mark.parametrize("password", ["", "password-of-A-002"])
async def test_a_wrong_password_opens_nothing(tmp_path: Path, password: str) -> None:
    broker, port = await knowing(tmp_path, UNITS[0])
    async with broker.running():
        assert not await may_connect(port, "A-001", password)
