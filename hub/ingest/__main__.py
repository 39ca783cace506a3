"""An ingest worker: `python -m hub.ingest`, started by the hub, which says how on its input.

It holds its partitions in the database, takes their frames in, commits, acknowledges, and tells the
hub on its output what has been committed (`hub.ingest.wire`). It ends when its input does, or when
the connection that holds its partitions is gone; the hub then starts another.
"""

import asyncio
import contextlib
import gc
import logging
import sys
from collections.abc import Sequence
from typing import Final

import uvloop
from pydantic import ValidationError

from hub.ingest import metrics
from hub.ingest.mqtt import HubMqtt
from hub.ingest.tally import Tally
from hub.ingest.taps import Taps
from hub.ingest.telling import Telling
from hub.ingest.wire import Watched, WorkerConfig, encode_news, plain
from hub.ingest.worker import Ingest
from hub.store.database import Connection, Pool, open_pool
from hub.store.partitions import hold
from hub.store.stored import StoredRecord
from protocols.clock import Clock
from protocols.errors import EXIT_CONFIG, StorageError
from protocols.ids import UnitId
from protocols.link.topics import partition_filters
from protocols.runtime.clock import SystemClock
from protocols.runtime.log import set_up_logging
from protocols.runtime.supervise import Service, supervise

log = logging.getLogger(__name__)

_TELL_S: Final = 0.05
_AGAIN_S: Final = 0.5
_COUNT_S: Final = 1.0
_PART_BYTES: Final = 256 * 1024
_MOST_UNREAD_BYTES: Final = 2**20
"""What the hub has not read yet; beyond it news wait here, and the newest stands for the others."""

_COLLECT_AFTER: Final = 200_000  # objects made and not gone again
_POOL: Final = 2


def main() -> int:
    """Run until standard input ends; return the exit status."""
    if sys.argv[1:]:
        sys.stderr.write(f"{__doc__}\n")
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    line = sys.stdin.readline()
    try:
        config = WorkerConfig.model_validate_json(line)
    except ValidationError as err:
        first = err.errors(include_url=False, include_input=False)[0]
        sys.stderr.write(f"ingest: {'.'.join(map(str, first['loc']))}: {first['msg']}\n")
        return EXIT_CONFIG
    set_up_logging(program="ingest", level=config.log_level)
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(config, SystemClock()))
    return 0


async def _serve(config: WorkerConfig, clock: Clock) -> None:
    """Run until the input ends; begin again where the database's connection does."""
    async with asyncio.TaskGroup() as group:
        hub = await _Hub.reached()
        work = group.create_task(_work(config, clock, hub), name="work")
        await hub.gone.wait()
        work.cancel()


async def _work(config: WorkerConfig, clock: Clock, hub: "_Hub") -> None:
    url = config.database.get_secret_value()

    def say_why(why: str) -> None:
        log.warning("ingest.waits", extra={"database_is": why})
        hub.tell(encode_news("waiting"))

    while True:
        writer = await hold(url, config.partitions, clock, on_wait=say_why)
        lost = asyncio.Event()
        writer.add_termination_listener(lambda _, lost=lost: lost.set())
        try:
            async with asyncio.TaskGroup() as group:
                pool = await open_pool(url, most=_POOL)
                try:
                    worker = _Worker(config, clock, pool, writer, hub)
                    working = group.create_task(worker.run(), name="worker")
                    await lost.wait()
                    working.cancel()
                finally:
                    pool.terminate()
        except* StorageError:
            await clock.sleep(_AGAIN_S)
        finally:
            writer.terminate()
        log.warning("ingest.lost_its_partitions")
        hub.tell(encode_news("waiting"))


class _Hub:
    """The hub at the other end of the pipes."""

    def __init__(self, news: asyncio.StreamWriter) -> None:
        self.gone = asyncio.Event()
        self.watched: frozenset[UnitId] = frozenset()
        self._news = news

    @classmethod
    async def reached(cls) -> "_Hub":
        """Return it once both pipes are open."""
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, sys.stdout.buffer
        )
        hub = cls(asyncio.StreamWriter(transport, protocol, None, loop))
        await loop.connect_read_pipe(lambda: _Orders(hub), sys.stdin.buffer)
        return hub

    @property
    def is_slow(self) -> bool:
        """It has not read what it was told."""
        return self._news.transport.get_write_buffer_size() > _MOST_UNREAD_BYTES

    def tell(self, news: bytes) -> None:
        """Write `news`."""
        if not self._news.is_closing():
            self._news.write(news)


class _Orders(asyncio.Protocol):
    """What the hub asks for: which units are watched."""

    def __init__(self, hub: _Hub) -> None:
        self._hub = hub
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines:
            units = Watched.model_validate_json(lines[-1]).units
            self._hub.watched = frozenset(map(UnitId, units))

    def eof_received(self) -> None:
        self._hub.gone.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- why is no matter
        self._hub.gone.set()


class _Worker:
    """The services of one worker."""

    def __init__(
        self, config: WorkerConfig, clock: Clock, pool: Pool, writer: Connection, hub: _Hub
    ) -> None:
        self._clock, self._hub = clock, hub
        self._telling = Telling()
        filters = [topic for part in config.partitions for topic in partition_filters(part)]
        self._mqtt = HubMqtt(config.broker, filters=filters, hear=self._heard)
        taps = Taps()
        taps.whole_for(lambda: hub.watched)
        taps.on_stored(self._stored)
        self._ingest = Ingest(pool, clock, taps, publish=self._mqtt.publish, writer=writer)

    async def run(self) -> None:
        """Take in, commit, acknowledge and tell, until cancelled."""
        self._hub.tell(encode_news("holding"))
        gc.collect()
        gc.freeze()  # frames hold no cycles: looking for some took a fifth of the time
        gc.set_threshold(_COLLECT_AFTER, 20, 20)
        parts = {"mqtt": self._mqtt.run, "ingest": self._ingest.run, "tell": self._tell}
        services = [Service(name=name, run=run, essential=False) for name, run in parts.items()]
        await supervise(services, self._clock)

    def _heard(self, messages: Sequence[tuple[str, bytes]]) -> None:
        self._ingest.hear(messages)

    def _stored(self, batch: Sequence[StoredRecord]) -> None:
        """Tell the hub at once, unless it has not read what it was told before."""
        self._telling.add(batch)
        self._push()

    def _push(self) -> None:
        while self._telling and not self._hub.is_slow:
            records = self._telling.take(most_bytes=_PART_BYTES)
            self._hub.tell(encode_news("told", [plain(record) for record in records]))

    async def _tell(self) -> None:
        """Tell the hub how things are, and what it was too slow for."""
        tally, counted_s, given_up = Tally(), 0.0, 0
        was = ("", "")
        while True:
            now = (
                "up" if self._mqtt.is_connected else "down",
                "stalled" if self._ingest.is_stalled else "flowing",
            )
            for word, before in zip(now, was, strict=True):
                if word != before:
                    self._hub.tell(encode_news(word))  # type: ignore[arg-type]
            was = now
            self._push()
            if self._clock.monotonic_s() - counted_s >= _COUNT_S and not self._hub.is_slow:
                counted_s = self._clock.monotonic_s()
                metrics.UNTOLD.inc(self._telling.given_up - given_up)
                given_up = self._telling.given_up
                self._hub.tell(encode_news("counts", tally.since()))
            await self._clock.sleep(_TELL_S)


if __name__ == "__main__":
    sys.exit(main())
