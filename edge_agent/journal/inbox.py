"""The journal's inbox: orders from the hub, and which of them have been received."""

import sqlite3
from typing import Final

from protocols.ids import JournalId
from protocols.link.ack import Held

MOST_ORDERS: Final = 1_000
"""Kept: more than a vehicle is given in a day of which anything may still be asked."""


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
        (journal, held.watermark, held.ranges_text),
    )


def inbox_held(connection: sqlite3.Connection, journal: JournalId) -> Held:
    """Return which orders of `journal` have been received."""
    row = connection.execute(
        "SELECT watermark, ranges FROM inbox_ledger WHERE journal = ?", (journal,)
    ).fetchone()
    return Held() if row is None else Held.from_columns(row[0], row[1])


def forget_old_orders(connection: sqlite3.Connection, *, table: str = "inbox") -> None:
    """Delete all but the newest `MOST_ORDERS`; by number, for a clock may have jumped."""
    connection.execute(
        f"DELETE FROM {table} WHERE rowid <= (SELECT max(rowid) FROM {table}) - ?",  # noqa: S608 -- names are ours
        (MOST_ORDERS,),
    )


def orders(connection: sqlite3.Connection, *, since_utc_us: int) -> list[tuple[int, bytes]]:
    """Return (received_utc_us, body) of the orders received since then, oldest first."""
    rows = connection.execute(
        "SELECT received_utc_us, body FROM inbox WHERE received_utc_us >= ?"
        " ORDER BY received_utc_us, seq",
        (since_utc_us,),
    )
    return [(int(received), bytes(body)) for received, body in rows]
