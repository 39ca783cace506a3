"""What a journal's file holds, read beside the agent that may be writing to it."""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from edge_agent.journal import rows
from edge_agent.journal.rows import Row
from edge_agent.journal.schema import is_damage, journal_id, open_to_read
from protocols.errors import ConfigError, RemoteProtocolError, StoreCorruptError
from protocols.link.projection import value_as_json
from protocols.link.ranges import SeqRanges
from protocols.link.streams import Stream
from protocols.link.wire import load_map
from protocols.messages import Gap, parse_body

_NOT_READ: Final = (
    "this is no journal, or it is damaged, or --key-file does not name its key; nothing was"
    " changed. An agent that starts with a damaged one sets it aside whole"
    " and takes from it what it can"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReport:
    """One stream: what was accepted, what the hub has, what waits, what was given up."""

    stream: str
    last_seq: int
    acked_through: int
    waiting: int
    waiting_bytes: int
    oldest_waiting_utc_us: int | None
    given_up: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalReport:
    """One journal at one moment."""

    journal: str
    file_bytes: int
    used_bytes: int
    streams: list[StreamReport]


@dataclass(slots=True)
class Verdict:
    """What is wrong with a journal; nothing is, where all are empty."""

    damage: str | None = None
    bent: list[str] = field(default_factory=list)  # records whose checksum is wrong
    holes: list[str] = field(default_factory=list)  # accepted, not acknowledged, not declared

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.damage is None and not self.bent and not self.holes


def report_of(path: Path, *, key_file: Path | None = None) -> JournalReport:
    """Return what the journal at `path` holds.

    Raises:
        ConfigError: there is no such file.
        StoreCorruptError: it cannot be read.
    """
    with _reading(path, key_file) as connection:
        given_up = _given_up(connection)
        return JournalReport(
            journal=journal_id(connection),
            file_bytes=path.stat().st_size,
            used_bytes=rows.size_bytes(connection),
            streams=[
                _stream_report(connection, stream, account, given_up)
                for stream, account in sorted(rows.accounts(connection).items())
            ],
        )


def verify(path: Path, *, key_file: Path | None = None) -> Verdict:
    """Return what is wrong with the journal at `path`.

    Raises:
        ConfigError: there is no such file, or it may not be read.
    """
    verdict = Verdict()
    try:
        with _reading(path, key_file) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            verdict.damage = None if found == "ok" else str(found)[:200]
            given_up = _given_up(connection)
            for stream, account in rows.accounts(connection).items():
                _verify_stream(connection, stream, account, given_up, verdict)
    except StoreCorruptError as err:
        verdict.damage = f"{_detail(err)}; {err.facts['reason']}"
    return verdict


def export_rows(
    path: Path,
    stream: Stream,
    *,
    since_utc_us: int,
    limit: int = 1_000_000,
    key_file: Path | None = None,
) -> Iterator[Row]:
    """Yield the newest `limit` records of `stream` captured since then, in order.

    Raises:
        ConfigError: there is no such file.
        StoreCorruptError: it cannot be read.
    """
    with _reading(path, key_file) as connection:
        yield from rows.newest(connection, stream, since_utc_us=since_utc_us, limit=limit)


def as_json(row: Row) -> dict[str, Any]:
    """Return `row` as JSON values; byte strings in its body are base64."""
    return {
        "stream": row.stream.value,
        "seq": int(row.seq),
        "captured_utc_us": row.captured_utc_us,
        "clock": row.clock.value,
        "clock_error_us": row.clock_error_us,
        "body": value_as_json(load_map(row.body)),
    }


@contextlib.contextmanager
def _reading(path: Path, key_file: Path | None) -> Iterator[sqlite3.Connection]:
    """Yield a connection that changes nothing.

    Raises:
        ConfigError: there is no such file, or it may not be read.
        StoreCorruptError: it is no journal, or cannot be read to its end.
    """
    if not path.is_file():
        raise ConfigError(reason="no such journal", file=str(path))
    try:
        with contextlib.closing(open_to_read(path, key_file=key_file)) as connection:
            yield connection
    except StoreCorruptError as err:
        raise StoreCorruptError(reason=_NOT_READ, file=str(path), detail=_detail(err)) from err
    except Exception as err:
        facts = {"file": str(path), "detail": str(err)[:120]}
        if is_damage(err):
            raise StoreCorruptError(reason=_NOT_READ, **facts) from err
        if isinstance(err, sqlite3.Error):
            raise ConfigError(reason="the journal cannot be read", **facts) from err
        raise


def _detail(err: StoreCorruptError) -> str:
    return str(err.facts.get("detail", ""))


def _stream_report(
    connection: sqlite3.Connection,
    stream: Stream,
    account: rows.StreamAccount,
    given_up: dict[Stream, SeqRanges],
) -> StreamReport:
    lacking = list(SeqRanges(account.held).missing(1, account.last_seq))
    gone = given_up.get(stream, SeqRanges())
    waiting = sum(
        last - first + 1 for lack in lacking for first, last in gone.missing(lack[0], lack[1])
    )
    size = round(waiting * rows.mean_body_bytes(connection, stream))
    return StreamReport(
        stream=stream.value,
        last_seq=account.last_seq,
        acked_through=account.held.watermark,
        waiting=waiting,
        waiting_bytes=size,
        oldest_waiting_utc_us=rows.oldest_waiting_utc_us(connection, stream, account.held)
        if waiting
        else None,
        given_up=gone.count(),
    )


def _given_up(connection: sqlite3.Connection) -> dict[Stream, SeqRanges]:
    """Return what the gap records that still stand here declare of this journal itself."""
    found: dict[Stream, SeqRanges] = {}
    for row in rows.newest(connection, Stream.STATUS, since_utc_us=0, limit=1_000_000):
        try:
            message = parse_body(Stream.STATUS, row.body)
        except RemoteProtocolError:
            continue
        if isinstance(message, Gap) and message.journal is None:
            found.setdefault(message.stream, SeqRanges()).add(message.first_seq, message.last_seq)
    return found


def _verify_stream(
    connection: sqlite3.Connection,
    stream: Stream,
    account: rows.StreamAccount,
    given_up: dict[Stream, SeqRanges],
    verdict: Verdict,
) -> None:
    have = SeqRanges(account.held)
    for first, last in given_up.get(stream, SeqRanges()):
        have.add(first, last)
    for seq, row in rows.sound(connection, stream):
        have.add(seq, seq)
        if row is None:
            verdict.bent.append(f"{stream.value} {seq}")
    if account.last_seq:
        holes = have.missing(1, account.last_seq)
        verdict.holes += [f"{stream.value} {first}–{last}" for first, last in holes]
