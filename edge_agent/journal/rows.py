"""The journal's rows: every statement that touches the file, called from its one thread."""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from protocols.clock import ClockSource
from protocols.ids import JournalId, Seq
from protocols.link.ack import Held
from protocols.link.frame import Origin
from protocols.link.ranges import SeqRanges
from protocols.link.streams import Stream, stream_named

_COLUMNS = "seq, captured_utc_us, clock, clock_error_us, origin_journal, origin_seq, body"
_DISCIPLINED = frozenset({ClockSource.GNSS.value, ClockSource.NTP.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One accepted record."""

    stream: Stream
    seq: Seq
    captured_utc_us: int
    clock: ClockSource
    clock_error_us: int | None
    body: bytes
    origin: Origin | None = None

    @property
    def checksum(self) -> int:
        """CRC-32 of all that the row says, so that damage on the disk shows."""
        said = f"{self.stream.value} {self.seq} {self.captured_utc_us} {self.clock.value}"
        said = f"{said} {self.clock_error_us}"
        if self.origin is not None:
            said = f"{said} {self.origin.journal} {self.origin.seq}"
        return zlib.crc32(self.body, zlib.crc32(said.encode()))


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAccount:
    """What the journal knows of one stream: the last seq, and what the hub has."""

    last_seq: int
    held: Held


def accounts(
    connection: sqlite3.Connection, *, table: str = "stream"
) -> dict[Stream, StreamAccount]:
    """Return the account of every stream that has one."""
    found: dict[Stream, StreamAccount] = {}
    for name, last_seq, watermark, ranges in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608 -- names are ours
        stream = stream_named(name)
        if stream is not None:
            found[stream] = StreamAccount(
                last_seq=last_seq, held=Held.from_columns(watermark, ranges)
            )
    return found


def last_seqs(connection: sqlite3.Connection) -> dict[Stream, int]:
    """Return how far each stream went."""
    found = connection.execute("SELECT stream, last_seq FROM stream").fetchall()
    named = {stream_named(name): last_seq for name, last_seq in found}
    return {stream: last_seq for stream, last_seq in named.items() if stream is not None}


def append(connection: sqlite3.Connection, rows: Sequence[Row], *, now_utc_us: int) -> None:
    """Write `rows` inside the caller's transaction."""
    connection.executemany(
        "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                row.stream.value, row.seq, row.captured_utc_us, row.clock.value, row.clock_error_us,
                now_utc_us, row.origin.journal if row.origin else None,
                row.origin.seq if row.origin else None, row.checksum, row.body,
            )
            for row in rows
        ],
    )  # fmt: skip
    go_on_after(connection, {row.stream: row.seq for row in rows})


def go_on_after(connection: sqlite3.Connection, last: Mapping[Stream, int]) -> None:
    """Give out no seq up to `last` of each stream, inside the caller's transaction."""
    connection.executemany(
        "INSERT INTO stream VALUES (?, ?, 0, '[]')"
        " ON CONFLICT (stream) DO UPDATE SET last_seq = max(last_seq, excluded.last_seq)",
        [(stream.value, seq) for stream, seq in last.items()],
    )


def span(
    connection: sqlite3.Connection, stream: Stream, first: int, last: int
) -> tuple[list[Row], list[int]]:
    """Return the rows `first` … `last` of `stream` that stand in the file, in order.

    And the seqs of those whose checksum is wrong: SQLite reads what a file has lost as zeros, and
    its own check does not look into a body's last page.
    """
    rows: list[Row] = []
    damaged: list[int] = []
    for checksum, *row in connection.execute(
        f"SELECT checksum, {_COLUMNS} FROM record"  # noqa: S608 -- names are ours
        " WHERE stream = ? AND seq BETWEEN ? AND ? ORDER BY seq",
        (stream.value, first, last),
    ):
        found = _sound(stream, checksum, row)
        if found is None:
            damaged.append(row[0])
        else:
            rows.append(found)
    return rows, damaged


def newest(
    connection: sqlite3.Connection, stream: Stream, *, since_utc_us: int, limit: int
) -> list[Row]:
    """Return the newest sound rows of `stream` captured since then, oldest first."""
    rows = connection.execute(
        f"SELECT checksum, {_COLUMNS} FROM record"  # noqa: S608 -- names are ours
        " WHERE stream = ? AND captured_utc_us >= ? ORDER BY seq DESC LIMIT ?",
        (stream.value, since_utc_us, limit),
    ).fetchall()
    found = (_sound(stream, checksum, row) for checksum, *row in reversed(rows))
    return [row for row in found if row is not None]


def sound(connection: sqlite3.Connection, stream: Stream) -> Iterator[tuple[int, Row | None]]:
    """Yield of every row of `stream` its seq, and the row where its checksum is right."""
    for row in connection.execute(
        f"SELECT checksum, {_COLUMNS} FROM record WHERE stream = ? ORDER BY seq",  # noqa: S608 -- ours
        (stream.value,),
    ):
        yield row[1], _sound(stream, row[0], row[1:])


def all_sound(connection: sqlite3.Connection, *, table: str) -> Iterator[Row]:
    """Yield the rows of `table`, whatever their stream, whose checksum is right."""
    for name, checksum, *row in connection.execute(
        f"SELECT stream, checksum, {_COLUMNS} FROM {table}"  # noqa: S608 -- names are ours
    ):
        stream = stream_named(name)
        found = None if stream is None else _sound(stream, checksum, row)
        if found is not None:
            yield found


def note_held(connection: sqlite3.Connection, stream: Stream, held: Held) -> None:
    """Keep what the hub says that it has of `stream`."""
    connection.execute(
        "UPDATE stream SET watermark = ?, ranges = ? WHERE stream = ?",
        (held.watermark, held.ranges_text, stream.value),
    )


def free(
    connection: sqlite3.Connection, stream: Stream, held: Held, *, appended_before_utc_us: int
) -> int:
    """Delete rows that the hub has and that are older than asked; return how many."""
    freed = 0
    for first, last in held.spans:
        freed += connection.execute(
            "DELETE FROM record WHERE stream = ? AND seq BETWEEN ? AND ? AND appended_utc_us < ?",
            (stream.value, first, last, appended_before_utc_us),
        ).rowcount
    return freed


def shed(
    connection: sqlite3.Connection,
    stream: Stream,
    held: Held,
    *,
    most: int,
    captured_before_utc_us: int | None = None,
) -> tuple[int, int, int, int] | None:
    """Delete the oldest run of unacknowledged rows, at most `most`.

    With `captured_before_utc_us` only rows that a disciplined clock dates before it.

    Returns (first seq, last seq, first captured, last captured), or None where there is none.
    """
    acked = SeqRanges(held)
    rows: list[tuple[int, int]] = []
    for seq, captured, clock in connection.execute(
        "SELECT seq, captured_utc_us, clock FROM record WHERE stream = ? AND seq > ? ORDER BY seq",
        (stream.value, held.watermark),
    ):
        is_wanted = seq not in acked and (
            captured_before_utc_us is None
            or (clock in _DISCIPLINED and captured < captured_before_utc_us)
        )
        if rows and (seq != rows[-1][0] + 1 or not is_wanted or len(rows) >= most):
            break
        if is_wanted:
            rows.append((seq, captured))
        elif captured_before_utc_us is not None and seq not in acked:
            return None  # the oldest is young enough
    if not rows:
        return None
    delete(connection, stream, rows[0][0], rows[-1][0])
    return rows[0][0], rows[-1][0], rows[0][1], rows[-1][1]


def delete(connection: sqlite3.Connection, stream: Stream, first: int, last: int) -> int:
    """Delete the rows `first` … `last` of `stream`; return how many there were."""
    return connection.execute(
        "DELETE FROM record WHERE stream = ? AND seq BETWEEN ? AND ?", (stream.value, first, last)
    ).rowcount


def newest_disciplined_utc_us(connection: sqlite3.Connection) -> int | None:
    """Return the newest time in the file that a disciplined clock gave."""
    newest = [
        row[0]
        for stream in Stream
        for row in connection.execute(
            "SELECT captured_utc_us FROM record WHERE stream = ? AND clock IN ('gnss', 'ntp')"
            " ORDER BY seq DESC LIMIT 1",
            (stream.value,),
        )
    ]
    return max(newest, default=None)


def oldest_waiting_utc_us(connection: sqlite3.Connection, stream: Stream, held: Held) -> int | None:
    """Return when the oldest record that the hub lacks was captured."""
    row = connection.execute(
        "SELECT captured_utc_us FROM record WHERE stream = ? AND seq > ? ORDER BY seq LIMIT 1",
        (stream.value, held.watermark),
    ).fetchone()
    return None if row is None else int(row[0])


def mean_body_bytes(connection: sqlite3.Connection, stream: Stream, *, of: int = 100) -> float:
    """Return how long a body of `stream` is, on average over the newest `of`."""
    row = connection.execute(
        "SELECT avg(length(body)) FROM"
        " (SELECT body FROM record WHERE stream = ? ORDER BY seq DESC LIMIT ?)",
        (stream.value, of),
    ).fetchone()
    return float(row[0] or 0.0)


def size_bytes(connection: sqlite3.Connection) -> int:
    """Return how much of the file is in use."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    unused = connection.execute("PRAGMA freelist_count").fetchone()[0]
    return int((pages - unused) * connection.execute("PRAGMA page_size").fetchone()[0])


def restore(
    connection: sqlite3.Connection,
    *,
    kept: Iterable[tuple[str, str]],
    inbox: Iterable[tuple[str, int, str, int, bytes]],
    inbox_ledgers: Iterable[tuple[str, int, str]],
) -> None:
    """Put in what an earlier file kept, where nothing newer stands."""
    connection.executemany("INSERT OR IGNORE INTO kept VALUES (?, ?)", kept)
    connection.executemany("INSERT OR IGNORE INTO inbox VALUES (?, ?, ?, ?, ?)", inbox)
    connection.executemany("INSERT OR IGNORE INTO inbox_ledger VALUES (?, ?, ?)", inbox_ledgers)


def salvaged(connection: sqlite3.Connection, journal: JournalId) -> dict[Stream, SeqRanges]:
    """Return which records of the lost `journal` stand here."""
    found: dict[Stream, SeqRanges] = {}
    for name, seq in connection.execute(
        "SELECT stream, origin_seq FROM record WHERE origin_journal = ?", (journal,)
    ):
        found.setdefault(Stream(name), SeqRanges()).add(seq, seq)
    return found


def after(connection: sqlite3.Connection, stream: Stream, seq: int) -> SeqRanges:
    """Return which seqs after `seq` stand here."""
    found = SeqRanges()
    for (one,) in connection.execute(
        "SELECT seq FROM record WHERE stream = ? AND seq > ?", (stream.value, seq)
    ):
        found.add(one, one)
    return found


def captured_around(
    connection: sqlite3.Connection, stream: Stream, span: tuple[int, int]
) -> tuple[int | None, int | None]:
    """Return when the neighbours of `stream` before and after `span` were captured."""
    before = connection.execute(
        "SELECT captured_utc_us FROM record WHERE stream = ? AND seq < ? ORDER BY seq DESC LIMIT 1",
        (stream.value, span[0]),
    ).fetchone()
    after = connection.execute(
        "SELECT captured_utc_us FROM record WHERE stream = ? AND seq > ? ORDER BY seq LIMIT 1",
        (stream.value, span[1]),
    ).fetchone()
    return (before[0] if before else None), (after[0] if after else None)


def captured_beside(
    connection: sqlite3.Connection, journal: JournalId, stream: Stream, span: tuple[int, int]
) -> tuple[int | None, int | None]:
    """Return when the salvaged neighbours before and after `span` were captured."""
    where = "FROM record WHERE origin_journal = ? AND stream = ? AND origin_seq"
    before = connection.execute(
        f"SELECT captured_utc_us {where} < ? ORDER BY origin_seq DESC LIMIT 1",
        (journal, stream.value, span[0]),
    ).fetchone()
    after = connection.execute(
        f"SELECT captured_utc_us {where} > ? ORDER BY origin_seq LIMIT 1",
        (journal, stream.value, span[1]),
    ).fetchone()
    return (before[0] if before else None), (after[0] if after else None)


def _sound(stream: Stream, checksum: int, row: Sequence[Any]) -> Row | None:
    """Return the row if its checksum is right."""
    try:
        found = _row(stream, row)
    except (ValueError, TypeError):
        return None
    return found if found.checksum == checksum else None


def _row(stream: Stream, row: Sequence[Any]) -> Row:
    return Row(
        stream=stream,
        seq=Seq(row[0]),
        captured_utc_us=row[1],
        clock=ClockSource(row[2]),
        clock_error_us=row[3],
        body=bytes(row[6]),
        origin=None if row[4] is None else Origin(JournalId(row[4]), Seq(row[5])),
    )
