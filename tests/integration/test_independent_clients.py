"""Clients and readers that are not ours: mosquitto's own, plain CBOR, and the published schemas."""

import asyncio
import json
import shutil
import uuid
from base64 import b64encode
from collections import Counter
from pathlib import Path
from typing import Any

import cbor2
import jsonschema
import pytest
import zstandard

from goldenhour.demo.small_city import SmallCity, small_city
from protocols.ids import UnitId
from protocols.link import topics
from protocols.link.streams import Stream

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
OWN, OTHER = UnitId("A-001"), UnitId("L-001")
LISTEN_S = 60
"""At most so long a client listens; on a machine of its own, six seconds."""
ENOUGH = 6
"""Frames of each kind, and acknowledgements."""

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="no mosquitto_sub"),
]


async def mosquitto(
    city: SmallCity, program: str, unit: UnitId, *words: str, password: str | None = None
) -> tuple[int, str, str]:
    """Run a mosquitto client with the credential of `unit`; return its status and what it said."""
    process = await asyncio.create_subprocess_exec(
        f"mosquitto_{program}",
        *("-h", "127.0.0.1", "-p", str(city.start.city.mqtt_port)),
        *("-u", unit, "-P", password or password_of(city, unit), *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def heard(city: SmallCity) -> list[tuple[str, bytes]]:
    """Return topics and payloads of `OWN`: enough of each kind, or what came in the time."""
    wanted = {
        **{topics.up(OWN, stream): ENOUGH for stream in (Stream.VITALS, Stream.WAVEFORM)},
        **{topics.up(OWN, stream): 1 for stream in (Stream.POSITION, Stream.TRIAGE)},
    }
    found: list[tuple[str, bytes]] = []
    process = await asyncio.create_subprocess_exec(
        *("mosquitto_sub", "-h", "127.0.0.1", "-p", str(city.start.city.mqtt_port)),
        *("-u", OWN, "-P", password_of(city, OWN), "-t", all_of(OWN)),
        *("-F", "%t %x", "-W", str(LISTEN_S)),
        stdout=asyncio.subprocess.PIPE,
        limit=2**22,
    )
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode().strip():
        topic, _, payload = line.partition(" ")
        found.append((topic, bytes.fromhex(payload)))
        counts = Counter(topic for topic, _ in found)
        acks = counts[topics.down_ack(OWN)] + counts[topics.link_ack(OWN)]
        if acks >= ENOUGH and all(counts[topic] >= least for topic, least in wanted.items()):
            process.terminate()
            break
    await process.wait()
    assert {topic for topic, _ in found} >= wanted.keys()
    return found


def password_of(city: SmallCity, unit: UnitId) -> str:
    folder = city.start.folder
    path = folder.fleet_credentials if unit == OTHER else folder.credential(unit)
    return str(json.loads(path.read_text())["password"])


def all_of(unit: UnitId) -> str:
    return topics.presence(unit).removesuffix("presence") + "#"


async def test_a_unit_s_credential_opens_its_own_topics_and_no_others(tmp_path: Path) -> None:
    async with small_city(tmp_path / "city", light_units=1) as city:
        check_against_published_schemas(await heard(city))

        await refuses_the_topics_of_others(city)
        await refuses_what_is_published_for_others(city)
        status, _, said = await mosquitto(
            city,
            "sub",
            OWN,
            "-t",
            all_of(OWN),
            "-W",
            "3",
            password="wrong",  # noqa: S106
        )
        assert status != 0
        assert "not authori" in said.lower()


def check_against_published_schemas(messages: list[tuple[str, bytes]]) -> None:
    frames, acks = Counter[str](), 0
    for topic, payload in messages:
        if topic.endswith("/presence"):
            schema("presence.json").validate(plain(cbor2.loads(payload)))
        elif topic in {topics.down_ack(OWN), topics.link_ack(OWN)}:
            ack = cbor2.loads(payload)
            schema("ack.json").validate(ack | {"j": str(uuid.UUID(bytes=ack["j"]))})
            acks += 1
        else:  # records up, orders down
            frame = as_json(cbor2.loads(payload))
            schema("frame.json").validate(frame)
            for _, body in frame["r"]:
                schema(f"{frame['s']}.{body['kind']}.json").validate(body)
            frames[frame["s"]] += 1
    assert frames["vitals"] >= ENOUGH
    assert frames["waveform"] >= ENOUGH
    assert acks >= ENOUGH


def schema(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / name).read_text()))


def unpacker() -> zstandard.ZstdDecompressor:
    dictionary = Path(__file__).parents[2] / "protocols" / "link" / "records-1.zdict"
    return zstandard.ZstdDecompressor(
        dict_data=zstandard.ZstdCompressionDict(dictionary.read_bytes())
    )


def as_json(frame: dict[str, Any]) -> dict[str, Any]:
    """Return a frame as the schema's description says: UUID as text, bodies as maps."""
    raw = cbor2.loads(unpacker().decompress(frame["z"])) if "z" in frame else frame["r"]
    records = [[at, plain(cbor2.loads(body))] for at, body in raw]
    journal = str(uuid.UUID(bytes=frame["j"]))
    header = {key: frame[key] for key in ("v", "s", "n", "l", "t", "k", "e")}
    return header | {"j": journal, "r": records}


def plain(value: Any) -> Any:
    """Return CBOR values as JSON ones: byte strings as base64."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


async def refuses_the_topics_of_others(city: SmallCity) -> None:
    for topic in (all_of(OTHER), "gh/1/#", "#"):
        _, heard, said = await mosquitto(city, "sub", OWN, "-t", topic, "-v", "-W", "3")
        assert heard == ""
        assert "denied" in said.lower(), (topic, said)


async def refuses_what_is_published_for_others(city: SmallCity) -> None:
    """Neither frames nor orders: only what the other says itself arrives there."""
    forged = [topics.up(OTHER, Stream.VITALS), topics.down_ack(OTHER), topics.down_order(OTHER)]
    listening = asyncio.create_task(
        mosquitto(city, "sub", OTHER, "-t", all_of(OTHER), "-C", "1", "-W", "20", "-F", "%t %p")
    )
    mine = topics.up(OTHER, Stream.VITALS)
    while not listening.done():
        for topic in forged:
            await mosquitto(city, "pub", OWN, "-t", topic, "-m", "forged")
        await mosquitto(city, "pub", OTHER, "-t", mine, "-m", "my own")
    status, heard, _ = listening.result()
    assert (status, heard.strip()) == (0, f"{mine} my own")
