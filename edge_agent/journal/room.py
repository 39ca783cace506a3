"""Room in the journal: what is given up when there is too much, and in what order.

First what the hub has, then bulk that it lacks: the least valuable stream first, its oldest run
first, at most `RUN` records at once, each run with its gap record in the same transaction. A small
reserve file stands beside the journal: a full disk takes not even a deletion, until it is opened.
"""

import os
import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.journal import rows
from edge_agent.journal.rows import Row, StreamAccount
from edge_agent.journal.schema import transaction
from protocols.clock import ClockSource
from protocols.ids import Seq
from protocols.link.ack import Held
from protocols.link.streams import NEVER_SHED, PRIORITY, Stream
from protocols.messages import Gap

RUN: Final = 200
RESERVE_BYTES: Final = 8 * 2**20
"""More than the write-ahead log holds: with so much it can always be brought home."""

_RESERVE_ENDING: Final = "-reserve"
_VACUUM_PAGES: Final = 2_000

SHED_ORDER: Final = tuple(
    stream
    for stream in sorted(Stream, key=lambda stream: -PRIORITY[stream])
    if stream not in NEVER_SHED and stream is not Stream.ORDER
)
"""The least valuable first."""

_Accounts = Mapping[Stream, StreamAccount]


@dataclass(frozen=True, slots=True)
class Retention:
    """Only what was captured so long before the newest record of a disciplined clock.

    The computer's own clock may have jumped by a day or have begun in 1970, so it decides nothing.
    """

    age_us: int


def free(connection: sqlite3.Connection, accounts: _Accounts, before_utc_us: int) -> int:
    """Delete what the hub has and was appended before then; return how many records."""
    with transaction(connection):
        return sum(
            rows.free(connection, stream, account.held, appended_before_utc_us=before_utc_us)
            for stream, account in accounts.items()
        )


def shed(
    connection: sqlite3.Connection,
    accounts: _Accounts,
    retention: Retention | None,
    *,
    now_utc_us: int,
) -> tuple[Gap, Row] | None:
    """Delete the least valuable run and append its gap record; None where there is none."""
    before_us: int | None = None
    if retention is not None:
        newest_us = rows.newest_disciplined_utc_us(connection)
        if newest_us is None:
            return None
        before_us = newest_us - retention.age_us
    with transaction(connection):
        for stream in SHED_ORDER:
            account = accounts.get(stream)
            if account is None or account.last_seq <= account.held.watermark:
                continue
            run = rows.shed(
                connection, stream, account.held, most=RUN, captured_before_utc_us=before_us
            )
            if run is not None:
                gap = Gap(
                    stream=stream,
                    first_seq=run[0],
                    last_seq=run[1],
                    reason="disk-full" if retention is None else "retention",
                    first_captured_utc_us=run[2],
                    last_captured_utc_us=run[3],
                )
                return gap, _declare(connection, accounts, gap, now_utc_us)
    return None


def give_up(
    connection: sqlite3.Connection, accounts: _Accounts, gap: Gap, *, now_utc_us: int
) -> Row | None:
    """Delete what `gap` declares and append its record, in one transaction; None: it is gone."""
    with transaction(connection):
        if not rows.delete(connection, gap.stream, gap.first_seq, gap.last_seq):
            return None
        return _declare(connection, accounts, gap, now_utc_us)


def _declare(connection: sqlite3.Connection, accounts: _Accounts, gap: Gap, now_utc_us: int) -> Row:
    last = accounts.get(Stream.STATUS, StreamAccount(last_seq=0, held=Held())).last_seq
    row = Row(
        stream=Stream.STATUS,
        seq=Seq(last + 1),
        captured_utc_us=max(0, now_utc_us),
        clock=ClockSource.RTC,
        clock_error_us=None,
        body=gap.to_body(),
    )
    rows.append(connection, [row], now_utc_us=now_utc_us)
    return row


def open_reserve(connection: sqlite3.Connection, path: Path) -> bool:
    """Give the reserve's room to the journal, and bring its log home, which makes more of it.

    Returns False where there is no reserve.
    """
    reserve = path.with_name(path.name + _RESERVE_ENDING)
    if not reserve.exists():
        return False
    reserve.unlink()
    bring_home(connection)
    return True


def bring_home(connection: sqlite3.Connection) -> None:
    """Put what stands in the write-ahead log into the file, and make the log short again."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def give_back(connection: sqlite3.Connection, path: Path) -> None:
    """Return some unused pages to the disk, and put the reserve back where there is room."""
    # executescript, for execute() would stop after the first page
    connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
    reserve = path.with_name(path.name + _RESERVE_ENDING)
    if reserve.exists() or disk_free_bytes(path) < 2 * RESERVE_BYTES:
        return
    with reserve.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)


def disk_free_bytes(path: Path) -> int:
    """Return what is free on the journal's disk."""
    return shutil.disk_usage(path.parent).free
