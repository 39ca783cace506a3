"""Frames in, records committed, acks out: whatever is sent twice, and whoever is told."""

from hub.store import Pool
from protocols.ids import JournalId
from protocols.link import Held, Lane, Stream
from protocols.link.topics import link_ack, presence, up
from protocols.messages import Message, StatusChange
from tests.hub import vehicle
from tests.hub.ingest.bench import A1, A2, Bench, count, running
from tests.hub.vehicle import NOON_US, frame, new_journal, position, vitals


async def test_a_frame_is_acknowledged_once_its_records_are_in_the_database(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    bench.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()] * 3))
    await bench.held(A1, Stream.VITALS, Held(3))
    assert await count(pool) == 3
    ack = bench.acks[A1][0]
    assert (ack.journal, ack.echo_utc_us, ack.refused) == (journal, NOON_US, ())
    assert [len(batch) for batch in bench.batches] == [3]


async def test_a_frame_sent_five_times_is_stored_once_and_acknowledged_each_time(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    payload = frame(journal, Stream.VITALS, 1, [vitals()] * 2)
    for times in range(1, 6):
        bench.hear(up(A1, Stream.VITALS), payload)
        await bench.until(lambda times=times: len(bench.acks[A1]) >= times)  # type: ignore[misc]
    assert await count(pool) == 2
    assert {ack.streams[Stream.VITALS] for ack in bench.acks[A1]} == {Held(2)}


async def test_overlapping_frames_in_any_order_leave_every_record_once(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    for first, size in ((7, 4), (1, 3), (2, 7), (5, 2)):
        payload = frame(journal, Stream.VITALS, first, [vitals()] * size)
        bench.hear(up(A1, Stream.VITALS), payload)
    await bench.held(A1, Stream.VITALS, Held(10))
    assert await count(pool) == 10


async def test_a_restarted_hub_knows_what_it_holds(bench: Bench, pool: Pool) -> None:
    journal = new_journal()
    payload = frame(journal, Stream.VITALS, 1, [vitals()] * 4)
    bench.hear(up(A1, Stream.VITALS), payload)
    await bench.held(A1, Stream.VITALS, Held(4))
    async with running(pool) as after:
        after.hear(up(A1, Stream.VITALS), payload)
        await after.held(A1, Stream.VITALS, Held(4))
        assert after.batches == []
    assert await count(pool) == 4


async def test_two_journals_of_one_unit_are_not_confused(bench: Bench, pool: Pool) -> None:
    for journal in (new_journal(), new_journal()):
        bench.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()]))
    await bench.until(lambda: len({ack.journal for ack in bench.acks[A1]}) == 2)
    assert await count(pool) == 2


async def test_a_body_that_is_not_understood_is_kept_and_acknowledged_but_not_shown(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    bodies: list[Message | bytes] = [b"\xa1dkindhvitals99", b"\xff\xff", vitals()]
    bench.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, bodies))
    await bench.held(A1, Stream.VITALS, Held(3))
    kept = await pool.fetch("SELECT body, understood FROM record ORDER BY seq")
    assert [bytes(row["body"]) for row in kept[:2]] == bodies[:2]
    assert [row["understood"] for row in kept] == [False, False, True]
    assert [arrived.message is None for arrived in bench.batches[0]] == [True, True, False]


async def test_backfill_is_told_to_the_taps_as_backfill(bench: Bench) -> None:
    journal = new_journal()
    old = frame(journal, Stream.VITALS, 1, [vitals()], lane=Lane.BACKFILL, captured_utc_us=1)
    bench.hear(up(A1, Stream.VITALS), old)
    await bench.held(A1, Stream.VITALS, Held(1))
    record = bench.batches[0][0].record
    assert (record.lane, record.captured_utc_us) == (Lane.BACKFILL, 1)
    assert record.received_utc_us > 1


async def test_presence_is_told_and_acks_of_orders_are_for_others(bench: Bench) -> None:
    journal = new_journal()
    said = vehicle.presence(journal)
    bench.hear(presence(A1), said.to_payload())
    status = frame(
        journal, Stream.STATUS, 1, [StatusChange.model_validate({"status": "available"})]
    )
    bench.hear(up(A1, Stream.STATUS), status)
    await bench.held(A1, Stream.STATUS, Held(1))
    assert bench.presences == [(A1, said)]
    bench.hear(link_ack(A1), b"nonsense")
    await bench.held(A1, Stream.STATUS, Held(1))
    assert not any(ack.refused for ack in bench.acks[A1])


async def test_what_is_acknowledged_is_what_a_new_connection_reads(
    bench: Bench, pool: Pool
) -> None:
    """At the moment of each ack, its records are there for everybody."""
    journal: JournalId = new_journal()
    for seq in range(1, 30):
        bench.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, seq, [vitals()]))
        await bench.until(lambda: bool(bench.acks[A1]))
        acked = max(ack.streams[Stream.VITALS].watermark for ack in bench.acks[A1])
        assert await count(pool) >= acked


async def test_a_birth_is_answered_with_all_that_is_held_of_its_journal(bench: Bench) -> None:
    journal = new_journal()
    bench.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()] * 3))
    await bench.held(A1, Stream.VITALS, Held(3))
    bench.acks[A1].clear()
    bench.hear(presence(A1), vehicle.presence(journal).to_payload())
    await bench.held(A1, Stream.VITALS, Held(3))


async def test_a_birth_of_a_new_journal_is_told_that_nothing_is_held(bench: Bench) -> None:
    journal = new_journal()
    bench.hear(presence(A1), vehicle.presence(journal).to_payload())
    await bench.until(lambda: bool(bench.acks[A1]))
    [ack] = bench.acks[A1]
    assert (ack.journal, ack.streams) == (journal, {})


async def test_of_a_unit_that_nobody_watches_the_newest_position_is_told_and_every_status(
    bench: Bench, pool: Pool
) -> None:
    bench.taps.whole_for(lambda: {A2})
    journal, other = new_journal(), new_journal()
    places = [position(latitude_deg=20 + seq) for seq in range(20)]
    status = StatusChange.model_validate({"status": "available"})
    for unit, name in ((A1, journal), (A2, other)):
        bench.hear(up(unit, Stream.POSITION), frame(name, Stream.POSITION, 1, places))
        bench.hear(up(unit, Stream.STATUS), frame(name, Stream.STATUS, 1, [status] * 3))
    await bench.held(A1, Stream.POSITION, Held(20))
    await bench.held(A2, Stream.POSITION, Held(20))
    await bench.held(A2, Stream.STATUS, Held(3))
    assert await count(pool, "understood") == 46
    told = [arrived for batch in bench.batches for arrived in batch]
    of_each = {
        unit: [each.message for each in told if each.record.unit == unit] for unit in (A1, A2)
    }
    assert of_each[A1] == [places[-1], status, status, status]
    assert of_each[A2] == [*places, status, status, status]
