"""The computer's clock, behind the `Clock` interface. Nothing else reads the time."""

import asyncio
import time


class SystemClock:
    """UTC from the kernel, durations from its monotonic clock."""

    def utc_us(self) -> int:
        """Return UTC in microseconds since 1970."""
        return time.time_ns() // 1_000

    def monotonic_s(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    async def sleep(self, duration_s: float) -> None:
        """Return after `duration_s`."""
        await asyncio.sleep(duration_s)
