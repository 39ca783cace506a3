"""The tail: the journal's newest records, and all that it keeps beside them, a second time.

A card that fails, or a file that is cut off, takes the end of what was written last: what the hub
may not have yet, and what the crew was just told. So each commit goes into two files: the journal,
which is synced, and after it the tail, which is not and which is small (the newest `RECORDS`;
pictures and clips stay out). A journal that turns out to be short is made whole from it; with one
that is set aside the tail goes along, and is salvaged. A tail that cannot be written, or is
damaged, harms nothing: it is thrown away, and made anew from the journal.

Theory of operation. Whoever writes to the journal need not know of it: triggers note each change in
tables in memory, within its transaction, and after each piece of work `follow` takes them over.
"""

import contextlib
import logging
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge_agent.journal import rows
from edge_agent.journal.inbox import forget_old_orders
from edge_agent.journal.rows import Row, StreamAccount
from edge_agent.journal.schema import (
    TAIL_ENDING,
    TAIL_ENDINGS,
    connect,
    journal_id,
    move_tail,
    transaction,
)
from protocols.errors import ConfigError
from protocols.ids import JournalId
from protocols.link.streams import BULKY, Stream

log = logging.getLogger(__name__)

RECORDS: Final = 5_000
"""Five minutes of a whole ambulance: more than the journal's own log ever holds."""

_OF_EACH: Final = RECORDS // 5
"""Of each stream, where the tail is made anew."""

_TABLES: Final = {
    "record": (
        "stream", "seq", "captured_utc_us", "clock", "clock_error_us", "appended_utc_us",
        "origin_journal", "origin_seq", "checksum", "body",
    ),
    "stream": ("stream", "last_seq", "watermark", "ranges"),
    "kept": ("name", "value"),
    "inbox": ("journal", "seq", "order_id", "received_utc_us", "body"),
    "inbox_ledger": ("journal", "watermark", "ranges"),
}  # fmt: skip
"""What is kept twice: of each table of the journal its columns."""

_KEYS: Final = {
    "stream": "stream", "kept": "name", "inbox": "journal, seq", "inbox_ledger": "journal",
}  # fmt: skip
"""Of those of which the tail holds all."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a tail tells of its journal."""

    journal: JournalId
    accounts: dict[Stream, StreamAccount]
    kept: list[tuple[str, str]]
    inbox: list[tuple[str, int, str, int, bytes]]
    inbox_ledgers: list[tuple[str, int, str]]
    records: list[Row] = field(repr=False)
    """Those whose checksum is right."""


class Tail:
    """The tail of one open journal; its calls are for the journal's thread."""

    def __init__(self, journal: sqlite3.Connection, path: Path, *, key_file: Path | None) -> None:
        """Begin beside the journal at `path`; what a tail there knew must have been taken before.

        A disk that refuses has no tail until `begin` is called again.
        """
        self._journal = journal
        self._path = path
        self._key_file = key_file
        self._file: sqlite3.Connection | None = None
        self._seen = 0
        self._is_missed = False
        _watch(journal)
        self.begin()

    def begin(self) -> None:
        """Make it tell what the journal holds now, where it is not open."""
        for _ in range(2):  # one that is damaged is made anew
            if self._file is None:
                try:
                    self._open()
                except Exception as err:  # noqa: BLE001 -- SQLCipher's errors are its own
                    self._throw_away(str(err))

    @property
    def is_behind(self) -> bool:
        """Something was committed since it followed last."""
        return self._seen != self._journal.total_changes and not self._journal.in_transaction

    def follow(self) -> None:
        """Take over what was committed since."""
        if not self.is_behind:
            return
        try:
            if self._file is not None:
                self._take_over(self._file)
        except Exception as err:  # noqa: BLE001 -- SQLCipher's errors are its own
            self._throw_away(str(err))
        for table in (*_TABLES, "kept_gone"):
            self._journal.execute(f"DELETE FROM temp.new_{table}")  # noqa: S608 -- names are ours
        self._seen = self._journal.total_changes

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    # -- inside ---------------------------------------------------------------------------------

    def _open(self) -> None:
        file = self._file = connect(_beside(self._path), self._key_file)
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=NORMAL")
        file.execute("PRAGMA wal_autocheckpoint=500")
        if file.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("quick_check")
        with transaction(file):
            _make_tables(file)
            _fill(file, self._journal)
        self._is_missed = False

    def _take_over(self, file: sqlite3.Connection) -> None:
        with transaction(file):
            for table, columns in _TABLES.items():
                _put(file, table, self._journal.execute(_select(f"temp.new_{table}", columns)))
            file.executemany(
                "DELETE FROM tail_kept WHERE name = ?",
                self._journal.execute("SELECT name FROM temp.new_kept_gone"),
            )
            _forget_old(file)

    def _throw_away(self, reason: str) -> None:
        if not self._is_missed:  # said once: a full disk is tried again and again
            log.error("journal.tail_thrown_away", extra={"reason": reason[:120]})
        self._is_missed = True
        with contextlib.suppress(Exception):
            self.close()
        self._file = None
        for ending in TAIL_ENDINGS:
            with contextlib.suppress(OSError):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)


def make_whole(
    connection: sqlite3.Connection, path: Path, *, key_file: Path | None, now_utc_us: int
) -> None:
    """Take from the tail what the journal at `path` should hold and does not.

    A tail of another journal is moved aside to be salvaged: that journal was written over.
    """
    told = read(path, key_file=key_file)
    if told is None:
        return
    if told.journal != journal_id(connection):
        aside = move_tail(path, stamp_us=now_utc_us)
        log.error("journal.set_aside", extra={"file": aside.name, "reason": "only a tail is left"})
    elif _is_short(connection, told):
        count = _give_back(connection, told, now_utc_us=now_utc_us)
        log.error("journal.made_whole", extra={"records": count})


def read(journal: Path, *, key_file: Path | None) -> Told | None:
    """Return what the tail beside `journal` tells; None where there is none, or it is damaged.

    Raises:
        ConfigError: the key cannot be used.
    """
    path = _beside(journal)
    if not path.exists():
        return None
    try:
        with contextlib.closing(connect(path, key_file)) as file:
            return _read(file)
    except ConfigError:
        raise
    except Exception as err:  # noqa: BLE001 -- whatever it is that SQLite, or SQLCipher, says
        log.error("journal.tail_unreadable", extra={"reason": str(err)[:120]})  # noqa: TRY400
        return None


# -- inside -------------------------------------------------------------------------------------


def _beside(journal: Path) -> Path:
    return journal.with_name(journal.name + TAIL_ENDING)


def _watch(journal: sqlite3.Connection) -> None:
    """Have each change of what is kept twice noted in memory."""
    journal.execute("PRAGMA temp_store=MEMORY")
    bulky = ", ".join(f"'{stream.value}'" for stream in sorted(BULKY))
    journal.execute("CREATE TEMP TABLE new_kept_gone (name)")
    journal.execute(
        "CREATE TEMP TRIGGER kept_gone AFTER DELETE ON main.kept"
        " BEGIN INSERT INTO new_kept_gone VALUES (old.name); END"
    )
    for table, columns in _TABLES.items():
        journal.execute(f"CREATE TEMP TABLE new_{table} ({', '.join(columns)})")
        new = ", ".join(f"new.{column}" for column in columns)
        where = f"WHEN new.stream NOT IN ({bulky})" if table == "record" else ""
        undo = "DELETE FROM new_kept_gone WHERE name = new.name;" if table == "kept" else ""
        for event in ("INSERT", "UPDATE"):
            journal.execute(
                f"CREATE TEMP TRIGGER {table}_{event} AFTER {event} ON main.{table} {where}"  # noqa: S608 -- names are ours
                f" BEGIN INSERT INTO new_{table} VALUES ({new}); {undo} END"
            )


def _make_tables(file: sqlite3.Connection) -> None:
    file.execute("CREATE TABLE IF NOT EXISTS tail_fact (name TEXT PRIMARY KEY, value TEXT)")
    for table, columns in _TABLES.items():
        key = f", PRIMARY KEY ({_KEYS[table]})" if table in _KEYS else ""
        file.execute(f"CREATE TABLE IF NOT EXISTS tail_{table} ({', '.join(columns)}{key})")


def _fill(file: sqlite3.Connection, journal: sqlite3.Connection) -> None:
    """Make the tail tell what the journal holds now."""
    file.execute("INSERT OR REPLACE INTO tail_fact VALUES ('journal', ?)", (journal_id(journal),))
    for table in _KEYS:
        file.execute(f"DELETE FROM tail_{table}")  # noqa: S608 -- names are ours
        _put(file, table, journal.execute(_select(table, _TABLES[table])))
    newest = "SELECT stream, max(seq) FROM tail_record GROUP BY stream"
    has = dict(file.execute(newest).fetchall())
    for stream, account in rows.accounts(journal).items():
        if stream not in BULKY:
            after = max(has.get(stream.value, 0), account.last_seq - _OF_EACH)
            lacking = f"{_select('record', _TABLES['record'])} WHERE stream = ? AND seq > ?"
            _put(file, "record", journal.execute(lacking, (stream.value, after)))
    _forget_old(file)


def _put(file: sqlite3.Connection, table: str, found: sqlite3.Cursor) -> None:
    places = ", ".join("?" * len(_TABLES[table]))
    file.executemany(f"INSERT OR REPLACE INTO tail_{table} VALUES ({places})", found)  # noqa: S608 -- names are ours


def _forget_old(file: sqlite3.Connection) -> None:
    forget_old_orders(file, table="tail_inbox")
    file.execute(
        "DELETE FROM tail_record WHERE rowid <= (SELECT max(rowid) FROM tail_record) - ?",
        (RECORDS,),
    )


def _select(table: str, columns: tuple[str, ...]) -> str:
    return f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608 -- names are ours


def _read(file: sqlite3.Connection) -> Told | None:
    """Return what it tells; None where it was never finished."""
    if file.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        return None
    if not file.execute("SELECT 1 FROM sqlite_master WHERE name = 'tail_inbox_ledger'").fetchone():
        return None
    journal = file.execute("SELECT value FROM tail_fact WHERE name = 'journal'").fetchone()
    if journal is None:
        return None
    return Told(
        journal=JournalId(journal[0]),
        accounts=rows.accounts(file, table="tail_stream"),
        kept=file.execute("SELECT * FROM tail_kept").fetchall(),
        inbox=file.execute("SELECT * FROM tail_inbox").fetchall(),
        inbox_ledgers=file.execute("SELECT * FROM tail_inbox_ledger").fetchall(),
        records=list(rows.all_sound(file, table="tail_record")),
    )


def _is_short(journal: sqlite3.Connection, told: Told) -> bool:
    """Say whether the tail knows of a later commit than the journal does."""
    accounts = rows.accounts(journal)
    orders = dict(journal.execute("SELECT journal, watermark FROM inbox_ledger").fetchall())
    return any(
        stream not in accounts or accounts[stream].last_seq < account.last_seq
        for stream, account in told.accounts.items()
    ) or any(orders.get(outbox, 0) < watermark for outbox, watermark, _ in told.inbox_ledgers)


def _give_back(journal: sqlite3.Connection, told: Told, *, now_utc_us: int) -> int:
    """Put what the tail has and the journal lacks into the journal; return how many records."""
    last = {stream: account.last_seq for stream, account in rows.accounts(journal).items()}
    lacking = [row for row in told.records if row.seq > last.get(row.stream, 0)]
    with transaction(journal):
        rows.append(journal, lacking, now_utc_us=now_utc_us)
        ends = {stream: account.last_seq for stream, account in told.accounts.items()}
        rows.go_on_after(journal, ends)
        for stream, account in told.accounts.items():
            rows.note_held(journal, stream, account.held)
        journal.execute("DELETE FROM kept")
        journal.execute("DELETE FROM inbox_ledger")
        rows.restore(journal, kept=told.kept, inbox=told.inbox, inbox_ledgers=told.inbox_ledgers)
    return len(lacking)
