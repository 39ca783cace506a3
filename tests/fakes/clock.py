"""A clock that moves only when told to."""

import asyncio
import heapq
from itertools import count


class FakeClock:
    """Starts at `utc_us`; `advance` wakes sleepers in the order in which they are due."""

    def __init__(self, *, utc_us: int = 1_800_000_000_000_000) -> None:
        self._utc_us = utc_us
        self._monotonic_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def utc_us(self) -> int:
        return self._utc_us

    def monotonic_s(self) -> float:
        return self._monotonic_s

    async def sleep(self, duration_s: float) -> None:
        if duration_s <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic_s + duration_s, next(self._order), future))
        await future

    def jump_utc(self, by_us: int) -> None:
        """Set the wall clock; durations do not notice."""
        self._utc_us += by_us

    async def advance(self, duration_s: float) -> None:
        """Let `duration_s` pass, stopping at every sleeper that falls due."""
        end_s = self._monotonic_s + duration_s
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end_s:
            due_s, _, future = heapq.heappop(self._sleepers)
            self._move_to(due_s)
            if not future.done():
                future.set_result(None)
            await self._settle()
        self._move_to(end_s)

    def _move_to(self, monotonic_s: float) -> None:
        self._utc_us += round((monotonic_s - self._monotonic_s) * 1_000_000)
        self._monotonic_s = monotonic_s

    async def _settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
