"""A request to end that is not lost."""

import asyncio


def heed_cancellation() -> None:
    """Return if nobody asked this task to end; who catches errors to try again calls this first.

    A TaskGroup whose tasks fail in the moment in which it is cancelled raises their errors, and the
    request to end is forgotten. Source: CPython issue 116720, mended in 3.13.

    Raises:
        CancelledError: somebody did.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
