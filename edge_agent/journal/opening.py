"""Opening the journal: a damaged or retired file is set aside whole, and a new one goes on."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from edge_agent.journal import facts, room, rows
from edge_agent.journal.accepted import Accepted
from edge_agent.journal.disk import Disk
from edge_agent.journal.journal import RETIRED, UNVERIFIED, Journal
from edge_agent.journal.mark import Mark, declare_lost
from edge_agent.journal.remains import read_remains
from edge_agent.journal.salvage import is_salvaged, salvage_again
from edge_agent.journal.schema import (
    files_set_aside,
    finish_setting_aside,
    journal_id,
    open_file,
    set_aside,
)
from edge_agent.journal.settings import JournalSettings
from edge_agent.journal.tail import Tail, make_whole
from protocols.clock import Clock
from protocols.errors import StoreCorruptError
from protocols.link.streams import Stream

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_journal(
    path: Path, settings: JournalSettings, clock: Clock
) -> AsyncIterator[Journal]:
    """Open the journal at `path`, made at first use, and close it on leaving.

    A damaged file is set aside whole and a new journal begun; `Salvage` accepts again what it held.

    Raises:
        ConfigError: its key cannot be used.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
    try:
        loop = asyncio.get_running_loop()
        connection, mark, tail = await loop.run_in_executor(
            thread, lambda: _open(path, settings, now_utc_us=clock.utc_us())
        )
        journal = Journal(
            Disk(connection, path, thread, mark=mark, tail=tail),
            settings,
            clock,
            journal=journal_id(connection),
            accepted=Accepted(rows.accounts(connection)),
        )
        try:
            await journal.note_start()
            yield journal
        finally:
            await journal.close()
    finally:
        thread.shutdown()


def _open(
    path: Path, settings: JournalSettings, *, now_utc_us: int
) -> tuple[sqlite3.Connection, Mark, Tail]:
    connection, had = _open_sound(path, settings, now_utc_us)
    lost = declare_lost(connection, path, journal_id(connection), had=had, now_utc_us=now_utc_us)
    if lost:
        salvage_again(path)
    for gap in lost:
        told = {"stream": gap.stream.value, "records": gap.last_seq - gap.first_seq + 1}
        log.error("journal.end_is_lost", extra=told)
    for aside in reversed(files_set_aside(path)):  # of what several kept the newest counts
        if not is_salvaged(aside):
            try:
                remains = read_remains(aside, key_file=settings.key_file)
            except OSError as err:  # the disk has lost it: salvage tries again, the agent starts
                told = {"file": aside.name, "reason": err.strerror or str(err)}
                log.error("journal.unreadable", extra=told)  # noqa: TRY400 -- no bug
                continue
            kept = {name: text for name, text in remains.kept.items() if name not in _OF_ITS_FILE}
            rows.restore(
                connection,
                kept=kept.items(),
                inbox=remains.inbox.values(),
                inbox_ledgers=remains.inbox_ledgers.values(),
            )
    room.give_back(connection, path)
    mark = Mark(path, journal_id(connection), rows.last_seqs(connection))
    return connection, mark, Tail(connection, path, key_file=settings.key_file)


_OF_ITS_FILE = frozenset({UNVERIFIED, RETIRED})


def _open_sound(
    path: Path, settings: JournalSettings, now_utc_us: int
) -> tuple[sqlite3.Connection, dict[Stream, int]]:
    """Return the journal, made whole, and how far each stream went before it was."""
    finish_setting_aside(path, stamp_us=now_utc_us)
    try:
        connection = _open_file(path, settings)
        had = {stream: each.last_seq for stream, each in rows.accounts(connection).items()}
        make_whole(connection, path, key_file=settings.key_file, now_utc_us=now_utc_us)
        if facts.kept(connection, RETIRED) is None:
            return connection, had
        connection.close()
        reason = "the hub knows more of it than it holds itself"
    except StoreCorruptError as err:
        reason = str(err)
    salvage_again(path)
    aside = set_aside(path, stamp_us=now_utc_us)
    log.error("journal.set_aside", extra={"file": aside.name, "reason": reason})
    return _open_file(path, settings), {}


def _open_file(path: Path, settings: JournalSettings) -> sqlite3.Connection:
    return open_file(path, key_file=settings.key_file, largest_bytes=settings.largest_bytes)
