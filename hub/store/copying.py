"""Records as PostgreSQL's binary COPY takes them: the hot path of everything that vehicles send.

A row is put together by hand, for that costs a third of asking the driver to encode each column.
Source: PostgreSQL, COPY, "Binary Format": a header, then for each row the number of its columns and
each column's length and bytes (−1: NULL), most significant byte first, then −1 in two bytes.
"""

import struct
import uuid
from collections.abc import AsyncIterator, Iterable
from functools import lru_cache
from typing import Final

from hub.store.database import Connection
from hub.store.stored import StoredRecord

COLUMNS: Final = (
    "unit", "journal", "stream", "seq", "captured_utc_us", "clock", "clock_error_us",
    "received_utc_us", "lane", "understood", "body",
)  # fmt: skip
"""Of the table `record`, in the order of a row."""

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER: Final = struct.pack(">h", -1)
_NULL: Final = struct.pack(">i", -1)
_BIGINT: Final = struct.Struct(">iq")
_SEQ_AND_CAPTURED: Final = struct.Struct(">iqiq")
_RECEIVED_TO_BODY: Final = struct.Struct(">iqihi?i")
_PART_BYTES: Final = 256 * 1024


def rows_of(records: Iterable[StoredRecord]) -> list[bytes]:
    """Return a row for each of `records`, in their order."""
    clocks: dict[tuple[str, int | None], bytes] = {}
    rows: list[bytes] = []
    for record in records:
        (
            unit, journal, stream, seq, captured_us, source, error_us,
            received_us, lane, understood, body, _,
        ) = record  # fmt: skip
        of_clock = source, error_us
        clock = clocks.get(of_clock) or clocks.setdefault(of_clock, _clock(*of_clock))
        rows.append(
            _start(unit, journal, stream)
            + _SEQ_AND_CAPTURED.pack(8, seq, 8, captured_us)
            + clock
            + _RECEIVED_TO_BODY.pack(8, received_us, 2, lane, 1, understood, len(body))
            + body
        )
    return rows


async def copy(connection: Connection, table: str, rows: list[bytes]) -> None:
    """COPY `rows` into `table`, which has at least `COLUMNS`.

    Raises:
        asyncpg.PostgresError, OSError: the database takes none of them.
    """
    await connection.copy_to_table(table, source=_stream(rows), columns=COLUMNS, format="binary")


async def _stream(rows: list[bytes]) -> AsyncIterator[bytes]:
    yield _HEADER
    whole = b"".join(rows)
    for begin in range(0, len(whole), _PART_BYTES):
        yield whole[begin : begin + _PART_BYTES]
    yield _TRAILER


@lru_cache(maxsize=65_536)
def _start(unit: str, journal: str, stream: str) -> bytes:
    columns = struct.pack(">h", len(COLUMNS))
    return columns + _text(unit) + _field(uuid.UUID(journal).bytes) + _text(str(stream))


def _clock(source: str, error_us: int | None) -> bytes:
    return _text(source) + (_NULL if error_us is None else _BIGINT.pack(8, error_us))


def _text(value: str) -> bytes:
    return _field(value.encode())


def _field(value: bytes) -> bytes:
    return struct.pack(">i", len(value)) + value
