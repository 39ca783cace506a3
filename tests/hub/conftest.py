"""What the hub's tests share: one real PostgreSQL a run, an empty database of its own a test."""

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar

import asyncpg
import pytest

from hub.store import BuiltInPostgres, Pool, migrate, open_pool

T = TypeVar("T")
_numbers = itertools.count(1)


class _Loop:
    """An event loop in a thread of its own: it outlives the loop of each test."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cluster")
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running cluster whose database `hub_template` has the hub's tables."""
    loop = _Loop()
    postgres = BuiltInPostgres(tmp_path_factory.mktemp("cluster"))

    async def start() -> tuple[str, asyncio.Task[None]]:
        url = await postgres.prepare()
        running = asyncio.create_task(postgres.run())
        await asyncio.wait(
            {running, ready := asyncio.create_task(postgres.wait_ready())},
            return_when=asyncio.FIRST_COMPLETED,
        )
        if running.done():
            ready.cancel()
            running.result()
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE DATABASE hub_template")
        await connection.close()
        pool = await open_pool(_at(url, "hub_template"), most=2)
        await migrate(pool)
        await pool.close()
        return url, running

    async def stop(running: asyncio.Task[None]) -> None:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        postgres.clean_up()

    url, running = loop.call(start())
    yield url
    loop.call(stop(running))
    loop.close()


@pytest.fixture
async def database_url(cluster: str) -> AsyncIterator[str]:
    """The URL of an empty database with the hub's tables."""
    name = f"hub_{next(_numbers)}"
    connection = await asyncpg.connect(cluster)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE hub_template")
    yield _at(cluster, name)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A pool of connections to an empty database with the hub's tables."""
    async with await open_pool(database_url, most=8) as opened:
        yield opened


def _at(url: str, database: str) -> str:
    return url.replace("/postgres?", f"/{database}?")
