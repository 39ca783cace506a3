"""Recordings as a service: takes segments in piece by piece, gives them out, lets old ones go."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from hub.recordings.files import Files
from hub.recordings.metrics import BYTES, COMPLETE, REFUSED
from hub.store import recordings as store
from hub.store.database import DATABASE_ERRORS, Pool
from hub.store.recordings import RecordingRow
from protocols.clock import Clock
from protocols.errors import ConflictError, FleetError, NotFoundError, RequestError, StorageError
from protocols.ids import UnitId

log = logging.getLogger(__name__)

MAX_SEGMENT_BYTES: Final = 64 * 2**20
MAX_SPAN_US: Final = 600 * 1_000_000
EARLIEST_UTC_US: Final = 1_577_836_800_000_000
"""2020: what says that it is older was recorded by a clock that nobody had set."""

AHEAD_US: Final = 3600 * 1_000_000
"""So far a vehicle's clock may be ahead of the hub's."""

_MOST_PARTS: Final = 4  # of one unit, which sends one after another
_EVERY_S: Final = 3600.0
_AT_ONCE: Final = 500


class Recordings:
    """`run` lets old recordings go; the rest is asked by routes. One process at a time."""

    def __init__(
        self, pool: Pool, clock: Clock, folder: Path, *, keep_days: float, min_free_bytes: int
    ) -> None:
        self._pool, self._clock = pool, clock
        self._files = Files(folder, min_free_bytes=min_free_bytes)
        self._keep_us = round(keep_days * 86_400_000_000)
        self._in_use: dict[UnitId, asyncio.Lock] = {}

    async def announce(self, row: RecordingRow) -> tuple[int, bool]:
        """Return how many bytes of the segment are here, and whether that is all.

        Raises:
            RequestError: it cannot be: too long, too large, or by a clock that is wrong.
            ConflictError: another segment has this name.
        """
        with _counted():
            self._check(row)
            async with self._alone(row.unit):
                found = await store.announce(self._pool, row)
                if (found.sha256, found.size_bytes) != (row.sha256, row.size_bytes):
                    raise ConflictError(reason="another segment has this name")
                await self._let_parts_go(row.unit)
                return await self._standing(found)

    async def put(self, unit: UnitId, segment: str, offset: int, piece: bytes) -> tuple[int, bool]:
        """Take in `piece`; return how many bytes are here by now, and whether that is all.

        Raises:
            NotFoundError: nobody announced the segment.
            ConflictError: another number of bytes is here; the fact `offset` says how many.
            RequestError: nothing, or beyond the segment's end; or all is here and is not what was
                announced: then nothing of it is kept.
            StorageError: the disk is full or refuses; what was here still is.
        """
        with _counted():
            async with self._alone(unit):
                row = await store.find(self._pool, unit, segment)
                if row is None:
                    raise NotFoundError(what="recording", unit=unit)
                here, is_whole = await self._standing(row)
                if is_whole:
                    return here, True
                if offset != here:
                    raise ConflictError(reason="offset", offset=here)
                if not piece or offset + len(piece) > row.size_bytes:
                    raise RequestError(reason="beyond", size_bytes=row.size_bytes)
                await asyncio.to_thread(self._files.append, unit, segment, piece)
                BYTES.inc(len(piece))
                here += len(piece)
                if here < row.size_bytes:
                    return here, False
                await self._finish(row)
                return here, True

    async def between(
        self, unit: UnitId, *, from_utc_us: int, to_utc_us: int, limit: int
    ) -> list[RecordingRow]:
        """Return whole segments that begin in the span, by time."""
        return await store.between(
            self._pool, unit, from_utc_us=from_utc_us, to_utc_us=to_utc_us, limit=limit
        )

    async def path_of(self, unit: UnitId, segment: str) -> Path:
        """Return where a whole segment's file is.

        Raises:
            NotFoundError: it is not here.
        """
        row = await store.find(self._pool, unit, segment)
        path = self._files.whole(unit, segment)
        if row is None or row.completed_utc_us is None or not await asyncio.to_thread(path.is_file):
            raise NotFoundError(what="recording", unit=unit)
        return path

    async def run(self) -> None:
        """Let go what is older than it may become, every hour, until cancelled."""
        while True:
            try:
                await self.expire()
            except (*DATABASE_ERRORS, FleetError) as err:
                log.warning("recordings.not_expired", extra={"error": type(err).__name__})
            await self._clock.sleep(_EVERY_S)

    async def expire(self) -> int:
        """Let go what is older than it may become; return how many segments that were."""
        than_utc_us, gone = self._clock.utc_us() - self._keep_us, 0
        while rows := await store.older(self._pool, than_utc_us=than_utc_us, limit=_AT_ONCE):
            for row in rows:
                await self._remove(row)
            gone += len(rows)
        return gone

    def _check(self, row: RecordingRow) -> None:
        if not 0 < row.last_utc_us - row.first_utc_us <= MAX_SPAN_US:
            raise RequestError(reason="span")
        latest_us = self._clock.utc_us() + AHEAD_US
        if row.first_utc_us < EARLIEST_UTC_US or row.last_utc_us > latest_us:
            raise RequestError(reason="clock")
        if not 0 < row.size_bytes <= MAX_SEGMENT_BYTES:
            raise RequestError(reason="size")

    async def _standing(self, row: RecordingRow) -> tuple[int, bool]:
        if row.completed_utc_us is not None:
            return row.size_bytes, True
        here = await asyncio.to_thread(self._files.has, row.unit, row.segment)
        if here < row.size_bytes:
            return here, False
        await self._finish(row)  # all was written before, and then somebody ended us
        return row.size_bytes, True

    async def _finish(self, row: RecordingRow) -> None:
        if not await asyncio.to_thread(self._files.finish, row.unit, row.segment, row.sha256):
            await self._remove(row)
            raise RequestError(reason="digest")
        now_utc_us = self._clock.utc_us()
        await store.complete(self._pool, row.unit, row.segment, now_utc_us=now_utc_us)
        COMPLETE.inc()

    async def _let_parts_go(self, unit: UnitId) -> None:
        """A vehicle sends one after another: of what it began and left, little is kept."""
        for row in await store.partial_but(self._pool, unit, newest=_MOST_PARTS):
            await self._remove(row)

    async def _remove(self, row: RecordingRow) -> None:
        await store.forget(self._pool, row.unit, row.segment)
        await asyncio.to_thread(self._files.remove, row.unit, row.segment)

    @contextlib.asynccontextmanager
    async def _alone(self, unit: UnitId) -> AsyncIterator[None]:
        lock = self._in_use.setdefault(unit, asyncio.Lock())
        async with lock:
            yield


@contextlib.contextmanager
def _counted() -> Iterator[None]:
    try:
        yield
    except (ConflictError, NotFoundError, RequestError, StorageError) as err:
        REFUSED.labels(str(err.facts.get("reason", err.code))[:40]).inc()
        raise
