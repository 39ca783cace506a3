"""The journal's file, its mark and its tail, and the one thread that alone touches them."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from edge_agent.journal.mark import Mark
from edge_agent.journal.tail import Tail
from protocols.errors import JournalFullError, StorageError

T = TypeVar("T")


class Disk:
    """Runs work on the connection, off the event loop, one piece after another."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        thread: ThreadPoolExecutor,
        *,
        mark: Mark,
        tail: Tail,
    ) -> None:
        """`mark`, `tail`: follow each piece of work, before anybody is told that it is done."""
        self.path = path
        self._mark = mark
        self._tail = tail
        self._connection = connection
        self._thread = thread

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` returns.

        Raises:
            JournalFullError: the disk is full.
            StorageError: the file refused.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._run, work)
        except Exception as err:
            if "disk is full" in str(err):
                raise JournalFullError(file=self.path.name) from err
            if isinstance(err, (sqlite3.Error, OSError)) or type(err).__module__.startswith(
                "sqlcipher3"
            ):
                raise StorageError(file=self.path.name, detail=str(err)[:120]) from err
            raise

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._connection)
        finally:
            if self._tail.is_behind:
                self._mark.follow(self._connection)
                self._tail.follow()

    async def keep_tail(self) -> None:
        """Begin the tail anew where it was thrown away."""
        await self.run(lambda _: self._tail.begin())

    async def close(self) -> None:
        """Close the file, its tail and its mark, after the work that waits."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._tail.close)
        await loop.run_in_executor(self._thread, self._mark.close)
        await loop.run_in_executor(self._thread, self._connection.close)
