"""The journal's file, and the one thread that alone touches it."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from protocols.errors import JournalFullError, StorageError

T = TypeVar("T")


class Disk:
    """Runs work on the connection, off the event loop, one piece after another."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, thread: ThreadPoolExecutor
    ) -> None:
        self.path = path
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
            return await loop.run_in_executor(self._thread, work, self._connection)
        except Exception as err:
            if "disk is full" in str(err):
                raise JournalFullError(file=self.path.name) from err
            if isinstance(err, (sqlite3.Error, OSError)) or type(err).__module__.startswith(
                "sqlcipher3"
            ):
                raise StorageError(file=self.path.name, detail=str(err)[:120]) from err
            raise

    async def close(self) -> None:
        """Close the file, after the work that waits."""
        await self.run(lambda file: file.close())
