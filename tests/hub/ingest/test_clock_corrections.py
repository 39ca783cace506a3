"""Times that a vehicle corrects are corrected once, whatever arrives first."""

import pytest

from hub.store import Pool
from protocols.clock import ClockSource
from protocols.ids import JournalId, Seq, UnitId
from protocols.link import Held, Lane, Origin, Stream
from protocols.link.topics import up
from protocols.messages import ClockCorrection, SeqSpan
from tests.hub.ingest.bench import running
from tests.hub.vehicle import NOON_US, frame, new_journal, vitals

A1, A2 = UnitId("A-001"), UnitId("A-002")
BOOTED_US = 40_000_000  # forty seconds into 1970
ADD_US = NOON_US - BOOTED_US
S_US = 1_000_000


def correction(first: int, last: int, *, add_us: int = ADD_US) -> ClockCorrection:
    span = SeqSpan(stream=Stream.VITALS, first_seq=first, last_seq=last)
    return ClockCorrection(spans=(span,), add_us=add_us, error_us=600_000)


def undated(journal: JournalId, first: int, count: int, origin: Origin | None = None) -> bytes:
    return frame(
        journal, Stream.VITALS, first, [vitals()] * count, clock=ClockSource.UNSET,
        captured_utc_us=BOOTED_US + (first - 1) * S_US, origin=origin, lane=Lane.BACKFILL,
    )  # fmt: skip


async def times(pool: Pool, unit: UnitId = A1) -> list[tuple[int, str, int | None]]:
    rows = await pool.fetch(
        "SELECT captured_utc_us, clock, clock_error_us FROM record"
        " WHERE unit = $1 AND stream = 'vitals' ORDER BY journal, seq",
        unit,
    )
    return [tuple(row) for row in rows]


RIGHT = [(NOON_US, "gnss", 600_000), (NOON_US + S_US, "gnss", 600_000)]


@pytest.fixture
def journal() -> JournalId:
    return new_journal()


async def test_what_came_before_is_moved_to_where_it_belongs(
    pool: Pool, journal: JournalId
) -> None:
    async with running(pool) as bench:
        bench.hear(up(A1, Stream.VITALS), undated(journal, 1, 3))
        await bench.held(A1, Stream.VITALS, Held(3))
        bench.hear(up(A1, Stream.STATUS), frame(journal, Stream.STATUS, 1, [correction(1, 2)]))
        await bench.held(A1, Stream.STATUS, Held(1))
    assert await times(pool) == [*RIGHT, (BOOTED_US + 2 * S_US, "unset", None)]


async def test_what_comes_afterwards_is_stored_and_told_with_its_right_time(
    pool: Pool, journal: JournalId
) -> None:
    async with running(pool) as bench:
        bench.hear(up(A1, Stream.STATUS), frame(journal, Stream.STATUS, 1, [correction(1, 2)]))
        await bench.held(A1, Stream.STATUS, Held(1))
    async with running(pool) as later:  # a hub that was started again knows it, too
        later.hear(up(A1, Stream.VITALS), undated(journal, 1, 2))
        later.hear(up(A2, Stream.VITALS), undated(journal, 1, 2))
        await later.held(A1, Stream.VITALS, Held(2))
        await later.held(A2, Stream.VITALS, Held(2))
        told = [arrived.record for batch in later.batches for arrived in batch]
    assert await times(pool) == RIGHT
    assert [record.captured_utc_us for record in told if record.unit == A1] == [
        NOON_US, NOON_US + S_US,
    ]  # fmt: skip
    assert [clock for _, clock, _ in await times(pool, A2)] == ["unset", "unset"]


async def test_all_in_one_batch_and_all_of_it_twice_is_corrected_once(
    pool: Pool, journal: JournalId
) -> None:
    async with running(pool) as bench:
        for _ in range(2):
            bench.hear(up(A1, Stream.VITALS), undated(journal, 1, 2))
            bench.hear(up(A1, Stream.STATUS), frame(journal, Stream.STATUS, 1, [correction(1, 2)]))
            await bench.held(A1, Stream.STATUS, Held(1))
            await bench.held(A1, Stream.VITALS, Held(2))
    assert await times(pool) == RIGHT


async def test_a_disciplined_record_is_left_alone_and_a_time_stays_within_bounds(
    pool: Pool, journal: JournalId
) -> None:
    async with running(pool) as bench:
        bench.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()]))
        bench.hear(up(A1, Stream.VITALS), undated(journal, 2, 1))
        await bench.held(A1, Stream.VITALS, Held(2))
        far = correction(1, 2, add_us=2**53 - 1)
        bench.hear(up(A1, Stream.STATUS), frame(journal, Stream.STATUS, 1, [far]))
        await bench.held(A1, Stream.STATUS, Held(1))
        bench.hear(up(A1, Stream.VITALS), undated(journal, 3, 1))
        await bench.held(A1, Stream.VITALS, Held(3))
    assert await times(pool) == [
        (NOON_US, "gnss", 900), (2**53 - 1, "gnss", 600_000), (BOOTED_US + 2 * S_US, "unset", None),
    ]  # fmt: skip


async def test_a_salvaged_record_is_corrected_by_its_first_name(
    pool: Pool, journal: JournalId
) -> None:
    lost = new_journal()
    async with running(pool) as bench:
        told = frame(journal, Stream.STATUS, 1, [correction(5, 6)], origin=Origin(lost, Seq(9)))
        bench.hear(up(A1, Stream.STATUS), told)
        await bench.held(A1, Stream.STATUS, Held(1))
        bench.hear(up(A1, Stream.VITALS), undated(journal, 1, 2, Origin(lost, Seq(5))))
        await bench.held(A1, Stream.VITALS, Held(2))
    assert await times(pool) == RIGHT
