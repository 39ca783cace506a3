"""The writer: gives each record its seq and commits many of them together.

Law: a seq is given only inside the writer's turn, from what the file holds, so a commit that failed
leaves no hole. Clinical and status records are committed at once, with whatever else waits; bulk
records wait at most `group_commit_s` for company.
"""

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from edge_agent.journal import facts, rows
from edge_agent.journal.accepted import Accepted
from edge_agent.journal.disk import Disk
from edge_agent.journal.housekeeper import Housekeeper
from edge_agent.journal.rows import Row
from edge_agent.journal.schema import transaction
from protocols.clock import Clock, ClockSource
from protocols.errors import ClosedError, JournalFullError, StorageError
from protocols.ids import Seq
from protocols.link.frame import Origin
from protocols.link.streams import DURABLE, NEVER_SHED, Stream
from protocols.runtime.cancel import to_the_end

PENDING_RECORDS: Final = 5_000
"""Records that wait for a commit at most; past it the callers wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A record that has no seq yet."""

    stream: Stream
    captured_utc_us: int
    clock: ClockSource
    clock_error_us: int | None
    body: bytes
    origin: Origin | None = None
    fact: tuple[str, str] | None = None
    """A small fact, name and value, kept in the commit that holds the record or not at all."""


_Waiting = tuple[Draft, "asyncio.Future[Seq]"]


class Writer:
    """Takes drafts in order and answers each once it is on the disk."""

    def __init__(
        self,
        disk: Disk,
        accepted: Accepted,
        housekeeper: Housekeeper,
        clock: Clock,
        *,
        group_commit_s: float,
    ) -> None:
        self._disk = disk
        self._accepted = accepted
        self._housekeeper = housekeeper
        self._clock = clock
        self._group_commit_s = group_commit_s
        self._pending: list[_Waiting] = []
        self._some = asyncio.Event()
        self._urgent = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._is_closed = False
        self.turn = asyncio.Lock()
        """Held by whoever changes what the file holds: each commit numbers from the one before."""

    async def write(self, drafts: Iterable[Draft]) -> list[Seq]:
        """Return the drafts' seqs once they are on the disk.

        Raises:
            JournalFullError: no room, and nothing less valuable is left to shed.
            StorageError: the disk refused.
            ClosedError: the writer was closed.
        """
        await self._room.wait()
        if self._is_closed:
            raise ClosedError(what="journal")
        loop = asyncio.get_running_loop()
        waiting: list[_Waiting] = [(draft, loop.create_future()) for draft in drafts]
        self._pending += waiting
        if len(self._pending) >= PENDING_RECORDS:
            self._room.clear()
        self._some.set()
        if any(draft.stream in DURABLE and draft.origin is None for draft, _ in waiting):
            self._urgent.set()
        return list(await asyncio.gather(*(done for _, done in waiting)))

    async def run(self) -> None:
        """Commit what is written until cancelled."""
        while True:
            await self._some.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._group_commit_s):
                    await self._urgent.wait()
            await to_the_end(self._commit_pending())  # its callers are told, whatever ends

    async def flush(self) -> None:
        """Commit all that waits."""
        while self._pending:
            await self._commit_pending()
        async with self.turn:
            return  # what was being committed is

    async def close(self) -> None:
        """Commit all that waits; writing afterwards is refused."""
        self._is_closed = True
        await self.flush()

    async def _commit_pending(self) -> None:
        async with self.turn:
            batch, self._pending = self._pending, []
            self._some.clear()
            self._urgent.clear()
            self._room.set()
            refused = await self._commit(batch)
            if isinstance(refused, JournalFullError) and await self._housekeeper.open_reserve():
                refused = await self._commit(batch)
            if isinstance(refused, JournalFullError):
                # nothing is left to shed: what may never be shed has the last of the room
                _refuse([item for item in batch if item[0].stream not in NEVER_SHED], refused)
                batch = [item for item in batch if item[0].stream in NEVER_SHED]
                refused = await self._commit(batch)
            if refused is not None:
                _refuse(batch, refused)

    async def _commit(self, batch: list[_Waiting]) -> StorageError | None:
        """Commit `batch` and tell of it; on a full disk make room and try again."""
        while batch:
            numbered = self._numbered(draft for draft, _ in batch)
            try:
                await self._append(numbered, [draft.fact for draft, _ in batch if draft.fact])
            except JournalFullError as err:
                if await self._housekeeper.make_room():
                    continue
                return err
            except StorageError as err:
                return err
            try:
                self._accepted.committed(numbered)
            finally:  # it is on the disk, whatever a listener makes of it
                for row, (_, done) in zip(numbered, batch, strict=True):
                    if not done.done():
                        done.set_result(row.seq)
            return None
        return None

    async def _append(self, numbered: list[Row], kept: list[tuple[str, str]]) -> None:
        now_us = self._clock.utc_us()

        def append(file: sqlite3.Connection) -> None:
            with transaction(file):
                rows.append(file, numbered, now_utc_us=now_us)
                for name, value in kept:
                    facts.keep(file, name, value)

        await self._disk.run(append)

    def _numbered(self, drafts: Iterable[Draft]) -> list[Row]:
        last = {stream: account.last_seq for stream, account in self._accepted.accounts.items()}
        numbered: list[Row] = []
        for draft in drafts:
            last[draft.stream] = last.get(draft.stream, 0) + 1
            numbered.append(
                Row(
                    stream=draft.stream,
                    seq=Seq(last[draft.stream]),
                    captured_utc_us=draft.captured_utc_us,
                    clock=draft.clock,
                    clock_error_us=draft.clock_error_us,
                    body=draft.body,
                    origin=draft.origin,
                )
            )
        return numbered


def _refuse(batch: list[_Waiting], err: StorageError) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(err)
