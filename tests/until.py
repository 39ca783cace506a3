"""Wait for a condition that no event announces, with a deadline."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

LOOK_S = 0.01


async def until(
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]], *, within_s: float = 10.0
) -> None:
    """Return once `condition()`, or what it awaits, holds: the state of a socket, another process.

    Raises:
        TimeoutError: it did not within `within_s`.
    """
    async with asyncio.timeout(within_s):
        while True:
            holds = condition()
            if inspect.isawaitable(holds):
                holds = await holds
            if holds:
                return
            await asyncio.sleep(LOOK_S)
