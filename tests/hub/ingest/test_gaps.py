"""Gaps and what was salvaged: a hole is a hole once, and no record is there twice."""

import pytest

from hub.store import Pool
from hub.store.ledgers import ledgers_of
from protocols.ids import Seq
from protocols.link import Held, Origin, Stream
from protocols.link.topics import up
from protocols.messages import Gap
from tests.hub.ingest.bench import A1, Bench, count
from tests.hub.vehicle import NOON_US, frame, new_journal, vitals


async def test_a_declared_gap_counts_as_held_and_is_kept_as_a_hole(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    bench.hear(up(A1, Stream.WAVEFORM), frame(journal, Stream.WAVEFORM, 5, [b"\xa0"]))
    gap = Gap(stream=Stream.WAVEFORM, first_seq=1, last_seq=4, reason="retention")
    bench.hear(up(A1, Stream.STATUS), frame(journal, Stream.STATUS, 1, [gap]))
    await bench.held(A1, Stream.WAVEFORM, Held(5))
    row = await pool.fetchrow("SELECT stream, first_seq, last_seq, reason FROM gap")
    assert row is not None
    assert tuple(row) == ("waveform", 1, 4, "retention")


async def test_of_a_declared_gap_only_what_is_not_here_is_a_hole(bench: Bench, pool: Pool) -> None:
    journal = new_journal()
    bench.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 3, [vitals(), vitals()]))
    await bench.held(A1, Stream.VITALS, Held(0, ((3, 4),)))
    gap = Gap(stream=Stream.VITALS, first_seq=2, last_seq=6, reason="damaged")
    bench.hear(up(A1, Stream.STATUS), frame(journal, Stream.STATUS, 1, [gap]))
    await bench.held(A1, Stream.VITALS, Held(0, ((2, 6),)))
    rows = await pool.fetch("SELECT first_seq, last_seq FROM gap ORDER BY first_seq")
    assert [tuple(row) for row in rows] == [(2, 2), (5, 6)]


async def test_what_was_salvaged_is_acknowledged_and_stored_once_whatever_its_name(
    bench: Bench, pool: Pool
) -> None:
    lost, second, third = new_journal(), new_journal(), new_journal()
    bodies = [vitals(heart_rate_bpm=60 + number) for number in range(6)]
    bench.hear(up(A1, Stream.VITALS), frame(lost, Stream.VITALS, 1, bodies[:2]))
    await bench.held(A1, Stream.VITALS, Held(2))
    salvaged = frame(second, Stream.VITALS, 11, bodies, origin=Origin(lost, Seq(1)))
    bench.hear(up(A1, Stream.VITALS), salvaged)
    await bench.held(A1, Stream.VITALS, Held(0, ((11, 16),)))
    again = frame(third, Stream.VITALS, 1, bodies, origin=Origin(lost, Seq(1)))
    bench.hear(up(A1, Stream.VITALS), again)
    await bench.held(A1, Stream.VITALS, Held(6))
    rows = await pool.fetch("SELECT seq, body FROM record ORDER BY seq")
    assert [row["body"] for row in rows] == [body.to_body() for body in bodies]
    assert [row["seq"] for row in rows] == [1, 2, 13, 14, 15, 16]
    # every other name under which one came is known: no seq of a ledger is unaccounted for
    names = await pool.fetch("SELECT journal::text, seq FROM salvaged ORDER BY journal, seq")
    known = {tuple(name) for name in names}
    assert {(second, 11), (second, 12)} <= known
    assert {(third, seq) for seq in range(1, 7)} <= known
    assert sum(len(batch) for batch in bench.batches) == 6


async def test_a_gap_of_a_lost_journal_is_kept_under_that_journal_alone(
    bench: Bench, pool: Pool
) -> None:
    lost, journal = new_journal(), new_journal()
    gap = Gap(
        stream=Stream.VITALS, first_seq=5, last_seq=5, reason="damaged", journal=lost, is_open=True
    )
    bench.hear(up(A1, Stream.STATUS), frame(journal, Stream.STATUS, 1, [gap]))
    await bench.held(A1, Stream.STATUS, Held(1))
    row = await pool.fetchrow("SELECT journal::text, first_seq, is_open FROM gap")
    assert row is not None
    assert tuple(row) == (lost, 5, True)
    assert not any(Stream.VITALS in ack.streams for ack in bench.acks[A1])


async def test_a_salvaged_gap_speaks_of_the_journal_that_it_was_accepted_in_first(
    bench: Bench, pool: Pool
) -> None:
    lost, journal = new_journal(), new_journal()
    gap = Gap(stream=Stream.VITALS, first_seq=285, last_seq=322, reason="disk-full")
    salvaged = frame(journal, Stream.STATUS, 1, [gap], origin=Origin(lost, Seq(9)))
    bench.hear(up(A1, Stream.STATUS), salvaged)
    await bench.held(A1, Stream.STATUS, Held(1))
    row = await pool.fetchrow("SELECT journal::text, first_seq, last_seq FROM gap")
    assert row is not None
    assert tuple(row) == (lost, 285, 322)
    assert not any(Stream.VITALS in ack.streams for ack in bench.acks[A1])


async def test_a_hole_that_is_declared_a_hundred_times_is_one_gap(bench: Bench, pool: Pool) -> None:
    journal = new_journal()
    for seq in range(1, 60, 2):
        bench.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, seq, [vitals()]))
    await bench.until(
        lambda: any(
            held.ranges[-1:] == ((59, 59),)
            for ack in bench.acks[A1]
            for held in ack.streams.values()
        )
    )
    gap = Gap(stream=Stream.VITALS, first_seq=1, last_seq=60, reason="disk-full").to_body()
    bench.hear(up(A1, Stream.STATUS), frame(journal, Stream.STATUS, 1, [gap] * 100))
    await bench.held(A1, Stream.VITALS, Held(60))
    assert await pool.fetchval("SELECT count(*) FROM gap") == 30
    assert await count(pool, "stream = 'status'") == 100


async def test_gaps_that_would_scatter_a_stream_are_declared_but_not_counted_as_held(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, pool: Pool
) -> None:
    monkeypatch.setattr("hub.ingest.batch.MAX_RANGES", 5)
    journal = new_journal()
    gaps = [
        Gap(stream=Stream.VITALS, first_seq=n, last_seq=n, reason="disk-full").to_body()
        for n in range(10, 100, 10)
    ]
    bench.hear(up(A1, Stream.STATUS), frame(journal, Stream.STATUS, 1, gaps))
    await bench.until(lambda: any(("too-scattered", 4) in ack.refused for ack in bench.acks[A1]))
    assert await pool.fetchval("SELECT count(*) FROM gap") == len(gaps)
    held = (await ledgers_of(pool, [(A1, journal)]))[A1, journal]
    assert len(held[Stream.VITALS].ranges) <= 5


async def test_what_was_salvaged_is_known_though_its_captured_time_was_corrected(
    bench: Bench, pool: Pool
) -> None:
    lost, journal = new_journal(), new_journal()
    bodies = [vitals(heart_rate_bpm=60 + number) for number in range(4)]
    first = frame(lost, Stream.VITALS, 1, bodies[:2])
    bench.hear(up(A1, Stream.VITALS), first)
    await bench.held(A1, Stream.VITALS, Held(2))
    again = frame(
        journal, Stream.VITALS, 1, bodies, captured_utc_us=NOON_US + 7, origin=Origin(lost, Seq(1))
    )
    bench.hear(up(A1, Stream.VITALS), again)
    await bench.held(A1, Stream.VITALS, Held(4))
    rows = await pool.fetch("SELECT body FROM record ORDER BY captured_utc_us")
    assert [row["body"] for row in rows] == [body.to_body() for body in bodies]
