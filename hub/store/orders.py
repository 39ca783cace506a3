"""The order outbox: what the hub has for a vehicle, until the vehicle has it."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from hub.store.database import Asked, Pool
from protocols.ids import JournalId, OrderId, Seq, UnitId
from protocols.link.ack import Held
from protocols.link.ranges import SeqRanges
from protocols.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """One order as it travels."""

    seq: Seq
    created_utc_us: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """How a unit's outbox stands: the newest seq, and what the vehicle is known to have."""

    journal: JournalId
    newest: int
    delivered: Held


async def append(  # noqa: PLR0913 -- an order has this many facts
    connection: Asked,
    unit: UnitId,
    order_id: OrderId,
    message: Message,
    *,
    now_utc_us: int,
    expires_utc_us: int,
) -> Seq:
    """Put an order at the end of `unit`'s outbox; seqs rise by one, without holes."""
    # the unit's row is locked, so that two orders never take one seq
    await connection.execute("SELECT 1 FROM unit WHERE unit = $1 FOR UPDATE", unit)
    seq = await connection.fetchval(
        "INSERT INTO order_outbox (unit, seq, order_id, kind, body, created_utc_us, expires_utc_us)"
        " SELECT $1, COALESCE(max(seq), 0) + 1, $2, $3, $4, $5, $6 FROM order_outbox"
        " WHERE unit = $1 RETURNING seq",
        unit,
        order_id,
        message.kind,
        message.to_body(),
        now_utc_us,
        expires_utc_us,
    )
    return Seq(seq)


async def accounts_of(pool: Pool, names: Sequence[UnitId]) -> dict[UnitId, Outbox]:
    """Return the outbox of each of `names` that is enrolled, as it stands."""
    rows = await pool.fetch(
        "SELECT u.unit, u.order_journal, max(o.seq) AS newest,"
        " array_agg(o.seq ORDER BY o.seq) FILTER (WHERE o.delivered_utc_us IS NULL) AS waiting"
        " FROM unit u LEFT JOIN order_outbox o USING (unit)"
        " WHERE u.unit = ANY($1) AND u.revoked_utc_us IS NULL GROUP BY u.unit",
        names,
    )
    return {UnitId(row["unit"]): _outbox(row) for row in rows}


def _outbox(row: asyncpg.Record) -> Outbox:
    newest = row["newest"] or 0
    delivered = SeqRanges()
    if newest:
        delivered.add(1, newest)
    for seq in row["waiting"] or ():
        if seq is not None:
            delivered.discard(seq, seq)
    return Outbox(
        journal=JournalId(str(row["order_journal"])), newest=newest, delivered=delivered.held
    )


async def span(pool: Pool, unit: UnitId, first: int, last: int) -> list[OrderRow]:
    """Return the orders `first` … `last`, in order."""
    rows = await pool.fetch(
        "SELECT seq, created_utc_us, body FROM order_outbox"
        " WHERE unit = $1 AND seq BETWEEN $2 AND $3 ORDER BY seq",
        unit,
        first,
        last,
    )
    return [
        OrderRow(seq=Seq(row["seq"]), created_utc_us=row["created_utc_us"], body=row["body"])
        for row in rows
    ]


async def note_delivered(pool: Pool, unit: UnitId, held: Held, *, now_utc_us: int) -> None:
    """Mark what the vehicle says it has committed."""
    await pool.executemany(
        "UPDATE order_outbox SET delivered_utc_us = $4 WHERE unit = $1"
        " AND seq BETWEEN $2 AND $3 AND delivered_utc_us IS NULL",
        [(unit, first, last, now_utc_us) for first, last in held.spans],
    )
