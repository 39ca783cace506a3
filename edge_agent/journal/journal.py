"""The journal: records held on disk until the hub says that it has them. Law: accepted is durable.

Theory of operation. One SQLite file and one thread that alone touches it. `append` returns after
the commit that holds the record. Clinical and status records are committed at once, with whatever
else waits (many writers share a commit); bulk records wait at most `group_commit_s` for company.
Seqs are given out in order of `append`, in memory, from what the file held at start: a record whose
commit failed leaves no hole, for the seq is given only inside the writer's turn.

Nothing is freed but on the hub's word, or by shedding (see `room`). Clinical and status streams are
never shed; if nothing else is left, `append` refuses bulk and the caller keeps it.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from edge_agent.journal import room, rows
from edge_agent.journal.rows import Row, StreamAccount
from edge_agent.journal.schema import journal_id, transaction
from edge_agent.journal.settings import JournalSettings
from protocols.clock import Clock, ClockSource
from protocols.errors import ClosedError, JournalFullError, StorageError
from protocols.ids import JournalId, Seq
from protocols.link.ack import Held
from protocols.link.frame import Origin
from protocols.link.ranges import SeqRanges
from protocols.link.streams import DURABLE, NEVER_SHED, Stream
from protocols.messages import Gap, Message

log = logging.getLogger(__name__)

T = TypeVar("T")

PENDING_RECORDS: Final = 5_000
"""Records that wait for a commit at most; past it `append` makes its caller wait."""

UNVERIFIED: Final = "journal.unverified"
RETIRED: Final = "journal.retired"

_HOUSEKEEPING_S: Final = 10.0
_FULL: Final = 0.95  # of the largest size: room is made before a commit has to wait for it

Listener = Callable[[Row], None]
"""Told of each accepted record, in order, in the loop's thread; returns at once, never raises."""


@dataclass(frozen=True, slots=True)
class _Pending:
    stream: Stream
    captured_utc_us: int
    clock: ClockSource
    clock_error_us: int | None
    body: bytes
    origin: Origin | None
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
        self._listeners: list[tuple[Listener, bool]] = []
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
            _Pending(
                stream, captured_utc_us, clock, clock_error_us, message.to_body(), None, future
            )
        )
        if len(self._pending) >= PENDING_RECORDS:
            self._room.clear()
        self._some.set()
        if stream in DURABLE:
            self._urgent.set()
        return await future

    async def append_again(self, salvaged: Sequence[Row]) -> None:
        """Accept records again that an earlier file had accepted; their `origin` says where.

        Raises: as `append`.
        """
        await self._room.wait()
        if self._closed:
            raise ClosedError(what="journal")
        loop = asyncio.get_running_loop()
        waiting = [
            _Pending(
                row.stream, row.captured_utc_us, row.clock, row.clock_error_us, row.body,
                row.origin, loop.create_future(),
            )
            for row in salvaged
        ]  # fmt: skip
        self._pending += waiting
        self._some.set()
        await asyncio.gather(*(item.done for item in waiting))

    def on_append(self, listener: Listener, *, also_salvaged: bool = False) -> None:
        """Have `listener` told of every record accepted from now on."""
        self._listeners.append((listener, also_salvaged))

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
            with transaction(self._connection):
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
        """Return of `stream` what the hub lacks: records, about how many bytes, and since when."""
        account = self.account(stream)
        spans = sum(last - first + 1 for first, last in account.held.ranges)
        count = account.last_seq - account.held.watermark - spans
        if not count:
            return 0, 0, None
        return await self._on_thread(
            lambda: (
                count,
                round(count * rows.mean_body_bytes(self._connection, stream)),
                rows.oldest_waiting_utc_us(self._connection, stream, account.held),
            )
        )

    async def salvaged(self, journal: JournalId) -> dict[Stream, SeqRanges]:
        """Return which records of a lost `journal` stand here."""
        return await self._on_thread(lambda: rows.salvaged(self._connection, journal))

    async def captured_beside(
        self, journal: JournalId, stream: Stream, span: tuple[int, int]
    ) -> tuple[int | None, int | None]:
        """Return when the salvaged neighbours before and after `span` were captured."""
        return await self._on_thread(
            lambda: rows.captured_beside(self._connection, journal, stream, span)
        )

    # -- is it the one that the hub knows? ------------------------------------------------------

    async def note_start(self) -> None:
        """Keep how far each stream went, until the hub has said how far it knows them.

        A file that was put back from a copy, or lost its tail, gives seqs out a second time; what
        this start accepts must then be told from what the hub has under the same seqs.
        """
        if await self.kept(UNVERIFIED) is None:
            last = {stream.value: account.last_seq for stream, account in self._accounts.items()}
            await self.keep(UNVERIFIED, json.dumps(last))

    async def verified(self) -> None:
        """Note that the hub knows no more than this file gave out."""
        await self.forget(UNVERIFIED)

    async def retire(self) -> None:
        """Have the next start set this file aside and begin a new journal with what it held."""
        await self.keep(RETIRED, "1")

    # -- small durable facts --------------------------------------------------------------------

    async def keep(self, name: str, value: str) -> None:
        """Keep a small fact; durable when this returns."""
        await self._on_thread(lambda: rows.keep(self._connection, name, value))

    async def forget(self, name: str) -> None:
        """Forget a small fact."""
        await self._on_thread(lambda: rows.forget(self._connection, name))

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
            committing = asyncio.create_task(self._commit_pending())
            try:
                await asyncio.shield(committing)
            except asyncio.CancelledError:
                await committing  # its callers are told, whatever ends
                raise

    async def _commit_pending(self) -> None:
        async with self._committing:  # one commit at a time: each numbers from the one before
            batch, self._pending = self._pending, []
            self._some.clear()
            self._urgent.clear()
            self._room.set()
            refused = await self._commit(batch)
            if isinstance(refused, JournalFullError) and await self._open_reserve():
                refused = await self._commit(batch)
            if isinstance(refused, JournalFullError):
                # nothing is left to shed: what may never be shed has the last of the room
                kept = [item for item in batch if item.stream in NEVER_SHED]
                _refuse([item for item in batch if item.stream not in NEVER_SHED], refused)
                batch, refused = kept, await self._commit(kept)
            if refused is not None:
                _refuse(batch, refused)

    async def _commit(self, batch: list[_Pending]) -> StorageError | None:
        """Commit `batch` and tell of it; on a full disk make room and try again."""
        while batch:
            numbered = self._number(batch)
            now_us = self._clock.utc_us()
            try:
                await self._on_thread(lambda: _append(self._connection, numbered, now_us))  # noqa: B023 -- awaited
            except JournalFullError as err:
                if await self._make_room():
                    continue
                return err
            except StorageError as err:
                return err
            self._tell(numbered)
            for row, item in zip(numbered, batch, strict=True):
                if not item.done.done():
                    item.done.set_result(row.seq)
            return None
        return None

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
                    origin=item.origin,
                )
            )
        return numbered

    def _tell(self, committed: list[Row]) -> None:
        for row in committed:
            known = self.account(row.stream)
            self._accounts[row.stream] = StreamAccount(last_seq=row.seq, held=known.held)
            for listener, also_salvaged in self._listeners:
                if row.origin is None or also_salvaged:
                    listener(row)

    # -- room -----------------------------------------------------------------------------------

    async def _keep_house(self) -> None:
        while True:
            await self._clock.sleep(_HOUSEKEEPING_S)
            try:
                await self.keep_house()
            except StorageError as err:
                log.warning("journal.house", extra={"error": err.code})

    async def keep_house(self) -> None:
        """Free what the hub has and the tablet no longer needs; shed what is too old or much."""
        settings = self._settings
        before_us = self._clock.utc_us() - int(settings.keep_acknowledged_s * 1e6)
        async with self._committing:
            await self._on_thread(lambda: room.free(self._connection, self._accounts, before_us))
            while await self._shed(room.Retention(int(settings.keep_unsent_s * 1e6))):
                pass
            while await self._is_short() and await self._make_room():
                pass
            await self._on_thread(lambda: room.give_back(self._connection, self.path))

    async def _is_short(self) -> bool:
        used = await self._on_thread(lambda: rows.size_bytes(self._connection))
        if used > _FULL * self._settings.largest_bytes:
            return True
        free = await self._on_thread(lambda: room.disk_free_bytes(self.path))
        return free < self._settings.least_free_bytes

    async def _make_room(self) -> bool:
        """Give up the least valuable there is; False with nothing left to give up."""
        now_us = self._clock.utc_us()
        try:
            freed = await self._on_thread(
                lambda: room.free(self._connection, self._accounts, now_us)
            )
            if freed or await self._shed(None):
                await self._on_thread(lambda: room.bring_home(self._connection))
                return True
        except StorageError as err:
            log.error("journal.no_room", extra={"error": err.code})  # noqa: TRY400 -- refused next
            return False
        log.error("journal.full", extra={"file": self.path.name})
        return False

    async def _open_reserve(self) -> bool:
        """Whether there was a reserve, which is now open."""
        try:
            return await self._on_thread(lambda: room.open_reserve(self._connection, self.path))
        except StorageError:
            return True  # opened, though the log could not be brought home

    async def _shed(self, retention: room.Retention | None) -> bool:
        """Shed one run and declare it, in one transaction; False where there is nothing to shed."""
        now_us = self._clock.utc_us()
        done = await self._on_thread(
            lambda: room.shed(self._connection, self._accounts, retention, now_utc_us=now_us)
        )
        if done is None:
            return False
        gap, row = done
        for listener in self._gone_listeners:
            listener(gap)
        self._tell([row])
        log.warning(
            "journal.shed",
            extra={
                "stream": gap.stream.value, "first_seq": gap.first_seq, "last_seq": gap.last_seq,
                "reason": gap.reason,
            },
        )  # fmt: skip
        return True

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


def _append(connection: sqlite3.Connection, numbered: list[Row], now_us: int) -> None:
    with transaction(connection):
        rows.append(connection, numbered, now_utc_us=now_us)


def _refuse(batch: list[_Pending], err: StorageError) -> None:
    for item in batch:
        if not item.done.done():
            item.done.set_exception(err)
