"""The journal: records held on disk until the hub says that it has them. Law: accepted is durable.

Theory of operation. One SQLite file, which one thread alone touches (`disk`). `append` returns
after the commit that holds the record (`writer`). What was accepted is told in order to whoever
listens (`accepted`). Nothing is freed but on the hub's word, or by shedding (`housekeeper`,
`room`); clinical and status streams are never shed; if nothing else is left, `append` refuses bulk
and the caller keeps it.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

from edge_agent.journal import facts, inbox, rows
from edge_agent.journal.accepted import Accepted, Listener
from edge_agent.journal.disk import Disk
from edge_agent.journal.housekeeper import Housekeeper
from edge_agent.journal.rows import Row, StreamAccount
from edge_agent.journal.schema import transaction
from edge_agent.journal.settings import JournalSettings
from edge_agent.journal.writer import Draft, Writer
from protocols.clock import Clock, ClockSource
from protocols.errors import StorageError
from protocols.ids import JournalId, Seq
from protocols.link.ack import Held
from protocols.link.ranges import SeqRanges
from protocols.link.streams import Stream
from protocols.messages import Gap, Message

log = logging.getLogger(__name__)

UNVERIFIED: Final = "journal.unverified"
RETIRED: Final = "journal.retired"

_HOUSEKEEPING_S: Final = 10.0


class Journal:
    """One vehicle's journal. Made by `open_journal`; its calls are for one event loop."""

    def __init__(
        self,
        disk: Disk,
        settings: JournalSettings,
        clock: Clock,
        *,
        journal: JournalId,
        accepted: Accepted,
    ) -> None:
        """`accepted`: of every stream, as the file has it."""
        self.id = journal
        self.path = disk.path
        self.key_file = settings.key_file
        self._disk = disk
        self._clock = clock
        self._accepted = accepted
        self._housekeeper = Housekeeper(disk, self._accepted, settings, clock)
        self._writer = Writer(
            disk, self._accepted, self._housekeeper, clock, group_commit_s=settings.group_commit_s
        )

    # -- accepting ------------------------------------------------------------------------------

    async def append(  # noqa: PLR0913 -- what a record is made of
        self,
        stream: Stream,
        message: Message,
        *,
        captured_utc_us: int,
        clock: ClockSource,
        clock_error_us: int | None,
        fact: tuple[str, str] | None = None,
    ) -> Seq:
        """Return the record's seq once it is on the disk; `fact` is kept in the same commit.

        Raises:
            JournalFullError: the disk has no room and nothing less valuable is left to shed; the
                caller still owns the record.
            StorageError: the disk refused; the caller still owns the record.
            ClosedError: the journal was closed.
        """
        draft = Draft(
            stream=stream,
            captured_utc_us=captured_utc_us,
            clock=clock,
            clock_error_us=clock_error_us,
            body=message.to_body(),
            fact=fact,
        )
        (seq,) = await self._writer.write([draft])
        return seq

    async def append_again(self, salvaged: Sequence[Row]) -> None:
        """Accept records again that an earlier file had accepted; their `origin` says where.

        Raises: as `append`.
        """
        await self._writer.write(
            Draft(
                stream=row.stream,
                captured_utc_us=row.captured_utc_us,
                clock=row.clock,
                clock_error_us=row.clock_error_us,
                body=row.body,
                origin=row.origin,
            )
            for row in salvaged
        )

    def on_append(self, listener: Listener, *, also_salvaged: bool = False) -> None:
        """Have `listener` told of every record accepted from now on."""
        self._accepted.on_append(listener, also_salvaged=also_salvaged)

    def on_shed(self, listener: Callable[[Gap], None]) -> None:
        """Have `listener` told of every gap that shedding makes."""
        self._accepted.on_shed(listener)

    # -- the link -------------------------------------------------------------------------------

    def account(self, stream: Stream) -> StreamAccount:
        """Return the last seq of `stream` and what the hub has of it."""
        return self._accepted.of(stream)

    async def span(self, stream: Stream, first: int, last: int) -> list[Row]:
        """Return the rows `first` … `last` of `stream` that are still here, in order.

        What turns out to be damaged is declared as gone.
        """
        found, damaged = await self._disk.run(lambda file: rows.span(file, stream, first, last))
        if damaged:
            async with self._writer.turn:
                await self._housekeeper.give_up(stream, damaged)
        return found

    async def acknowledged(self, stream: Stream, held: Held) -> None:
        """Keep what the hub has of `stream`: those rows may go when their time has come."""
        self._accepted.hub_has(stream, held)
        await self._disk.run(lambda file: rows.note_held(file, stream, held))

    async def receive_orders(
        self, journal: JournalId, orders: list[tuple[int, str, bytes]], held: Held
    ) -> None:
        """Commit orders (seq, order id, body) and the ledger that then covers them."""
        now_us = self._clock.utc_us()

        def commit(file: sqlite3.Connection) -> None:
            with transaction(file):
                for seq, order_id, body in orders:
                    inbox.receive_order(
                        file,
                        journal,
                        seq,
                        order_id=order_id,
                        body=body,
                        now_utc_us=now_us,
                    )
                inbox.note_inbox(file, journal, held)

        await self._disk.run(commit)

    async def inbox_held(self, journal: JournalId) -> Held:
        """Return which orders of the hub's `journal` have been received."""
        return await self._disk.run(lambda file: inbox.inbox_held(file, journal))

    # -- reading --------------------------------------------------------------------------------

    async def newest(self, stream: Stream, *, since_utc_us: int = 0, limit: int = 1) -> list[Row]:
        """Return the newest rows of `stream`, oldest first."""
        return await self._disk.run(
            lambda file: rows.newest(file, stream, since_utc_us=since_utc_us, limit=limit)
        )

    async def orders(self, *, since_utc_us: int) -> list[tuple[int, bytes]]:
        """Return (received_utc_us, body) of the orders received since then, oldest first."""
        return await self._disk.run(lambda file: inbox.orders(file, since_utc_us=since_utc_us))

    async def waiting(self, stream: Stream) -> tuple[int, int, int | None]:
        """Return of `stream` what the hub lacks: records, about how many bytes, and since when."""
        account = self.account(stream)
        spans = sum(last - first + 1 for first, last in account.held.ranges)
        count = account.last_seq - account.held.watermark - spans
        if not count:
            return 0, 0, None
        return await self._disk.run(
            lambda file: (
                count,
                round(count * rows.mean_body_bytes(file, stream)),
                rows.oldest_waiting_utc_us(file, stream, account.held),
            )
        )

    async def salvaged(self, journal: JournalId) -> dict[Stream, SeqRanges]:
        """Return which records of a lost `journal` stand here."""
        return await self._disk.run(lambda file: rows.salvaged(file, journal))

    async def captured_beside(
        self, journal: JournalId, stream: Stream, span: tuple[int, int]
    ) -> tuple[int | None, int | None]:
        """Return when the salvaged neighbours before and after `span` were captured."""
        return await self._disk.run(lambda file: rows.captured_beside(file, journal, stream, span))

    # -- is it the one that the hub knows? ------------------------------------------------------

    async def note_start(self) -> None:
        """Keep how far each stream went, until the hub has said how far it knows them.

        A file that was put back from a copy, or lost its tail, gives seqs out a second time; what
        this start accepts must then be told from what the hub has under the same seqs.
        """
        if await self.kept(UNVERIFIED) is None:
            accounts = self._accepted.accounts
            last = {stream.value: account.last_seq for stream, account in accounts.items()}
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
        await self._disk.run(lambda file: facts.keep(file, name, value))

    async def forget(self, name: str) -> None:
        """Forget a small fact."""
        await self._disk.run(lambda file: facts.forget(file, name))

    async def kept(self, name: str) -> str | None:
        """Return a fact that was kept, or None."""
        return await self._disk.run(lambda file: facts.kept(file, name))

    # -- a service of the agent -----------------------------------------------------------------

    async def run(self) -> None:
        """Commit what is appended, and keep house, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._writer.run(), name="journal.writer")
            group.create_task(self._keep_house(), name="journal.house")

    async def keep_house(self) -> None:
        """Free what the hub has and the tablet no longer needs; shed what is too old or much.

        Raises:
            StorageError: the file refused.
        """
        async with self._writer.turn:
            await self._housekeeper.tidy()

    async def flush(self) -> None:
        """Commit all that waits."""
        await self._writer.flush()

    async def close(self) -> None:
        """Commit what waits and close the file; appending afterwards is refused."""
        await self._writer.close()
        await self._disk.close()

    async def _keep_house(self) -> None:
        while True:
            await self._clock.sleep(_HOUSEKEEPING_S)
            try:
                await self.keep_house()
            except StorageError as err:
                log.warning("journal.house", extra={"error": err.code})
