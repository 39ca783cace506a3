"""Corrections of captured time: noted, and applied to what came before them and after them.

Law: each record is corrected once. One that is corrected counts as the receiver's, so a correction
that comes again finds nothing that it speaks of.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from hub.store.database import Connection
from hub.store.stored import StoredRecord
from protocols.clock import ClockSource
from protocols.ids import JournalId, UnitId
from protocols.link.frame import MAX_UTC_US
from protocols.messages import ClockCorrection

UNDISCIPLINED: Final = frozenset({ClockSource.RTC.value, ClockSource.UNSET.value})

Told = tuple[UnitId, JournalId, ClockCorrection]


class Correction(NamedTuple):
    """`first_seq` … `last_seq` of one stream were captured `add_us` later, within `error_us`."""

    first_seq: int
    last_seq: int
    add_us: int
    error_us: int

    def of(self, captured_utc_us: int) -> int:
        """Return the corrected time, within what a time may be."""
        return min(MAX_UTC_US, max(0, captured_utc_us + self.add_us))


async def note(connection: Connection, told: Sequence[Told], *, now_utc_us: int) -> None:
    """Keep what was told, and correct what is here already."""
    rows = [
        (
            unit, journal, span.stream.value, span.first_seq, span.last_seq,
            correction.add_us, correction.error_us,
        )
        for unit, journal, correction in told
        for span in correction.spans
    ]  # fmt: skip
    await connection.executemany(
        "INSERT INTO clock_correction VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT DO NOTHING",
        [(*row, now_utc_us) for row in rows],
    )
    # which of its names a salvaged record has is not known here, so it is left as it is
    await connection.executemany(
        "UPDATE record SET captured_utc_us = least($8, greatest(0, captured_utc_us + $6)),"
        " clock = 'gnss', clock_error_us = $7"
        " WHERE unit = $1 AND journal = $2 AND stream = $3 AND seq BETWEEN $4 AND $5"
        " AND clock IN ('rtc', 'unset')",
        [(*row, MAX_UTC_US) for row in rows],
    )


async def dated(connection: Connection, records: Sequence[StoredRecord]) -> Sequence[StoredRecord]:
    """Return `records`, those among them that their vehicles have corrected with the right time."""
    undated = {record.unit for record in records if record.clock in UNDISCIPLINED}
    if not undated:
        return records
    known: dict[tuple[str, str, str], list[Correction]] = {}
    for unit, journal, stream, *rest in await connection.fetch(
        "SELECT unit, journal::text, stream, first_seq, last_seq, add_us, error_us"
        " FROM clock_correction WHERE unit = ANY($1::text[])",
        sorted(undated),
    ):
        known.setdefault((unit, journal, stream), []).append(Correction(*rest))
    return [_dated(record, known) for record in records] if known else records


def _dated(
    record: StoredRecord, known: Mapping[tuple[str, str, str], Sequence[Correction]]
) -> StoredRecord:
    if record.clock not in UNDISCIPLINED:
        return record
    journal, seq = record.origin or (record.journal, record.seq)
    for each in known.get((record.unit, journal, record.stream.value), ()):
        if each.first_seq <= seq <= each.last_seq:
            return record._replace(
                captured_utc_us=each.of(record.captured_utc_us),
                clock=ClockSource.GNSS.value,
                clock_error_us=each.error_us,
            )
    return record
