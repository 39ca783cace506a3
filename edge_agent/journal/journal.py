"""The journal: records held on disk until the hub says that it has them. Law: accepted is durable.

Theory of operation. One SQLite file and one thread that alone touches it. `append` returns after
the commit that holds the record. Clinical and status records are committed at once, with whatever
else waits (many writers share a commit); bulk records wait at most `group_commit_s` for company.
Seqs are given out in order of `append`, in memory, from what the file held at start: a record whose
commit failed leaves no hole, for the seq is given only inside the writer's turn.

Nothing is freed but on the hub's word, or by shedding when the file is full: then the least
valuable bulk goes first, oldest first, and a gap record says what went. Clinical and status streams
are never shed; if nothing else is left, `append` refuses bulk and the caller keeps it.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from edge_agent.journal import rows
from edge_agent.journal.rows import Row, StreamAccount
from edge_agent.journal.schema import journal_id, open_file, set_aside
from edge_agent.journal.settings import JournalSettings
from protocols.clock import Clock, ClockSource
from protocols.errors import ClosedError, JournalFullError, StorageError, StoreCorruptError
from protocols.ids import JournalId, Seq
from protocols.link.ack import Held
from protocols.link.streams import DURABLE, NEVER_SHED, PRIORITY, Stream
from protocols.messages import Gap, Message

log = logging.getLogger(__name__)

T = TypeVar("T")

PENDING_RECORDS: Final = 5_000
"""Records that wait for a commit at most; past it `append` makes its caller wait."""

SHED_RECORDS: Final = 200
_HOUSEKEEPING_S: Final = 30.0

Listener = Callable[[Row], None]
"""Told of each accepted record, in order, in the loop's thread; returns at once, never raises."""


@dataclass(frozen=True, slots=True)
class _Pending:
    stream: Stream
    captured_utc_us: int
    clock: ClockSource
    clock_error_us: int | None
    body: bytes
    done: "asyncio.Future[Seq]"


class Journal:
    """One vehicle's journal. Made by `open_journal`; its calls are for one event loop."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        settings: JournalSettings,
        clock: Clock,
        thread: ThreadPoolExecutor,
    ) -> None:
        self.id: JournalId = journal_id(connection)
        self.path = path
        self.set_aside: Path | None = None
        self._connection = connection
        self._settings = settings
        self._clock = clock
        self._thread = thread
        self._accounts: dict[Stream, StreamAccount] = rows.accounts(connection)
        self._pending: list[_Pending] = []
        self._urgent = asyncio.Event()
        self._some = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._listeners: list[Listener] = []
        self._gone_listeners: list[Callable[[Gap], None]] = []
        self._closed = False
        self._committing = asyncio.Lock()

    # -- accepting ------------------------------------------------------------------------------

    async def append(
        self,
        stream: Stream,
        message: Message,
        *,
        captured_utc_us: int,
        clock: ClockSource,
        clock_error_us: int | None,
    ) -> Seq:
        """Return the record's seq once it is on the disk.

        Raises:
            JournalFullError: the disk has no room and nothing less valuable is left to shed; the
                caller still owns the record.
            StorageError: the disk refused; the caller still owns the record.
            ClosedError: the journal was closed.
        """
        await self._room.wait()
        if self._closed:
            raise ClosedError(what="journal")
        future: asyncio.Future[Seq] = asyncio.get_running_loop().create_future()
        self._pending.append(
            _Pending(stream, captured_utc_us, clock, clock_error_us, message.to_body(), future)
        )
        if len(self._pending) >= PENDING_RECORDS:
            self._room.clear()
        self._some.set()
        if stream in DURABLE:
            self._urgent.set()
        return await future

    def on_append(self, listener: Listener) -> None:
        """Have `listener` told of every record accepted from now on."""
        self._listeners.append(listener)

    def on_shed(self, listener: Callable[[Gap], None]) -> None:
        """Have `listener` told of every gap that shedding makes."""
        self._gone_listeners.append(listener)

    # -- the link -------------------------------------------------------------------------------

    def account(self, stream: Stream) -> StreamAccount:
        """Return the last seq of `stream` and what the hub has of it."""
        return self._accounts.get(stream, StreamAccount(last_seq=0, held=Held()))

    async def span(self, stream: Stream, first: int, last: int) -> list[Row]:
        """Return the rows `first` … `last` of `stream` that are still here, in order."""
        return await self._on_thread(lambda: rows.span(self._connection, stream, first, last))

    async def acknowledged(self, stream: Stream, held: Held) -> None:
        """Keep what the hub has of `stream`: those rows may go when their time has come."""
        known = self.account(stream)
        self._accounts[stream] = StreamAccount(last_seq=known.last_seq, held=held)
        await self._on_thread(lambda: rows.note_held(self._connection, stream, held))

    async def receive_orders(
        self, journal: JournalId, orders: list[tuple[int, str, bytes]], held: Held
    ) -> None:
        """Commit orders (seq, order id, body) and the ledger that then covers them."""
        now_us = self._clock.utc_us()

        def commit() -> None:
            with _transaction(self._connection):
                for seq, order_id, body in orders:
                    rows.receive_order(
                        self._connection,
                        journal,
                        seq,
                        order_id=order_id,
                        body=body,
                        now_utc_us=now_us,
                    )
                rows.note_inbox(self._connection, journal, held)

        await self._on_thread(commit)

    async def inbox_held(self, journal: JournalId) -> Held:
        """Return which orders of the hub's `journal` have been received."""
        return await self._on_thread(lambda: rows.inbox_held(self._connection, journal))

    # -- reading --------------------------------------------------------------------------------

    async def newest(self, stream: Stream, *, since_utc_us: int = 0, limit: int = 1) -> list[Row]:
        """Return the newest rows of `stream`, oldest first."""
        return await self._on_thread(
            lambda: rows.newest(self._connection, stream, since_utc_us=since_utc_us, limit=limit)
        )

    async def orders(self, *, since_utc_us: int) -> list[tuple[int, bytes]]:
        """Return (received_utc_us, body) of the orders received since then, oldest first."""
        return await self._on_thread(
            lambda: rows.orders(self._connection, since_utc_us=since_utc_us)
        )

    async def waiting(self, stream: Stream) -> tuple[int, int, int | None]:
        """Return of `stream` what the hub lacks: records, bytes, when the oldest was captured."""
        account = self.account(stream)
        spans = sum(last - first + 1 for first, last in account.held.ranges)
        count = account.last_seq - account.held.watermark - spans
        if not count:
            return 0, 0, None
        return await self._on_thread(
            lambda: (
                count,
                rows.waiting_bytes(self._connection, stream, account.held),
                rows.oldest_waiting_utc_us(self._connection, stream, account.held),
            )
        )

    # -- small durable facts --------------------------------------------------------------------

    async def keep(self, name: str, value: str) -> None:
        """Keep a small fact; durable when this returns."""
        await self._on_thread(lambda: rows.keep(self._connection, name, value))

    async def kept(self, name: str) -> str | None:
        """Return a fact that was kept, or None."""
        return await self._on_thread(lambda: rows.kept(self._connection, name))

    # -- the writer -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Commit what is appended until cancelled; a service of the agent."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._commit_for_ever(), name="journal.commit")
            group.create_task(self._keep_house(), name="journal.house")

    async def flush(self) -> None:
        """Commit all that waits."""
        while self._pending:
            await self._commit_pending()

    async def _commit_for_ever(self) -> None:
        while True:
            await self._some.wait()
            if not self._urgent.is_set():
                try:
                    async with asyncio.timeout(self._settings.group_commit_s):
                        await self._urgent.wait()
                except TimeoutError:
                    pass
            await self._commit_pending()

    async def _commit_pending(self) -> None:
        async with self._committing:  # one commit at a time: each numbers from the one before
            await self._commit_batch()

    async def _commit_batch(self) -> None:
        batch, self._pending = self._pending, []
        self._some.clear()
        self._urgent.clear()
        self._room.set()
        if not batch:
            return
        numbered = self._number(batch)
        now_us = self._clock.utc_us()

        def commit() -> None:
            with _transaction(self._connection):
                rows.append(self._connection, numbered, now_utc_us=now_us)

        try:
            await self._on_thread(commit)
        except StorageError as err:
            for item in batch:
                if not item.done.done():
                    item.done.set_exception(err)
            return
        for row, item in zip(numbered, batch, strict=True):
            known = self.account(row.stream)
            self._accounts[row.stream] = StreamAccount(last_seq=row.seq, held=known.held)
            if not item.done.done():
                item.done.set_result(row.seq)
            for listener in self._listeners:
                listener(row)

    def _number(self, batch: list[_Pending]) -> list[Row]:
        last = {stream: account.last_seq for stream, account in self._accounts.items()}
        numbered: list[Row] = []
        for item in batch:
            last[item.stream] = last.get(item.stream, 0) + 1
            numbered.append(
                Row(
                    stream=item.stream,
                    seq=Seq(last[item.stream]),
                    captured_utc_us=item.captured_utc_us,
                    clock=item.clock,
                    clock_error_us=item.clock_error_us,
                    body=item.body,
                )
            )
        return numbered

    # -- retention ------------------------------------------------------------------------------

    async def _keep_house(self) -> None:
        while True:
            await self._clock.sleep(_HOUSEKEEPING_S)
            await self.keep_house()

    async def keep_house(self) -> None:
        """Free what the hub has and the tablet no longer needs; shed if the file is too large."""
        before_us = self._clock.utc_us() - int(self._settings.keep_acknowledged_s * 1e6)
        for stream, account in list(self._accounts.items()):
            await self._free(stream, account.held, before_us)
        if await self._size() <= self._settings.largest_bytes:
            return
        for stream, account in list(self._accounts.items()):
            await self._free(stream, account.held, self._clock.utc_us())
        while await self._size() > self._settings.largest_bytes:
            if not await self._shed_once():
                log.error("journal.full", extra={"size_bytes": await self._size()})
                return

    async def _free(self, stream: Stream, held: Held, before_us: int) -> None:
        await self._on_thread(
            lambda: rows.free(self._connection, stream, held, appended_before_utc_us=before_us)
        )

    async def _size(self) -> int:
        return await self._on_thread(lambda: rows.size_bytes(self._connection))

    async def _shed_once(self) -> bool:
        """Give up a run of the least valuable records, and say so in a gap record."""
        for stream in sorted(Stream, key=lambda s: -PRIORITY[s]):
            if stream in NEVER_SHED or stream is Stream.ORDER:
                continue
            account = self.account(stream)
            if account.last_seq <= account.held.watermark:
                continue
            gap = await self._shed_run(stream, account.held)
            if gap is None:
                continue
            now_us = self._clock.utc_us()
            for listener in self._gone_listeners:
                listener(gap)
            row = _Pending(
                Stream.STATUS, now_us, ClockSource.RTC, None, gap.to_body(),
                asyncio.get_running_loop().create_future(),
            )  # fmt: skip
            self._pending.append(row)
            await self._commit_pending()
            log.warning(
                "journal.shed",
                extra={
                    "stream": stream.value,
                    "first_seq": gap.first_seq,
                    "last_seq": gap.last_seq,
                },
            )
            return True
        return False

    async def _shed_run(self, stream: Stream, held: Held) -> Gap | None:
        def run() -> tuple[int, int, int, int] | None:
            with _transaction(self._connection):
                return rows.shed(self._connection, stream, held, most=SHED_RECORDS)

        run_of = await self._on_thread(run)
        if run_of is None:
            return None
        first, last, first_us, last_us = run_of
        return Gap(
            stream=stream,
            first_seq=first,
            last_seq=last,
            reason="disk-full",
            first_captured_utc_us=first_us,
            last_captured_utc_us=last_us,
        )

    # -- the end --------------------------------------------------------------------------------

    async def close(self) -> None:
        """Commit what waits and close the file; appending afterwards is refused."""
        self._closed = True
        await self.flush()
        await self._on_thread(self._connection.close)

    async def _on_thread(self, work: Callable[[], T]) -> T:
        """Run `work` on the journal's thread.

        Raises:
            JournalFullError: the disk is full.
            StorageError: the file refused.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, work)
        except Exception as err:
            if "disk is full" in str(err):
                raise JournalFullError(file=self.path.name) from err
            if isinstance(err, (sqlite3.Error, OSError)) or type(err).__module__.startswith(
                "sqlcipher3"
            ):
                raise StorageError(file=self.path.name, detail=str(err)[:120]) from err
            raise


@asynccontextmanager
async def open_journal(
    path: Path, settings: JournalSettings, clock: Clock
) -> AsyncIterator[Journal]:
    """Open the journal at `path`, made at first use, and close it on leaving.

    A damaged file is set aside whole and a new journal begun; `journal.set_aside` names it.

    Raises:
        ConfigError: its key cannot be used.
    """
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
    aside: Path | None = None
    try:
        try:
            connection = await loop.run_in_executor(
                thread, lambda: open_file(path, key_file=settings.key_file)
            )
        except StoreCorruptError as err:
            aside = set_aside(path, stamp_us=clock.utc_us())
            log.error("journal.set_aside", extra={"file": aside.name, "reason": str(err)})  # noqa: TRY400 -- the file is what matters
            connection = await loop.run_in_executor(
                thread, lambda: open_file(path, key_file=settings.key_file)
            )
        journal = Journal(connection, path, settings, clock, thread)
        journal.set_aside = aside
        try:
            yield journal
        finally:
            await journal.close()
    finally:
        thread.shutdown()


class _transaction:  # noqa: N801 -- read as a statement
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK where the body raises."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, _value: object, _trace: object) -> None:
        if kind is not None:
            self._connection.execute("ROLLBACK")
            return
        try:
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
