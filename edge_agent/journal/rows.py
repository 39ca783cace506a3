"""The journal's rows: every statement that touches the file, called from its one thread."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from protocols.clock import ClockSource
from protocols.ids import JournalId, Seq
from protocols.link.ack import Held
from protocols.link.ranges import SeqRanges
from protocols.link.streams import Stream, stream_named


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One accepted record."""

    stream: Stream
    seq: Seq
    captured_utc_us: int
    clock: ClockSource
    clock_error_us: int | None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAccount:
    """What the journal knows of one stream: the last seq, and what the hub has."""

    last_seq: int
    held: Held


def accounts(connection: sqlite3.Connection) -> dict[Stream, StreamAccount]:
    """Return the account of every stream that has one."""
    found: dict[Stream, StreamAccount] = {}
    for name, last_seq, watermark, ranges in connection.execute("SELECT * FROM stream"):
        stream = stream_named(name)
        if stream is not None:
            found[stream] = StreamAccount(last_seq=last_seq, held=_held(watermark, ranges))
    return found


def append(connection: sqlite3.Connection, rows: Sequence[Row], *, now_utc_us: int) -> None:
    """Write `rows` inside the caller's transaction."""
    connection.executemany(
        "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                row.stream.value, row.seq, row.captured_utc_us, row.clock.value,
                row.clock_error_us, now_utc_us, row.body,
            )
            for row in rows
        ],
    )  # fmt: skip
    newest = {row.stream: row.seq for row in rows}
    connection.executemany(
        "INSERT INTO stream VALUES (?, ?, 0, '[]')"
        " ON CONFLICT (stream) DO UPDATE SET last_seq = max(last_seq, excluded.last_seq)",
        [(stream.value, seq) for stream, seq in newest.items()],
    )


def span(connection: sqlite3.Connection, stream: Stream, first: int, last: int) -> list[Row]:
    """Return the rows `first` … `last` of `stream` that stand in the file, in order."""
    rows = connection.execute(
        "SELECT seq, captured_utc_us, clock, clock_error_us, body FROM record"
        " WHERE stream = ? AND seq BETWEEN ? AND ? ORDER BY seq",
        (stream.value, first, last),
    )
    return [_row(stream, row) for row in rows]


def newest(
    connection: sqlite3.Connection, stream: Stream, *, since_utc_us: int, limit: int
) -> list[Row]:
    """Return the newest rows of `stream` captured since then, oldest first."""
    rows = connection.execute(
        "SELECT seq, captured_utc_us, clock, clock_error_us, body FROM record"
        " WHERE stream = ? AND captured_utc_us >= ? ORDER BY seq DESC LIMIT ?",
        (stream.value, since_utc_us, limit),
    ).fetchall()
    return [_row(stream, row) for row in reversed(rows)]


def note_held(connection: sqlite3.Connection, stream: Stream, held: Held) -> None:
    """Keep what the hub says that it has of `stream`."""
    connection.execute(
        "UPDATE stream SET watermark = ?, ranges = ? WHERE stream = ?",
        (held.watermark, json.dumps(held.ranges), stream.value),
    )


def free(
    connection: sqlite3.Connection, stream: Stream, held: Held, *, appended_before_utc_us: int
) -> int:
    """Delete rows that the hub has and that are older than asked; return how many."""
    spans = ([(1, held.watermark)] if held.watermark else []) + list(held.ranges)
    freed = 0
    for first, last in spans:
        freed += connection.execute(
            "DELETE FROM record WHERE stream = ? AND seq BETWEEN ? AND ? AND appended_utc_us < ?",
            (stream.value, first, last, appended_before_utc_us),
        ).rowcount
    return freed


def shed(
    connection: sqlite3.Connection, stream: Stream, held: Held, *, most: int
) -> tuple[int, int, int, int] | None:
    """Delete the oldest run of unacknowledged rows, at most `most`.

    Returns (first seq, last seq, first captured, last captured), or None where there is none.
    """
    acked = SeqRanges(held)
    rows: list[tuple[int, int]] = []
    for seq, captured in connection.execute(
        "SELECT seq, captured_utc_us FROM record WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?",
        (stream.value, held.watermark, most),
    ):
        if rows and (seq != rows[-1][0] + 1 or seq in acked):
            break
        if seq not in acked:
            rows.append((seq, captured))
    if not rows:
        return None
    connection.execute(
        "DELETE FROM record WHERE stream = ? AND seq BETWEEN ? AND ?",
        (stream.value, rows[0][0], rows[-1][0]),
    )
    return rows[0][0], rows[-1][0], rows[0][1], rows[-1][1]


def oldest_waiting_utc_us(connection: sqlite3.Connection, stream: Stream, held: Held) -> int | None:
    """Return when the oldest record that the hub lacks was captured."""
    row = connection.execute(
        "SELECT captured_utc_us FROM record WHERE stream = ? AND seq > ? ORDER BY seq LIMIT 1",
        (stream.value, held.watermark),
    ).fetchone()
    return None if row is None else int(row[0])


def waiting_bytes(connection: sqlite3.Connection, stream: Stream, held: Held) -> int:
    """Return how long the bodies are that the hub lacks."""
    row = connection.execute(
        "SELECT COALESCE(sum(length(body)), 0) FROM record WHERE stream = ? AND seq > ?",
        (stream.value, held.watermark),
    ).fetchone()
    return int(row[0])


def receive_order(  # noqa: PLR0913 -- what an order is
    connection: sqlite3.Connection,
    journal: JournalId,
    seq: int,
    *,
    order_id: str,
    body: bytes,
    now_utc_us: int,
) -> None:
    """Put an order into the inbox; a second copy is passed over."""
    connection.execute(
        "INSERT OR IGNORE INTO inbox VALUES (?, ?, ?, ?, ?)",
        (journal, seq, order_id, now_utc_us, body),
    )


def note_inbox(connection: sqlite3.Connection, journal: JournalId, held: Held) -> None:
    """Keep which orders of `journal` have been received."""
    connection.execute(
        "INSERT INTO inbox_ledger VALUES (?, ?, ?) ON CONFLICT (journal)"
        " DO UPDATE SET watermark = excluded.watermark, ranges = excluded.ranges",
        (journal, held.watermark, json.dumps(held.ranges)),
    )


def inbox_held(connection: sqlite3.Connection, journal: JournalId) -> Held:
    """Return which orders of `journal` have been received."""
    row = connection.execute(
        "SELECT watermark, ranges FROM inbox_ledger WHERE journal = ?", (journal,)
    ).fetchone()
    return Held() if row is None else _held(row[0], row[1])


def orders(connection: sqlite3.Connection, *, since_utc_us: int) -> list[tuple[int, bytes]]:
    """Return (received_utc_us, body) of the orders received since then, oldest first."""
    rows = connection.execute(
        "SELECT received_utc_us, body FROM inbox WHERE received_utc_us >= ?"
        " ORDER BY received_utc_us, seq",
        (since_utc_us,),
    )
    return [(int(received), bytes(body)) for received, body in rows]


def keep(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Keep a small durable fact."""
    connection.execute(
        "INSERT INTO kept VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def kept(connection: sqlite3.Connection, name: str) -> str | None:
    """Return a fact that was kept."""
    row = connection.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def size_bytes(connection: sqlite3.Connection) -> int:
    """Return how much of the file is in use."""
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    unused = connection.execute("PRAGMA freelist_count").fetchone()[0]
    return int((pages - unused) * connection.execute("PRAGMA page_size").fetchone()[0])


def _held(watermark: int, ranges: str) -> Held:
    pairs = tuple((int(first), int(last)) for first, last in json.loads(ranges))
    return Held(watermark=watermark, ranges=pairs)


def _row(stream: Stream, row: tuple[int, int, str, int | None, bytes]) -> Row:
    return Row(
        stream=stream,
        seq=Seq(row[0]),
        captured_utc_us=row[1],
        clock=ClockSource(row[2]),
        clock_error_us=row[3],
        body=bytes(row[4]),
    )
