"""The ingest workers as the hub sees them: started, told what is watched, heard, started again."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from pydantic import SecretStr

from hub.ingest import metrics, tally
from hub.ingest.bodies import Bodies
from hub.ingest.taps import Arrived, Taps
from hub.ingest.wire import (
    LENGTH,
    MOST_NEWS_BYTES,
    BrokerAddress,
    News,
    Watched,
    WorkerConfig,
    decode_news,
    record_of,
)
from hub.tether import tethered
from protocols.clock import Clock
from protocols.errors import IngestError
from protocols.ids import PARTITIONS, UnitId
from protocols.link.wire import Loader
from protocols.runtime.cancel import to_the_end
from protocols.runtime.supervise import Service

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.1
"""So long a screen that begins to watch a unit may wait until all of its records are told."""

_STOP_TIMEOUT_S: Final = 8.0
MOST_WORKERS: Final = 16


class IngestWorkers:
    """As many processes as asked, each with its share of the partitions."""

    def __init__(  # noqa: PLR0913 -- all that it stands on
        self,
        *,
        count: int | None,
        database: SecretStr,
        broker: BrokerAddress,
        taps: Taps,
        clock: Clock,
        log_level: str,
    ) -> None:
        """`count` None: one for each core of this machine."""
        wanted = count or min(MOST_WORKERS, os.cpu_count() or 1)
        configs = [
            WorkerConfig(
                database=database,
                broker=broker,
                partitions=tuple(range(number, PARTITIONS, wanted)),
                log_level=log_level,
            )
            for number in range(wanted)
        ]
        self._workers = [_Worker(config, taps, clock) for config in configs]

    @property
    def is_working(self) -> bool:
        """Every worker holds its partitions, hears the broker, and the database takes records."""
        return all(worker.is_working for worker in self._workers)

    async def wait_ready(self) -> None:
        """Return when each worker hears its partitions, or waits for another hub to let go."""
        for worker in self._workers:
            await worker.settled.wait()

    def services(self) -> list[Service]:
        """Return them as services."""
        return [
            Service(name=f"ingest-{number}", run=worker.run, essential=False)
            for number, worker in enumerate(self._workers)
        ]


class _Worker:
    """One worker's process after another."""

    def __init__(self, config: WorkerConfig, taps: Taps, clock: Clock) -> None:
        self.settled = asyncio.Event()
        self._config = config
        self._taps = taps
        self._clock = clock
        self._bodies = Bodies(Loader(secret=secrets.token_bytes(16)))
        self._facts: set[str] = set()
        self._waiting_frames = 0.0

    @property
    def is_working(self) -> bool:
        """It hears the broker, and the database takes records."""
        return {"up", "flowing"} <= self._facts

    async def run(self) -> None:
        """Keep one process until cancelled; it has ended when this returns or raises.

        Raises:
            IngestError: it ended by itself.
        """
        process = await asyncio.create_subprocess_exec(
            *tethered(sys.executable, "-m", "hub.ingest", on_death=signal.SIGKILL),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            await self._follow(process)
            raise IngestError(reason="an ingest worker ended", status=await process.wait())
        finally:
            self._facts.clear()
            metrics.QUEUE.dec(self._waiting_frames)
            self._waiting_frames = 0.0
            await to_the_end(_stop(process))

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        """Hear a process, and say what is watched, until it ends."""
        if process.stdin is None or process.stdout is None:
            raise IngestError(reason="no pipes to an ingest worker")
        with contextlib.suppress(ConnectionError):  # it has ended; its status says why
            process.stdin.write(self._config.model_dump_json().encode() + b"\n")
            await process.stdin.drain()
        log.info("ingest.started", extra={"pid": process.pid})
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._say_what_is_watched(process.stdin))
            with contextlib.suppress(asyncio.IncompleteReadError):
                while True:
                    self._hear(await _news(process.stdout))
            watching.cancel()

    async def _say_what_is_watched(self, orders: asyncio.StreamWriter) -> None:
        said: AbstractSet[UnitId] = frozenset()
        with contextlib.suppress(ConnectionError):
            while True:
                watched = self._taps.watched() or frozenset()
                if watched != said:
                    said = frozenset(watched)
                    line = Watched(units=tuple(sorted(said))).model_dump_json()
                    orders.write(line.encode() + b"\n")
                    await orders.drain()
                await self._clock.sleep(_LOOK_S)

    def _hear(self, news: News) -> None:
        word, about = news
        match word:
            case "told":
                self._taps.committed(self._read(about))
            case "counts":
                waiting = tally.add(about)
                metrics.QUEUE.inc(waiting - self._waiting_frames)
                self._waiting_frames = waiting
            case "up" | "flowing":
                self._facts.add(word)
                if word == "up":
                    self.settled.set()
            case "down":
                self._facts.discard("up")
            case "stalled":
                self._facts.discard("flowing")
            case "waiting":
                self._facts.clear()
                self.settled.set()
            case "holding":
                log.info("ingest.holds", extra={"partitions": len(self._config.partitions)})

    def _read(self, about: Sequence[Sequence[object]]) -> list[Arrived]:
        """Return the records of which a worker tells; it has checked their bodies, too."""
        records = [record_of(fields) for fields in about]
        good = [record for record in records if record.understood]
        found = self._bodies.read([(record.stream, record.body) for record in good])
        messages = iter(found)
        return [Arrived(each, next(messages) if each.understood else None) for each in records]


async def _news(source: asyncio.StreamReader) -> News:
    """Return the next news.

    Raises:
        IncompleteReadError: there are no more.
        IngestError: too long to be any.
    """
    [size_bytes] = LENGTH.unpack(await source.readexactly(LENGTH.size))
    if size_bytes > MOST_NEWS_BYTES:
        raise IngestError(reason="an ingest worker says too much", news_bytes=size_bytes)
    return decode_news(await source.readexactly(size_bytes))


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask the process to end by closing its input; end it if it does not."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
