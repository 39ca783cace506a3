"""A request to end that is not lost, and one that nobody made that is not heard."""

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

T = TypeVar("T")

_AGAIN_S: Final = 1.0


async def apart(work: Awaitable[T]) -> T:
    """Return what `work` returns, or raise what it raises; it runs in a task of its own.

    A TaskGroup whose task fails cancels the task that it stands in, and before CPython 3.13 (issue
    116720) does not take that back: seen from within, a broken wire and a request to end look
    alike, and either may hide the other. Seen from another task they differ.

    `asyncio.wait_for` (before CPython 3.12, issue 86296), and with it every call of aiomqtt, drops
    a request to end that comes as its answer does. So it is asked again, and a call that a
    TaskGroup must be able to end is made through here, where the request is not lost.

    Raises:
        CancelledError: the caller was asked to end; `work` has ended.
    """
    task = asyncio.create_task(_finish(work))
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_AGAIN_S)
        if not task.cancelled():
            task.exception()  # taken note of: the request to end outweighs it
        raise
    return task.result()


async def to_the_end(work: Awaitable[T]) -> T:
    """Return what `work` returns, or raise what it raises; it ends by itself, whoever asks.

    For what must be done on leaving (a process ended, a file sealed): `asyncio.shield` keeps the
    work from the first request to end, but lets its caller go, and the loop ends over it.

    Raises:
        CancelledError: the caller was asked to end meanwhile; `work` has ended.
    """
    task = asyncio.create_task(_finish(work))
    asked: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as err:
            asked = err
    if asked is not None:
        if not task.cancelled():
            task.exception()  # taken note of: the request to end outweighs it
        raise asked
    return task.result()


async def _finish(work: Awaitable[T]) -> T:
    return await work
