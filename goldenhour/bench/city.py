"""A demo to measure against: started by its own command, looked at from outside."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from goldenhour.demo.errors import NotReadyError

_START_S: Final = 300.0
_STOP_S: Final = 60.0


@contextlib.asynccontextmanager
async def running_city(folder: Path, *, light_units: int) -> AsyncIterator[dict[str, Any]]:
    """Yield the table of a demo in `folder` once it is ready; it has ended on leaving.

    Raises:
        NotReadyError: it did not come up; what it said went to standard error.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "goldenhour.tether", str(os.getpid())),
        *(sys.executable, "-m", "goldenhour", "demo", "--json", "--port", "0"),
        *("--units", str(light_units), "--data", str(folder)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 -- it is a pipe
    try:
        async with asyncio.timeout(_START_S):
            line = await process.stdout.readline()
        if not line:
            raise NotReadyError(reason="the demo to measure did not come up")
        yield json.loads(line)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
