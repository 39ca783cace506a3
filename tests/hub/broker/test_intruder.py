"""What one unit's credential does not open, on the wire."""

import asyncio
import re
from pathlib import Path

import aiomqtt
import pytest

from hub.broker import HUB_USER
from protocols import mqtt
from protocols.link.streams import Stream
from protocols.link.topics import down_ack, down_order, link_ack, presence, unit_root, up
from tests.hub.broker.known import UNITS, codes, knowing

(UNIT, PASSWORD), (OTHER, OTHER_PASSWORD) = UNITS
NOT_OURS = (
    up(OTHER, Stream.ALARM),
    up(OTHER, Stream.VITALS),
    link_ack(OTHER),
    presence(OTHER),
    down_ack(OTHER),
    down_order(OTHER),
    down_ack(UNIT),  # the hub's word to us
    down_order(UNIT),
    f"{unit_root(UNIT)}/up/diary",
    "gh/1/end",
    "gh/2/0/A-001/up/vitals",
    "$JS/API/STREAM/DELETE/$MQTT_msgs",  # the broker's own commands
    "$JS/API/STREAM/PURGE/$MQTT_rmsgs",
    "$SYS/REQ/SERVER/PING",
)


async def test_a_unit_speaks_on_its_own_topics_alone(tmp_path: Path) -> None:
    broker, port = await knowing(tmp_path, *UNITS)
    async with (
        broker.running(),
        aiomqtt.Client("127.0.0.1", port, username=HUB_USER, password=broker.password) as hub,
        aiomqtt.Client("127.0.0.1", port, username=OTHER, password=OTHER_PASSWORD) as bystander,
    ):
        await bystander.publish(presence(OTHER), b"alive", qos=1, retain=True)
        await hub.subscribe("gh/1/#")
        await bystander.subscribe(f"{unit_root(OTHER)}/#")
        for retain in (False, True):
            for topic in NOT_OURS:
                await said(port, topic, retain=retain)
        async with intruding(port) as intruder:
            await intruder.subscribe(f"{unit_root(UNIT)}/#")
            await intruder.publish(up(UNIT, Stream.VITALS), b"mine", qos=1)
            await bystander.publish(up(OTHER, Stream.VITALS), b"undisturbed", qos=1)
            assert await first(hub, 3) == {
                (presence(OTHER), b"alive"),
                (up(UNIT, Stream.VITALS), b"mine"),
                (up(OTHER, Stream.VITALS), b"undisturbed"),
            }
            assert await first(bystander, 2) == {
                (presence(OTHER), b"alive"),
                (up(OTHER, Stream.VITALS), b"undisturbed"),
            }
            assert await first(intruder, 1) == {(up(UNIT, Stream.VITALS), b"mine")}
    assert refused(tmp_path) == sorted(2 * NOT_OURS)  # those that nobody here listens to, too


@pytest.mark.parametrize(
    "topic",
    ["#", "+/#", "gh/#", "gh/1/#", "gh/1/+/+/up/vitals", f"{unit_root(OTHER)}/#",
     down_order(OTHER), presence(OTHER), "$SYS/#", "$JS/#", "$MQTT/#"],
)  # fmt: skip
async def test_a_unit_hears_nothing_of_another(tmp_path: Path, topic: str) -> None:
    broker, port = await knowing(tmp_path, *UNITS)
    async with broker.running(), intruding(port) as intruder:
        assert await codes(intruder, topic, qos=0) == [mqtt.REFUSED]


async def test_a_last_will_is_heard_on_one_s_own_presence_alone(tmp_path: Path) -> None:
    broker, port = await knowing(tmp_path, *UNITS)
    async with (
        broker.running(),
        aiomqtt.Client("127.0.0.1", port, username=HUB_USER, password=broker.password) as hub,
    ):
        await hub.subscribe("gh/1/#")
        for topic in NOT_OURS:
            await dies(port, topic, b"forged")
        await dies(port, presence(UNIT), b"gone")
        assert await first(hub, 1) == {(presence(UNIT), b"gone")}
    assert refused(tmp_path) == sorted(NOT_OURS)


def intruding(port: int) -> aiomqtt.Client:
    return aiomqtt.Client("127.0.0.1", port, username=UNIT, password=PASSWORD)


async def said(port: int, topic: str, *, retain: bool) -> None:
    """Say something by the unit's credential, and wait until the broker has heard it."""
    reader, writer = await connected(port)
    writer.write(mqtt.publish(topic, b"forged", retain=retain) + mqtt.PING)
    await reader.read(2)  # the answer to what came last, or the end of the connection
    writer.close()
    await writer.wait_closed()


async def dies(port: int, topic: str, last_will: bytes) -> None:
    """Connect with a last will, and be gone without a word."""
    _, writer = await connected(port, mqtt.Will(topic=topic, payload=last_will))
    writer.transport.abort()


async def connected(
    port: int, will: mqtt.Will | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection of the unit's credential."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        mqtt.connect(client_id="", username=UNIT, password=PASSWORD, keepalive_s=30, will=will)
    )
    await reader.read(4)  # CONNACK; empty where the will itself is refused
    return reader, writer


def refused(folder: Path) -> list[str]:
    """Return the topics that the broker says it refused to publish on, in order."""
    said_by_broker = (folder / "nats.log").read_text()
    subjects = re.findall(r'Publish Violation - Subject "([^"]+)"', said_by_broker)
    return sorted(subject.replace(".", "/") for subject in subjects)


async def first(client: aiomqtt.Client, count: int) -> set[tuple[str, bytes]]:
    """Return the first messages that come."""
    found = set[tuple[str, bytes]]()
    try:
        async with asyncio.timeout(10):
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                found.add((message.topic.value, message.payload))
                if len(found) == count:
                    break
    except TimeoutError:
        pass  # what has come by then says what is missing
    return found
