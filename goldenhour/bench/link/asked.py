"""A program of the benchmark that is asked by lines of JSON, and answers each by a line."""

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any, Final

from goldenhour.demo.errors import NotReadyError

_READY_S: Final = 120.0
_STOP_S: Final = 20.0
_MOST_LINE_BYTES: Final = 16 * 2**20


class Asked:
    """The running program. Several questions may be open at once."""

    def __init__(self, process: asyncio.subprocess.Process, module: str) -> None:
        self._process = process
        self._module = module
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def ask(self, op: str, *, within_s: float = 600.0, **fields: Any) -> dict[str, Any]:
        """Return the answer.

        Raises:
            NotReadyError: the program has ended.
            TimeoutError: it takes too long.
        """
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._open[number] = answer
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 -- it is a pipe
        stdin.write(json.dumps({"n": number, "op": op, **fields}).encode() + b"\n")
        try:
            async with asyncio.timeout(within_s):
                return await answer
        finally:
            self._open.pop(number, None)

    async def listen(self) -> None:
        """Hand the answers to those who asked, until the program ends."""
        assert self._process.stdout is not None  # noqa: S101 -- it is a pipe
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            answer = self._open.get(said["n"])
            if answer is not None and not answer.done():
                answer.set_result(said)
        for answer in self._open.values():
            if not answer.done():
                answer.set_exception(NotReadyError(reason=f"{self._module} has ended"))


@contextlib.asynccontextmanager
async def asked(module: str, *arguments: str) -> AsyncIterator[Asked]:
    """Run the module as a program until the block ends; it has said that it is ready.

    Raises:
        NotReadyError: it ended before; what it said went to standard error.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "goldenhour.tether", str(os.getpid())),
        *(sys.executable, "-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_MOST_LINE_BYTES,
    )
    assert process.stdout is not None  # noqa: S101 -- it is a pipe
    assert process.stdin is not None  # noqa: S101
    listening: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(_READY_S):
            line = await process.stdout.readline()
        if not line:
            raise NotReadyError(reason=f"{module} did not come up")
        program = Asked(process, module)
        listening = asyncio.create_task(program.listen())
        yield program
    finally:
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
