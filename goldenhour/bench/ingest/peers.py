"""What a user would otherwise write, and the ceiling: a program of its own, as the hub is.

`python -m goldenhour.bench.ingest.peers KIND FOLDER CREDENTIALS` starts a PostgreSQL and a broker
of its own in FOLDER, says `{"port": …}` and takes in frames until it is ended. Each unit is told
how many of its frames are committed. Nothing is decoded or checked.

`bare`: gmqtt receives, every 20 ms what has come is COPYed and committed. The table has a key over
unit, stream and a running number, as one must have that is asked for a unit's records.
`usual`: aiomqtt receives, and each message is one INSERT.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiomqtt
import gmqtt
from gmqtt.mqtt.constants import MQTTv311

from goldenhour.bench.ingest.load import COUNT_BYTES, credentials_in
from hub.access.secrets import machine_hash
from hub.broker import HUB_USER, BrokerConfig, BuiltInBroker
from hub.store import BuiltInPostgres, Pool, open_pool
from protocols.ids import UnitId
from protocols.link.topics import down_ack
from protocols.runtime.ports import free_port

HOST: Final = "127.0.0.1"
_EVERY_S: Final = 0.02
_FILTER: Final = "gh/1/+/+/up/+"
_TABLE: Final = """\
CREATE TABLE frame (unit text NOT NULL, stream text NOT NULL, number bigint NOT NULL,
received timestamptz NOT NULL DEFAULT now(), payload bytea NOT NULL,
PRIMARY KEY (unit, stream, number))"""
_COLUMNS: Final = ("unit", "stream", "number", "payload")

Publish = Callable[[str, bytes], Any]


@dataclass(slots=True)
class _Counts:
    received: Counter[tuple[str, str]] = field(default_factory=Counter)
    committed: Counter[str] = field(default_factory=Counter)

    def row(self, topic: str, payload: bytes) -> tuple[str, str, int, bytes]:
        unit, stream = topic.split("/")[3], topic.rsplit("/", 1)[1]
        self.received[unit, stream] += 1
        return unit, stream, self.received[unit, stream], payload

    def acknowledge(self, unit: str, frames: int) -> tuple[str, bytes]:
        self.committed[unit] += frames
        return down_ack(UnitId(unit)), self.committed[unit].to_bytes(COUNT_BYTES, "big")


@asynccontextmanager
async def _engines(
    folder: Path, users: list[tuple[UnitId, str]]
) -> AsyncIterator[tuple[BuiltInBroker, int, str]]:
    """Run a broker that knows the units and a PostgreSQL; yield broker, its port, the URL."""
    port = free_port(HOST)
    broker = BuiltInBroker(
        folder, BrokerConfig(mqtt_host=HOST, mqtt_port=port, store=folder / "store", tls=None)
    )
    await broker.write_users(users)
    postgres = BuiltInPostgres(folder / "postgres")
    url = await postgres.prepare()
    try:
        async with asyncio.TaskGroup() as group:
            engines = [group.create_task(postgres.run()), group.create_task(broker.run())]
            await postgres.wait_ready()
            await broker.wait_ready()
            yield broker, port, url
            for engine in engines:
                engine.cancel()
    finally:
        postgres.clean_up()


async def _bare(pool: Pool, broker: BuiltInBroker, port: int) -> None:
    waiting: list[tuple[str, bytes]] = []
    counts = _Counts()
    client = gmqtt.Client("bare", clean_session=True)
    client.set_auth_credentials(HUB_USER, broker.password)

    def heard(_client: Any, topic: str, payload: bytes, _qos: int, _properties: Any) -> int:
        waiting.append((topic, payload))
        return 0

    client.on_message = heard
    await client.connect(HOST, port, keepalive=60, version=MQTTv311)
    client.subscribe(_FILTER, qos=0)
    _say_ready(port)
    while True:
        await asyncio.sleep(_EVERY_S)
        while waiting:
            taken, waiting[:] = waiting[:], []
            rows = [counts.row(topic, payload) for topic, payload in taken]
            await pool.copy_records_to_table("frame", records=rows, columns=_COLUMNS)
            for unit, frames in Counter(row[0] for row in rows).items():
                client.publish(*counts.acknowledge(unit, frames), qos=0)


async def _usual(pool: Pool, broker: BuiltInBroker, port: int) -> None:
    counts = _Counts()
    async with aiomqtt.Client(
        HOST, port, username=HUB_USER, password=broker.password, identifier="usual"
    ) as client:
        await client.subscribe(_FILTER)
        _say_ready(port)
        async for message in client.messages:
            row = counts.row(message.topic.value, message.payload)
            await pool.execute(
                "INSERT INTO frame (unit, stream, number, payload) VALUES ($1, $2, $3, $4)", *row
            )
            await client.publish(*counts.acknowledge(row[0], 1))


def _say_ready(port: int) -> None:
    print(json.dumps({"port": port}), flush=True)  # noqa: T201 -- to the one who started it


def main() -> None:
    """Run the peer that is named."""
    known = credentials_in(Path(sys.argv[3]))
    users = [(UnitId(one["unit"]), machine_hash(one["password"])) for one in known]
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_run(sys.argv[1], folder, users))


async def _run(kind: str, folder: Path, users: list[tuple[UnitId, str]]) -> None:
    run = {"bare": _bare, "usual": _usual}[kind]
    async with _engines(folder, users) as (broker, port, url):
        pool = await open_pool(url, most=2)
        await pool.execute(_TABLE)
        await run(pool, broker, port)


if __name__ == "__main__":
    main()
