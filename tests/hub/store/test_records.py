"""Records are stored with the ledger that covers them, read by time, followed by arrival."""

import asyncpg
import pytest

from hub.store import Pool, ledgers, records
from hub.store.stored import StoredRecord
from protocols.ids import JournalId, Seq, UnitId
from protocols.link import Held, Lane, Stream
from protocols.messages import Gap
from tests.hub.vehicle import NOON_US, new_journal, vitals

DAY_US = 86_400_000_000
A1 = UnitId("A-001")


def stored(
    journal: JournalId, seq: int, *, stream: Stream = Stream.VITALS, at_us: int = NOON_US
) -> StoredRecord:
    return StoredRecord(
        unit=A1,
        journal=journal,
        stream=stream,
        seq=Seq(seq),
        captured_utc_us=at_us,
        clock="gnss",
        clock_error_us=None,
        received_utc_us=at_us + 5,
        lane=Lane.LIVE,
        understood=True,
        body=vitals(heart_rate_bpm=float(seq)).to_body(),
    )


async def commit(pool: Pool, journal: JournalId, *rows: StoredRecord, held: Held) -> None:
    await records.commit_batch(
        pool,
        records=rows,
        ledgers={(A1, journal, row.stream): held for row in rows},
        gaps=[],
        now_utc_us=NOON_US,
    )


async def test_a_record_is_read_back_to_the_letter(pool: Pool) -> None:
    journal = new_journal()
    row = stored(journal, 1)
    await commit(pool, journal, row, held=Held(1))
    found = await records.read(
        pool, A1, Stream.VITALS, from_utc_us=NOON_US, to_utc_us=NOON_US + 1, limit=10
    )
    assert found == records.Page([row], next=None)
    assert await ledgers.ledgers_of(pool, [(A1, journal)]) == {
        (A1, journal): {Stream.VITALS: Held(1)}
    }


async def test_a_batch_that_was_stored_before_is_stored_once(pool: Pool) -> None:
    journal = new_journal()
    rows = [stored(journal, seq, at_us=NOON_US + seq) for seq in (1, 2, 3)]
    await commit(pool, journal, *rows[:2], held=Held(2))
    await commit(pool, journal, *rows, held=Held(3))
    assert await pool.fetchval("SELECT count(*) FROM record") == 3


async def test_records_and_ledger_are_stored_together_or_not_at_all(pool: Pool) -> None:
    journal = new_journal()
    await pool.execute("ALTER TABLE stream_ledger ADD CONSTRAINT low CHECK (watermark < 2)")
    with pytest.raises(asyncpg.CheckViolationError):
        await commit(pool, journal, stored(journal, 2), held=Held(2))
    assert await pool.fetchval("SELECT count(*) FROM record") == 0


async def test_gaps_are_kept_with_their_reason_and_noted_once(pool: Pool) -> None:
    journal = new_journal()
    gap = Gap(stream=Stream.WAVEFORM, first_seq=3, last_seq=9, reason="disk-full")
    for _ in range(2):
        await records.commit_batch(
            pool,
            records=[],
            ledgers={(A1, journal, Stream.WAVEFORM): Held(9)},
            gaps=[(A1, journal, gap)],
            now_utc_us=NOON_US,
        )
    rows = await ledgers.gaps_of(pool, A1)
    assert [(row["stream"], row["first_seq"], row["last_seq"], row["reason"]) for row in rows] == [
        ("waveform", 3, 9, "disk-full")
    ]


async def test_a_name_that_is_no_more_is_noted_and_is_no_loss(pool: Pool) -> None:
    journal, middle = new_journal(), new_journal()
    gap = Gap(stream=Stream.ALARM, first_seq=1, last_seq=4, reason="renamed", journal=middle)
    await records.commit_batch(
        pool, records=[], ledgers={}, gaps=[(A1, journal, gap)], now_utc_us=NOON_US
    )
    assert await pool.fetchval("SELECT last_seq FROM gap WHERE journal = $1", middle) == 4
    assert await ledgers.gaps_of(pool, A1) == []
    assert await ledgers.losses(pool) == {}


async def test_partitions_stand_ahead_and_take_their_day_s_records(pool: Pool) -> None:
    journal = new_journal()
    await records.make_partitions(pool, now_utc_us=NOON_US, days_ahead=2)
    await records.make_partitions(pool, now_utc_us=NOON_US, days_ahead=2)
    at = [NOON_US, NOON_US + DAY_US, NOON_US - 40 * DAY_US]
    rows = [stored(journal, i + 1, at_us=us) for i, us in enumerate(at)]
    await commit(pool, journal, *rows, held=Held(3))
    placed = await pool.fetch("SELECT tableoid::regclass::text AS name FROM record ORDER BY seq")
    assert [row["name"] for row in placed] == [
        f"record_d{NOON_US // DAY_US}",
        f"record_d{NOON_US // DAY_US + 1}",
        "record_other",
    ]


async def test_a_day_with_early_rows_stays_in_the_default_partition(pool: Pool) -> None:
    journal = new_journal()
    await commit(pool, journal, stored(journal, 1), held=Held(1))
    await records.make_partitions(pool, now_utc_us=NOON_US, days_ahead=1)
    await commit(pool, journal, stored(journal, 2, at_us=NOON_US + 1), held=Held(2))
    assert await pool.fetchval("SELECT count(*) FROM record_other") == 2


async def test_a_follower_sees_each_low_rate_record_once_over_a_restart(pool: Pool) -> None:
    journal = new_journal()
    first = [stored(journal, 1, stream=Stream.CHART), stored(journal, 1)]
    await commit(pool, journal, *first, held=Held(1))
    seen = await records.follow(pool, "consult")
    assert [record for _, record in seen] == first[:1]
    async with pool.acquire() as connection, connection.transaction():
        await records.mark_followed(connection, "consult", seen[-1][0])
    late = stored(journal, 2, stream=Stream.CHART, at_us=NOON_US - DAY_US)
    await commit(pool, journal, late, held=Held(2))
    assert [record for _, record in await records.follow(pool, "consult")] == [late]
    assert len(await records.follow(pool, "handoff")) == 2


async def test_a_follower_never_passes_over_a_batch_that_is_committed_late(pool: Pool) -> None:
    """Two ingest workers: the one that took the lower arrival numbers commits last."""
    journal = new_journal()
    insert = (
        "INSERT INTO record (unit, journal, stream, seq, captured_utc_us, clock, received_utc_us,"
        " lane, understood, body) VALUES ('A-001', $1, 'chart', $2, 0, 'gnss', 0, 0, true, '')"
    )
    async with pool.acquire() as slow, pool.acquire() as quick:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(insert, journal, 1)
        await quick.execute(insert, journal, 2)
        early = await records.follow(pool, "consult")
        if early:
            await records.mark_followed(pool, "consult", early[-1][0])
        await transaction.commit()
    late = await records.follow(pool, "consult")
    assert [record.seq for _, record in [*early, *late]] == [1, 2]
