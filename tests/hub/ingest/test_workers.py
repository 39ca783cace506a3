"""Ingest workers: processes of their own, killed and started again; broker and store are real."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiomqtt
import pytest
from pydantic import SecretStr

from hub.access.secrets import machine_hash
from hub.broker import HUB_USER, BrokerConfig, BuiltInBroker
from hub.ingest import Arrived, IngestWorkers, Taps
from hub.ingest.wire import BrokerAddress
from hub.store import Pool
from hub.store.partitions import hold
from protocols.ids import JournalId, UnitId
from protocols.link import Ack, Held, Stream, decode_ack
from protocols.link.topics import down_ack, up
from protocols.messages import Position
from protocols.runtime.clock import SystemClock
from protocols.runtime.ports import free_port
from protocols.runtime.processes import descendants
from protocols.runtime.supervise import supervise
from tests.hub.vehicle import frame, new_journal, position, vitals

UNITS = (UnitId("A-001"), UnitId("A-002"), UnitId("A-003"))
PATIENCE_S = 45.0


class City:
    """Workers, and the units that speak to them; what is said to whom is kept."""

    def __init__(self) -> None:
        self.told: list[Arrived] = []
        self.acks: list[tuple[UnitId, Ack]] = []
        self.watched: set[UnitId] = set()
        self.workers: IngestWorkers
        self._client: aiomqtt.Client
        self._changed = asyncio.Event()

    def heard(self, batch: object) -> None:
        self.told += batch  # type: ignore[arg-type]
        self._changed.set()

    async def hear_acks(self, client: aiomqtt.Client) -> None:
        self._client = client
        for unit in UNITS:
            await client.subscribe(down_ack(unit))
        async for message in client.messages:
            unit = next(each for each in UNITS if down_ack(each) == message.topic.value)
            assert isinstance(message.payload, bytes)
            self.acks.append((unit, decode_ack(message.payload)))
            self._changed.set()

    async def says(self, unit: UnitId, stream: Stream, payload: bytes) -> None:
        await self._client.publish(up(unit, stream), payload)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not true():
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await self._changed.wait()

    def has_acked(self, unit: UnitId, journal: JournalId, stream: Stream, held: Held) -> bool:
        return any(
            who == unit and ack.journal == journal and ack.streams.get(stream) == held
            for who, ack in self.acks
        )

    async def held(self, unit: UnitId, journal: JournalId, payload: bytes, held: Held) -> None:
        """Say `payload` (vital signs) again and again, as a vehicle does, until `held` is acked."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.has_acked(unit, journal, Stream.VITALS, held):
                await self.says(unit, Stream.VITALS, payload)
                await asyncio.sleep(0.2)


def worker_pids() -> list[int]:
    return [pid for pid, command in descendants(os.getpid()) if "hub.ingest" in command]


@contextlib.asynccontextmanager
async def running(folder: Path, database_url: str, *, count: int) -> AsyncIterator[City]:
    port, clock, city = free_port("127.0.0.1"), SystemClock(), City()
    broker = BuiltInBroker(
        folder, BrokerConfig(mqtt_host="127.0.0.1", mqtt_port=port, store=folder / "js", tls=None)
    )
    await broker.write_users([(unit, machine_hash("x")) for unit in UNITS])
    taps = Taps()
    taps.on_records(city.heard)
    taps.whole_for(lambda: city.watched)
    address = BrokerAddress(
        host="127.0.0.1", port=port, username=HUB_USER, password=SecretStr(broker.password),
        trust=None,
    )  # fmt: skip
    city.workers = IngestWorkers(
        count=count, database=SecretStr(database_url), broker=address, taps=taps, clock=clock,
        log_level="WARNING",
    )  # fmt: skip
    who = {"username": HUB_USER, "password": broker.password}
    async with (
        broker.running(),
        aiomqtt.Client("127.0.0.1", port, **who) as client,  # type: ignore[arg-type]
        asyncio.TaskGroup() as group,
    ):
        tasks = [
            group.create_task(supervise(city.workers.services(), clock)),
            group.create_task(city.hear_acks(client)),
        ]
        async with asyncio.timeout(PATIENCE_S):
            await city.workers.wait_ready()
        yield city
        for task in tasks:
            task.cancel()
    assert worker_pids() == []


@pytest.mark.timeout(180)
async def test_a_worker_that_is_killed_is_replaced_and_nothing_is_lost_or_doubled(
    tmp_path: Path, database_url: str, pool: Pool
) -> None:
    async with running(tmp_path, database_url, count=2) as city:
        journals = {unit: new_journal() for unit in UNITS}
        for seq in range(1, 4):
            for unit, journal in journals.items():
                payload = frame(journal, Stream.VITALS, seq, [vitals()])
                await city.held(unit, journal, payload, Held(seq))
            for pid in worker_pids():
                os.kill(pid, signal.SIGKILL)
        await city.until(lambda: city.workers.is_working)
    rows = await pool.fetch("SELECT unit, journal::text, seq FROM record ORDER BY unit, seq")
    assert [tuple(row) for row in rows] == [
        (unit, journal, seq) for unit, journal in journals.items() for seq in (1, 2, 3)
    ]


@pytest.mark.timeout(120)
async def test_screens_are_told_the_newest_of_everyone_and_all_of_who_is_watched(
    tmp_path: Path, database_url: str
) -> None:
    quiet, watched, _ = UNITS
    async with running(tmp_path, database_url, count=2) as city:
        city.watched = {watched}
        places = [position(latitude_deg=20 + n) for n in range(30)]

        def told_of(unit: UnitId) -> list[object]:
            return [each.message for each in city.told if each.record.unit == unit]

        async with asyncio.timeout(PATIENCE_S):  # until the worker has heard who is watched
            while len(told_of(watched)) < 2:
                city.told.clear()
                payload = frame(new_journal(), Stream.POSITION, 1, places[:2])
                await city.says(watched, Stream.POSITION, payload)
                await city.until(lambda: bool(told_of(watched)))
        city.told.clear()
        for unit in (quiet, watched):
            payload = frame(new_journal(), Stream.POSITION, 1, places)
            await city.says(unit, Stream.POSITION, payload)
        await city.until(lambda: len(told_of(watched)) >= 30 and bool(told_of(quiet)))
        assert told_of(quiet) == places[-1:]
        assert told_of(watched) == places
        assert all(isinstance(each.message, Position) for each in city.told)


@pytest.mark.timeout(120)
async def test_a_worker_whose_database_connection_ends_lets_go_and_holds_again(
    tmp_path: Path, database_url: str, pool: Pool
) -> None:
    async with running(tmp_path, database_url, count=1) as city:
        journal, unit = new_journal(), UNITS[0]
        await city.held(unit, journal, frame(journal, Stream.VITALS, 1, [vitals()]), Held(1))
        [before] = worker_pids()
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await city.until(lambda: city.workers.is_working)
        await city.held(unit, journal, frame(journal, Stream.VITALS, 2, [vitals()]), Held(2))
        assert worker_pids() == [before]
    assert await pool.fetchval("SELECT count(*) FROM record") == 2


async def test_partitions_are_one_s_at_a_time_all_or_none(database_url: str) -> None:
    clock, waits = SystemClock(), asyncio.Event()
    first = await hold(database_url, [1, 2, 3], clock, on_wait=lambda _: None)

    def wait(why: str) -> None:
        assert why == "taken"
        waits.set()

    second = asyncio.create_task(hold(database_url, [3, 4], clock, on_wait=wait))
    async with asyncio.timeout(PATIENCE_S):
        await waits.wait()
        third = await hold(database_url, [4], clock, on_wait=lambda _: None)
        assert not second.done()
        for connection in (first, third):
            await connection.close()
        await (await second).close()
