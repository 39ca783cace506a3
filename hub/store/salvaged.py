"""Salvaged records: by which names one is known, so that it is stored once whatever its name.

A record that stands here stands under its captured time, which is part of the key. A journal may
have corrected that since; then, and only then, its ledger says that it is held where it is not
found, and all of its stream is looked through.
"""

from collections.abc import Sequence

from hub.store.database import Connection
from hub.store.ledgers import ledgers_of
from hub.store.stored import StoredRecord
from protocols.ids import JournalId, UnitId
from protocols.link.ranges import SeqRanges
from protocols.link.streams import Stream

Name = tuple[UnitId, JournalId, Stream, int]


async def without_known_origins(
    connection: Connection, records: Sequence[StoredRecord]
) -> Sequence[StoredRecord]:
    """Return `records` without those that stand here already under their first journal and seq."""
    salvaged = [(record, name) for record in records if (name := _first_name(record)) is not None]
    if not salvaged:
        return records
    seen = await _known(connection, salvaged)
    kept: list[StoredRecord] = []
    names: list[tuple[object, ...]] = []
    for record in records:
        name = _first_name(record)
        if name is not None:
            if name in seen:
                # its second name is known, too: every seq of a ledger can be accounted for
                names.append((record.unit, record.journal, record.stream.value, record.seq))
                continue
            seen.add(name)
            names.append((name[0], name[1], name[2].value, name[3]))
        kept.append(record)
    await connection.executemany(
        "INSERT INTO salvaged VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", names
    )
    return kept


def _first_name(record: StoredRecord) -> Name | None:
    origin = record.origin
    return None if origin is None else (record.unit, origin.journal, record.stream, origin.seq)


async def _known(
    connection: Connection, salvaged: Sequence[tuple[StoredRecord, Name]]
) -> set[Name]:
    """Return which of these names stand here."""
    seen = await _found(
        connection,
        [name for _, name in salvaged],
        [record.captured_utc_us for record, _ in salvaged],
    )
    missing = [name for _, name in salvaged if name not in seen]
    ledgers = await ledgers_of(connection, [*{(unit, journal) for unit, journal, _, _ in missing}])
    held = {
        (*key, stream): SeqRanges(of_stream)
        for key, streams in ledgers.items()
        for stream, of_stream in streams.items()
    }
    moved = [name for name in missing if name[3] in held.get(name[:3], ())]
    return seen | await _found(connection, moved, None) if moved else seen


async def _found(
    connection: Connection, names: Sequence[Name], captured_us: Sequence[int] | None
) -> set[Name]:
    """Return which of `names` stand as records, or are known from another salvage.

    With the times at which they were captured, where these are as they were, one look each.
    """
    key = "unit, stream, journal, seq" + (", captured_utc_us" if captured_us is not None else "")
    rows = await connection.fetch(
        "WITH asked AS (SELECT * FROM unnest("  # noqa: S608 -- names are ours
        "$1::text[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[])"
        " AS a(unit, journal, stream, seq, captured_utc_us))"
        f" SELECT unit, journal::text, stream, seq FROM asked JOIN record USING ({key})"
        " UNION SELECT unit, journal::text, stream, seq FROM asked JOIN salvaged"
        " USING (unit, journal, stream, seq)",
        [name[0] for name in names],
        [name[1] for name in names],
        [name[2].value for name in names],
        [name[3] for name in names],
        captured_us if captured_us is not None else [0] * len(names),
    )
    return {
        (UnitId(row["unit"]), JournalId(row["journal"]), Stream(row["stream"]), row["seq"])
        for row in rows
    }
