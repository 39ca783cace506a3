"""The journal's file: opened, checked, and its tables.

One SQLite file in WAL mode. `synchronous=FULL`: a commit is on the disk when it returns; bulk
records share commits instead of weakening them (SQLite, PRAGMA synchronous). With a key the file is
encrypted by SQLCipher; without one it is plain and any SQLite tool opens it.
"""

import logging
import sqlite3
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import sqlite_utils

from protocols.errors import ConfigError, StoreCorruptError
from protocols.ids import JournalId
from protocols.runtime.files import write_whole

log = logging.getLogger(__name__)

_HEX_KEY_DIGITS: Final = 64

_ASIDE: Final = "set-aside"

IDENTITY_ENDING: Final = "-id"
"""Beside the file stands its identity, for the day when the file itself cannot tell it."""

MARK_ENDING: Final = "-mark"
"""And how far each stream went, for the day when its end is gone (see `mark`)."""

TAIL_ENDING: Final = "-tail"
"""And its newest records a second time (see `tail`)."""

TAIL_ENDINGS: Final = (TAIL_ENDING, TAIL_ENDING + "-wal", TAIL_ENDING + "-shm")

_BESIDE: Final = ("-wal", "-shm", IDENTITY_ENDING, MARK_ENDING, *TAIL_ENDINGS)

_LEAST_BYTES: Final = 512  # of a database's smallest page: SQLite takes what is less for a new file


def open_file(
    path: Path, *, key_file: Path | None = None, largest_bytes: int | None = None
) -> sqlite3.Connection:
    """Return a connection to the journal at `path`, its tables made where they are missing.

    The file grows no larger than `largest_bytes`: past it SQLite says that the disk is full.

    The connection may be used from any one thread at a time.

    Raises:
        ConfigError: the key file is missing or holds no key, or SQLCipher is not installed.
        StoreCorruptError: the file is damaged, or not a journal, or its key is another; it is
            untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    identity = path.with_name(path.name + IDENTITY_ENDING)
    was_here = identity.exists()
    if was_here and path.stat().st_size < _LEAST_BYTES:
        raise StoreCorruptError(file=path.name, detail="nothing is left of it")
    connection = connect(path, key_file)
    try:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # a new file can be made shorter
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA busy_timeout=5000")
        connection.execute("PRAGMA wal_autocheckpoint=500")
        if largest_bytes is not None:
            page_bytes = int(connection.execute("PRAGMA page_size").fetchone()[0])
            connection.execute(f"PRAGMA max_page_count={largest_bytes // page_bytes}")
        _check(connection, path)
        if was_here and not _has_identity(connection):
            # its first pages stood in the log, which is gone: SQLite sees a sound, empty file
            raise StoreCorruptError(file=path.name, detail="its tables are gone")  # noqa: TRY301 -- closed below
        _make_tables(connection)
        if not was_here:
            write_whole(identity, journal_id(connection).encode())
    except Exception as err:
        connection.close()
        if isinstance(err, StoreCorruptError) or not is_damage(err):
            raise
        raise StoreCorruptError(file=path.name, detail=str(err)[:120]) from err
    return connection


def open_to_read(path: Path, *, key_file: Path | None = None) -> sqlite3.Connection:
    """Return a connection that changes nothing, beside whoever writes to the journal at `path`.

    Raises:
        ConfigError: as `open_file`.
        StoreCorruptError: the file cannot be read, or is not a journal.
    """
    connection = connect(path, key_file, read_only=True)
    try:
        connection.execute("PRAGMA busy_timeout=5000")
        connection.execute("PRAGMA query_only=ON")
        connection.execute("SELECT value FROM fact WHERE name = 'journal'").fetchone()
    except Exception as err:
        connection.close()
        is_foreign = isinstance(err, sqlite3.OperationalError) and "no such table" in str(err)
        if not is_foreign and not is_damage(err):
            raise
        raise StoreCorruptError(file=path.name, detail=str(err)[:120]) from err
    return connection


def set_aside(path: Path, *, stamp_us: int) -> Path:
    """Move a damaged journal out of the way, whole, with what SQLite keeps beside it."""
    aside = _aside_of(path, stamp_us)
    path.rename(aside)
    _move(path, aside, _BESIDE)
    return aside


def finish_setting_aside(path: Path, *, stamp_us: int) -> None:
    """Move what an interrupted `set_aside` has left of a journal that no longer stands at `path`.

    Its log and its identity would else be taken for the new journal's. Where the file itself is
    nowhere, it is salvaged from what stood beside it.
    """
    left = _beside(path)
    if path.exists() or not left:
        return
    asides = [one for one in files_set_aside(path) if not left & _beside(one)]
    aside = asides[-1] if asides else _aside_of(path, stamp_us)
    aside.touch()
    _move(path, aside, _BESIDE)


def move_tail(path: Path, *, stamp_us: int) -> Path:
    """Move the tail beside `path` aside: it is another journal's, of which nothing else is left."""
    aside = _aside_of(path, stamp_us)
    aside.touch()
    _move(path, aside, TAIL_ENDINGS)
    return aside


def _beside(path: Path) -> set[str]:
    """Return the endings of what stands beside the file."""
    return {ending for ending in _BESIDE if path.with_name(path.name + ending).exists()}


def _move(path: Path, aside: Path, endings: Sequence[str]) -> None:
    for ending in endings:
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))


def _aside_of(path: Path, stamp_us: int) -> Path:
    """Return a name that none has, and that comes after all: a clock may have begun in 1970."""
    newest = max((_number_of(one) for one in files_set_aside(path)), default=-1)
    return path.with_name(f"{path.stem}.{_ASIDE}-{max(stamp_us, newest + 1)}{path.suffix}")


def files_set_aside(path: Path) -> list[Path]:
    """Return the journals that once stood at `path` and were set aside, oldest first."""
    return sorted(path.parent.glob(f"{path.stem}.{_ASIDE}-*{path.suffix}"), key=_number_of)


def _number_of(aside: Path) -> int:
    number = aside.stem.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


def journal_id(connection: sqlite3.Connection) -> JournalId:
    """Return the identity that was made with the file."""
    return JournalId(
        connection.execute("SELECT value FROM fact WHERE name = 'journal'").fetchone()[0]
    )


def connect(path: Path, key_file: Path | None, *, read_only: bool = False) -> sqlite3.Connection:
    """Return a connection to the database at `path`, unlocked with the key where there is one.

    Raises:
        ConfigError: as `open_file`.
    """
    if key_file is None:
        address = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        return sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
    try:
        key = key_file.read_text().strip()
    except OSError as err:
        raise ConfigError(reason="cannot read the journal's key", file=str(key_file)) from err
    if len(key) != _HEX_KEY_DIGITS or not all(digit in "0123456789abcdefABCDEF" for digit in key):
        raise ConfigError(reason="the journal's key is not 64 hexadecimal digits")
    try:
        import sqlcipher3.dbapi2 as cipher  # noqa: PLC0415 -- an extra
    except ImportError as err:
        raise ConfigError(reason="sqlcipher3 is not installed; install goldenhour[cipher]") from err
    connection: Any = cipher.connect(str(path), check_same_thread=False, isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{key}'\"")
    found: sqlite3.Connection = connection
    return found


def _check(connection: sqlite3.Connection, path: Path) -> None:
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise StoreCorruptError(file=path.name, detail=str(verdict)[:120])


def is_damage(err: Exception) -> bool:
    """Say whether SQLite, or SQLCipher, found a file damaged or not a database."""
    # SQLCipher's own DatabaseError is another class of the same name
    return type(err).__name__ in {"DatabaseError", "CorruptError"}


def _has_identity(connection: sqlite3.Connection) -> bool:
    """Say whether the journal's tables are there: its identity was written after all of them."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'fact'").fetchone():
        return False
    found = connection.execute("SELECT 1 FROM fact WHERE name = 'journal'").fetchone()
    return found is not None


def _make_tables(connection: sqlite3.Connection) -> None:
    database = sqlite_utils.Database(connection)
    with database.conn:
        database["fact"].create(  # type: ignore[union-attr]
            {"name": str, "value": str}, pk="name", not_null={"value"}, if_not_exists=True
        )
        connection.execute(
            "CREATE TABLE IF NOT EXISTS record (stream TEXT NOT NULL, seq INTEGER NOT NULL,"
            " captured_utc_us INTEGER NOT NULL, clock TEXT NOT NULL, clock_error_us INTEGER,"
            " appended_utc_us INTEGER NOT NULL, origin_journal TEXT, origin_seq INTEGER,"
            " checksum INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (stream, seq))"
            " WITHOUT ROWID"
        )
        connection.execute(
            "CREATE INDEX IF NOT EXISTS record_by_origin ON record (origin_journal, stream,"
            " origin_seq) WHERE origin_journal IS NOT NULL"
        )
        database["stream"].create(  # type: ignore[union-attr]
            {"stream": str, "last_seq": int, "watermark": int, "ranges": str},
            pk="stream", not_null={"last_seq", "watermark", "ranges"}, if_not_exists=True,
        )  # fmt: skip
        database["inbox"].create(  # type: ignore[union-attr]
            {"journal": str, "seq": int, "order_id": str, "received_utc_us": int, "body": bytes},
            pk=("journal", "seq"), if_not_exists=True,
        )  # fmt: skip
        database["inbox_ledger"].create(  # type: ignore[union-attr]
            {"journal": str, "watermark": int, "ranges": str}, pk="journal", if_not_exists=True
        )
        database["kept"].create(  # type: ignore[union-attr]
            {"name": str, "value": str}, pk="name", if_not_exists=True
        )
        connection.execute("INSERT OR IGNORE INTO fact VALUES ('journal', ?)", (str(uuid.uuid4()),))


class transaction:  # noqa: N801 -- read as a statement
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK where the body raises."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, _value: object, _trace: object) -> None:
        if kind is None:
            try:
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
        else:
            self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # a full disk has ended it already
            self._connection.execute("ROLLBACK")
