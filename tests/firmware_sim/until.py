"""Wait for a condition that no event announces, with a deadline."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], *, deadline_s: float = 5.0) -> None:
    """Return once `condition()` holds.

    Raises:
        TimeoutError: it did not within `deadline_s`.
    """
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 -- the state belongs to another task's socket
            await asyncio.sleep(0.005)
