"""An ingest over a real database; what it publishes and tells is kept."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from hub.ingest import Arrived, Ingest, Taps
from hub.store import Pool
from protocols.ids import UnitId
from protocols.link import Ack, Held, Stream, decode_ack
from protocols.link.topics import down_ack
from protocols.messages import Presence as PresenceMessage
from protocols.runtime.clock import SystemClock

A1, A2 = UnitId("A-001"), UnitId("A-002")


class Bench:
    """An ingest over a real database; what it publishes and taps is kept."""

    def __init__(self, pool: Pool) -> None:
        self.acks: dict[UnitId, list[Ack]] = {A1: [], A2: []}
        self.batches: list[list[Arrived]] = []
        self.presences: list[tuple[UnitId, PresenceMessage]] = []
        self._changed = asyncio.Event()
        self.taps = taps = Taps()
        taps.on_records(lambda batch: self.batches.append(list(batch)))
        taps.on_presence(lambda unit, said: self.presences.append((unit, said)))
        self.ingest = Ingest(pool, SystemClock(), taps, publish=self._published)

    def hear(self, topic: str, payload: bytes) -> None:
        """Have one MQTT message come in."""
        self.ingest.hear([(topic, payload)])

    def _published(self, topic: str, payload: bytes) -> None:
        unit = next(unit for unit in self.acks if down_ack(unit) == topic)
        self.acks[unit].append(decode_ack(payload))
        self._changed.set()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for acks until `true` holds."""
        async with asyncio.timeout(10):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    async def held(self, unit: UnitId, stream: Stream, held: Held) -> None:
        await self.until(lambda: any(ack.streams.get(stream) == held for ack in self.acks[unit]))


@contextlib.asynccontextmanager
async def running(pool: Pool) -> AsyncIterator[Bench]:
    bench = Bench(pool)
    task = asyncio.create_task(bench.ingest.run())
    yield bench
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@contextlib.asynccontextmanager
async def logged(logger: str, event: str) -> AsyncIterator[None]:
    """Wait, on leaving, until `logger` has said `event` since entering."""
    said = asyncio.Event()

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == event:
                said.set()

    handler = Heard()
    logging.getLogger(logger).addHandler(handler)
    try:
        yield
        async with asyncio.timeout(10):
            await said.wait()
    finally:
        logging.getLogger(logger).removeHandler(handler)


async def count(pool: Pool, where: str = "true") -> int:
    return int(await pool.fetchval(f"SELECT count(*) FROM record WHERE {where}"))  # noqa: S608
