"""Frames in, records committed, acks out: whatever is sent twice, damaged or refused."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from hub.ingest import Arrived, Ingest, Taps
from hub.ingest.queue import MESSAGE_BYTES
from hub.ingest.receivers import Receivers
from hub.ingest.worker import GREETED_EACH
from hub.store import Pool, records
from hub.store.ledgers import ledgers_of
from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId, Seq, UnitId
from protocols.link import Ack, Held, Lane, Origin, Stream, decode_ack
from protocols.link.topics import down_ack, link_ack, presence, up
from protocols.link.wire import Loader
from protocols.messages import Gap, Message, StatusChange, parse_many
from protocols.messages import Presence as PresenceMessage
from protocols.runtime.clock import SystemClock
from tests.hub import vehicle
from tests.hub.vehicle import NOON_US, frame, new_journal, position, vitals

A1, A2 = UnitId("A-001"), UnitId("A-002")


class Bench:
    """An ingest over a real database; what it publishes and taps is kept."""

    def __init__(self, pool: Pool) -> None:
        self.acks: dict[UnitId, list[Ack]] = {A1: [], A2: []}
        self.batches: list[list[Arrived]] = []
        self.presences: list[tuple[UnitId, PresenceMessage]] = []
        self.link_acks: list[tuple[UnitId, Ack]] = []
        self._changed = asyncio.Event()
        self.taps = taps = Taps()
        taps.on_records(lambda batch: self.batches.append(list(batch)))
        taps.on_presence(lambda unit, said: self.presences.append((unit, said)))
        self.ingest = Ingest(
            pool,
            SystemClock(),
            taps,
            publish=self._published,
            heard_link_ack=lambda unit, ack: self.link_acks.append((unit, ack)),
        )

    def _published(self, topic: str, payload: bytes) -> None:
        unit = next(unit for unit in self.acks if down_ack(unit) == topic)
        self.acks[unit].append(decode_ack(payload))
        self._changed.set()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for acks until `true` holds."""
        async with asyncio.timeout(10):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    async def held(self, unit: UnitId, stream: Stream, held: Held) -> None:
        await self.until(lambda: any(ack.streams.get(stream) == held for ack in self.acks[unit]))


@contextlib.asynccontextmanager
async def running(pool: Pool) -> AsyncIterator[Bench]:
    bench = Bench(pool)
    task = asyncio.create_task(bench.ingest.run())
    yield bench
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def bench(pool: Pool) -> AsyncIterator[Bench]:
    async with running(pool) as made:
        yield made


@contextlib.asynccontextmanager
async def logged(logger: str, event: str) -> AsyncIterator[None]:
    """Wait, on leaving, until `logger` has said `event` since entering."""
    said = asyncio.Event()

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == event:
                said.set()

    handler = Heard()
    logging.getLogger(logger).addHandler(handler)
    try:
        yield
        async with asyncio.timeout(10):
            await said.wait()
    finally:
        logging.getLogger(logger).removeHandler(handler)


async def count(pool: Pool, where: str = "true") -> int:
    return int(await pool.fetchval(f"SELECT count(*) FROM record WHERE {where}"))  # noqa: S608


async def test_a_frame_is_acknowledged_once_its_records_are_in_the_database(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    bench.ingest.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()] * 3))
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
        bench.ingest.hear(up(A1, Stream.VITALS), payload)
        await bench.until(lambda times=times: len(bench.acks[A1]) >= times)  # type: ignore[misc]
    assert await count(pool) == 2
    assert {ack.streams[Stream.VITALS] for ack in bench.acks[A1]} == {Held(2)}


async def test_overlapping_frames_in_any_order_leave_every_record_once(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    for first, size in ((7, 4), (1, 3), (2, 7), (5, 2)):
        payload = frame(journal, Stream.VITALS, first, [vitals()] * size)
        bench.ingest.hear(up(A1, Stream.VITALS), payload)
    await bench.held(A1, Stream.VITALS, Held(10))
    assert await count(pool) == 10


async def test_a_restarted_hub_knows_what_it_holds(bench: Bench, pool: Pool) -> None:
    journal = new_journal()
    payload = frame(journal, Stream.VITALS, 1, [vitals()] * 4)
    bench.ingest.hear(up(A1, Stream.VITALS), payload)
    await bench.held(A1, Stream.VITALS, Held(4))
    async with running(pool) as after:
        after.ingest.hear(up(A1, Stream.VITALS), payload)
        await after.held(A1, Stream.VITALS, Held(4))
        assert after.batches == []
    assert await count(pool) == 4


async def test_two_journals_of_one_unit_are_not_confused(bench: Bench, pool: Pool) -> None:
    for journal in (new_journal(), new_journal()):
        bench.ingest.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()]))
    await bench.until(lambda: len({ack.journal for ack in bench.acks[A1]}) == 2)
    assert await count(pool) == 2


async def test_a_body_that_is_not_understood_is_kept_and_acknowledged_but_not_shown(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    bodies: list[Message | bytes] = [b"\xa1dkindhvitals99", b"\xff\xff", vitals()]
    bench.ingest.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, bodies))
    await bench.held(A1, Stream.VITALS, Held(3))
    kept = await pool.fetch("SELECT body, understood FROM record ORDER BY seq")
    assert [bytes(row["body"]) for row in kept[:2]] == bodies[:2]
    assert [row["understood"] for row in kept] == [False, False, True]
    assert [arrived.message is None for arrived in bench.batches[0]] == [True, True, False]


async def test_a_damaged_frame_is_refused_and_the_vehicle_is_told_why(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    good = frame(journal, Stream.VITALS, 1, [vitals()])
    bench.ingest.hear(up(A1, Stream.VITALS), good)
    await bench.held(A1, Stream.VITALS, Held(1))
    bench.ingest.hear(up(A1, Stream.VITALS), good[:-9] + bytes([good[-9] ^ 1]) + good[-8:])
    bench.ingest.hear(up(A1, Stream.POSITION), good)
    await bench.until(lambda: sum(len(ack.refused) for ack in bench.acks[A1]) >= 2)
    told = {reason for ack in bench.acks[A1] for reason, _ in ack.refused}
    assert told == {"damaged", "wrong-stream"}
    assert await count(pool) == 1


@pytest.mark.parametrize(
    "topic",
    ["gh/1/63/A-001/up/vitals", "gh/1/0/../up/vitals", "other", up(A1, Stream.VITALS) + "/x"],
)
async def test_a_topic_that_is_not_the_unit_s_own_changes_nothing(
    bench: Bench, pool: Pool, topic: str
) -> None:
    journal = new_journal()
    bench.ingest.hear(topic, frame(journal, Stream.VITALS, 1, [vitals()]))
    bench.ingest.hear(up(A2, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()]))
    await bench.held(A2, Stream.VITALS, Held(1))
    assert await count(pool, "unit <> 'A-002'") == 0


async def test_a_declared_gap_counts_as_held_and_is_kept_as_a_hole(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    bench.ingest.hear(up(A1, Stream.WAVEFORM), frame(journal, Stream.WAVEFORM, 5, [b"\xa0"]))
    gap = Gap(stream=Stream.WAVEFORM, first_seq=1, last_seq=4, reason="retention")
    bench.ingest.hear(up(A1, Stream.STATUS), frame(journal, Stream.STATUS, 1, [gap]))
    await bench.held(A1, Stream.WAVEFORM, Held(5))
    row = await pool.fetchrow("SELECT stream, first_seq, last_seq, reason FROM gap")
    assert row is not None
    assert tuple(row) == ("waveform", 1, 4, "retention")


async def test_of_a_declared_gap_only_what_is_not_here_is_a_hole(bench: Bench, pool: Pool) -> None:
    journal = new_journal()
    bench.ingest.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 3, [vitals(), vitals()]))
    await bench.held(A1, Stream.VITALS, Held(0, ((3, 4),)))
    gap = Gap(stream=Stream.VITALS, first_seq=2, last_seq=6, reason="damaged")
    bench.ingest.hear(up(A1, Stream.STATUS), frame(journal, Stream.STATUS, 1, [gap]))
    await bench.held(A1, Stream.VITALS, Held(0, ((2, 6),)))
    rows = await pool.fetch("SELECT first_seq, last_seq FROM gap ORDER BY first_seq")
    assert [tuple(row) for row in rows] == [(2, 2), (5, 6)]


async def test_while_the_database_refuses_nothing_is_acknowledged_and_afterwards_all_is(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    first = frame(journal, Stream.VITALS, 1, [vitals()])
    bench.ingest.hear(up(A1, Stream.VITALS), first)
    await bench.held(A1, Stream.VITALS, Held(1))
    await pool.execute("ALTER TABLE stream_ledger RENAME TO out_of_reach")
    second = frame(journal, Stream.VITALS, 2, [vitals()])
    async with logged("hub.ingest.worker", "ingest.stalled"):
        bench.ingest.hear(up(A1, Stream.VITALS), second)
    stalled = bench.ingest.is_stalled
    assert stalled
    assert await count(pool) == 1
    await pool.execute("ALTER TABLE out_of_reach RENAME TO stream_ledger")
    bench.ingest.hear(up(A1, Stream.VITALS), second)
    await bench.held(A1, Stream.VITALS, Held(2))
    assert bench.ingest.is_stalled is False
    assert [held for ack in bench.acks[A1] for held in ack.streams.values()][-1] == Held(2)


async def test_a_full_queue_drops_frames_unacknowledged_and_takes_them_when_they_come_again(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, journal = Bench(pool), new_journal()
    payloads = [frame(journal, Stream.VITALS, seq, [vitals()]) for seq in range(1, 6)]
    each = len(payloads[0]) + MESSAGE_BYTES
    monkeypatch.setattr("hub.ingest.queue.UNIT_BYTES", 3 * each)
    bench.ingest.hear(up(A2, Stream.VITALS), payloads[0])  # another unit's share is its own
    for payload in payloads:
        bench.ingest.hear(up(A1, Stream.VITALS), payload)
    task = asyncio.create_task(bench.ingest.run())
    await bench.held(A1, Stream.VITALS, Held(3))
    for payload in payloads:
        bench.ingest.hear(up(A1, Stream.VITALS), payload)
        await bench.until(lambda: len(bench.acks[A1]) > 0)
    await bench.held(A1, Stream.VITALS, Held(5)) if await _retry(bench, payloads) else None
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await count(pool, "unit = 'A-001'") == 5
    assert await count(pool, "unit = 'A-002'") == 1


async def _retry(bench: Bench, payloads: list[bytes]) -> bool:
    for payload in payloads:
        bench.ingest.hear(up(A1, Stream.VITALS), payload)
        seen = len(bench.acks[A1])
        await bench.until(lambda seen=seen: len(bench.acks[A1]) > seen)  # type: ignore[misc]
    return True


async def test_backfill_is_told_to_the_taps_as_backfill(bench: Bench) -> None:
    journal = new_journal()
    old = frame(journal, Stream.VITALS, 1, [vitals()], lane=Lane.BACKFILL, captured_utc_us=1)
    bench.ingest.hear(up(A1, Stream.VITALS), old)
    await bench.held(A1, Stream.VITALS, Held(1))
    record = bench.batches[0][0].record
    assert (record.lane, record.captured_utc_us) == (Lane.BACKFILL, 1)
    assert record.received_utc_us > 1


async def test_presence_and_acks_of_orders_go_to_those_who_asked(bench: Bench) -> None:
    journal = new_journal()
    said = vehicle.presence(journal)
    bench.ingest.hear(presence(A1), said.to_payload())
    status = frame(
        journal, Stream.STATUS, 1, [StatusChange.model_validate({"status": "available"})]
    )
    bench.ingest.hear(up(A1, Stream.STATUS), status)
    await bench.held(A1, Stream.STATUS, Held(1))
    assert bench.presences == [(A1, said)]
    bench.ingest.hear(link_ack(A1), b"nonsense")
    assert bench.link_acks == []


async def test_what_is_acknowledged_is_what_a_new_connection_reads(
    bench: Bench, pool: Pool
) -> None:
    """At the moment of each ack, its records are there for everybody."""
    journal: JournalId = new_journal()
    for seq in range(1, 30):
        bench.ingest.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, seq, [vitals()]))
        await bench.until(lambda: bool(bench.acks[A1]))
        acked = max(ack.streams[Stream.VITALS].watermark for ack in bench.acks[A1])
        assert await count(pool) >= acked


async def test_a_birth_is_answered_with_all_that_is_held_of_its_journal(bench: Bench) -> None:
    journal = new_journal()
    bench.ingest.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()] * 3))
    await bench.held(A1, Stream.VITALS, Held(3))
    bench.acks[A1].clear()
    bench.ingest.hear(presence(A1), vehicle.presence(journal).to_payload())
    await bench.held(A1, Stream.VITALS, Held(3))


async def test_a_birth_of_a_new_journal_is_told_that_nothing_is_held(bench: Bench) -> None:
    journal = new_journal()
    bench.ingest.hear(presence(A1), vehicle.presence(journal).to_payload())
    await bench.until(lambda: bool(bench.acks[A1]))
    [ack] = bench.acks[A1]
    assert (ack.journal, ack.streams) == (journal, {})


async def test_what_was_salvaged_is_acknowledged_and_stored_once_whatever_its_name(
    bench: Bench, pool: Pool
) -> None:
    lost, second, third = new_journal(), new_journal(), new_journal()
    bodies = [vitals(heart_rate_bpm=60 + number) for number in range(6)]
    bench.ingest.hear(up(A1, Stream.VITALS), frame(lost, Stream.VITALS, 1, bodies[:2]))
    await bench.held(A1, Stream.VITALS, Held(2))
    salvaged = frame(second, Stream.VITALS, 11, bodies, origin=Origin(lost, Seq(1)))
    bench.ingest.hear(up(A1, Stream.VITALS), salvaged)
    await bench.held(A1, Stream.VITALS, Held(0, ((11, 16),)))
    again = frame(third, Stream.VITALS, 1, bodies, origin=Origin(lost, Seq(1)))
    bench.ingest.hear(up(A1, Stream.VITALS), again)
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
    bench.ingest.hear(up(A1, Stream.STATUS), frame(journal, Stream.STATUS, 1, [gap]))
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
    bench.ingest.hear(up(A1, Stream.STATUS), salvaged)
    await bench.held(A1, Stream.STATUS, Held(1))
    row = await pool.fetchrow("SELECT journal::text, first_seq, last_seq FROM gap")
    assert row is not None
    assert tuple(row) == (lost, 285, 322)
    assert not any(Stream.VITALS in ack.streams for ack in bench.acks[A1])


async def test_a_body_that_breaks_its_reader_is_kept_and_holds_nobody_up(
    bench: Bench, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(
        bodies: Sequence[tuple[Stream, bytes]], *, loader: Loader
    ) -> list[Message | RemoteProtocolError]:
        if any(body == b"evil" for _, body in bodies):
            raise RuntimeError("broken reader")
        return parse_many(bodies, loader=loader)

    monkeypatch.setattr("hub.ingest.bodies.parse_many", read)
    journal, other = new_journal(), new_journal()
    bench.ingest.hear(up(A2, Stream.VITALS), frame(other, Stream.VITALS, 1, [b"evil"]))
    bench.ingest.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()]))
    await bench.held(A1, Stream.VITALS, Held(1))
    await bench.held(A2, Stream.VITALS, Held(1))
    assert await count(pool, "understood") == 1


async def test_a_batch_that_ends_in_a_fault_is_taken_when_it_comes_again(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, journal = Bench(pool), new_journal()
    payload = frame(journal, Stream.VITALS, 1, [vitals()])
    bench.ingest.hear(up(A1, Stream.VITALS), payload)
    with monkeypatch.context() as patched:
        patched.setattr("hub.ingest.bodies.Bodies.judge", _fault)
        with pytest.raises(RuntimeError):
            await bench.ingest.run()
    task = asyncio.create_task(bench.ingest.run())
    bench.ingest.hear(up(A1, Stream.VITALS), payload)
    await bench.held(A1, Stream.VITALS, Held(1))
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_what_is_gathered_while_a_batch_fails_is_stored_and_the_failed_comes_again(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, journal = Bench(pool), new_journal()
    payloads = [frame(journal, Stream.VITALS, seq, [vitals()]) for seq in (1, 2)]
    first_is_committing = asyncio.Event()
    commit = records.commit_batch

    async def commit_slowly(*args: Any, **kwargs: Any) -> Any:
        if first_is_committing.is_set():
            return await commit(*args, **kwargs)
        first_is_committing.set()
        bench.ingest.hear(up(A1, Stream.VITALS), payloads[1])
        while len(bench.ingest._queue):  # noqa: ASYNC110 -- nobody tells when it is gathered
            await asyncio.sleep(0)
        raise ConnectionResetError

    monkeypatch.setattr("hub.ingest.worker.store.commit_batch", commit_slowly)
    task = asyncio.create_task(bench.ingest.run())
    bench.ingest.hear(up(A1, Stream.VITALS), payloads[0])
    # the network goes on while a commit is under way: the batch after it has its turn then
    await first_is_committing.wait()
    await bench.held(A1, Stream.VITALS, Held(0, ((2, 2),)))
    bench.ingest.hear(up(A1, Stream.VITALS), payloads[0])
    await bench.held(A1, Stream.VITALS, Held(2))
    assert await count(pool) == 2
    task.cancel()


async def test_what_is_gathered_while_a_batch_ends_in_a_fault_is_taken_when_it_comes_again(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, journal = Bench(pool), new_journal()
    payloads = [frame(journal, Stream.VITALS, seq, [vitals()]) for seq in (1, 2)]

    async def fault(*_args: Any, **_kwargs: Any) -> Any:
        bench.ingest.hear(up(A1, Stream.VITALS), payloads[1])
        while len(bench.ingest._queue):  # noqa: ASYNC110 -- nobody tells when it is gathered
            await asyncio.sleep(0)
        raise RuntimeError

    bench.ingest.hear(up(A1, Stream.VITALS), payloads[0])
    with monkeypatch.context() as patched:
        patched.setattr("hub.ingest.worker.store.commit_batch", fault)
        with pytest.raises(ExceptionGroup):
            await bench.ingest.run()
    task = asyncio.create_task(bench.ingest.run())
    for payload in payloads:
        bench.ingest.hear(up(A1, Stream.VITALS), payload)
    await bench.held(A1, Stream.VITALS, Held(2))
    assert await count(pool) == 2
    task.cancel()


async def test_two_who_load_a_journal_at_once_share_the_receiver_that_was_there_first(
    pool: Pool,
) -> None:
    """Another in its place would know less than is held, and write that down."""
    receivers, key = Receivers(pool), (A1, new_journal())
    loads = {asyncio.create_task(receivers.load([key])) for _ in range(2)}
    await asyncio.wait(loads, return_when=asyncio.FIRST_COMPLETED)
    first = receivers[key]
    await asyncio.gather(*loads)
    assert receivers[key] is first


def _fault(*_of: object) -> None:
    raise RuntimeError("a fault of ours")


async def test_a_tap_that_fails_keeps_neither_the_ack_nor_another_tap(pool: Pool) -> None:
    async with running(pool) as bench:
        bench.taps.on_records(_fault)
        bench.taps.on_records(lambda batch: bench.batches.append(list(batch)))
        journal = new_journal()
        bench.ingest.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()]))
        await bench.held(A1, Stream.VITALS, Held(1))
        assert len(bench.batches) == 2


async def test_a_hole_that_is_declared_a_hundred_times_is_one_gap(bench: Bench, pool: Pool) -> None:
    journal = new_journal()
    for seq in range(1, 60, 2):
        bench.ingest.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, seq, [vitals()]))
    await bench.until(
        lambda: any(
            held.ranges[-1:] == ((59, 59),)
            for ack in bench.acks[A1]
            for held in ack.streams.values()
        )
    )
    gap = Gap(stream=Stream.VITALS, first_seq=1, last_seq=60, reason="disk-full").to_body()
    bench.ingest.hear(up(A1, Stream.STATUS), frame(journal, Stream.STATUS, 1, [gap] * 100))
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
    bench.ingest.hear(up(A1, Stream.STATUS), frame(journal, Stream.STATUS, 1, gaps))
    await bench.until(lambda: any(("too-scattered", 4) in ack.refused for ack in bench.acks[A1]))
    assert await pool.fetchval("SELECT count(*) FROM gap") == len(gaps)
    held = (await ledgers_of(pool, [(A1, journal)]))[A1, journal]
    assert len(held[Stream.VITALS].ranges) <= 5


async def test_what_the_database_will_never_take_holds_up_its_own_unit_alone(
    bench: Bench, pool: Pool
) -> None:
    await pool.execute("ALTER TABLE record ADD CONSTRAINT not_this CHECK (seq <> 2)")
    other, journal = new_journal(), new_journal()
    try:
        bench.ingest.hear(up(A2, Stream.VITALS), frame(other, Stream.VITALS, 2, [vitals()]))
        bench.ingest.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()]))
        await bench.held(A1, Stream.VITALS, Held(1))
        bench.ingest.hear(up(A2, Stream.POSITION), frame(other, Stream.POSITION, 1, [position()]))
        await bench.held(A2, Stream.POSITION, Held(1))
        await bench.until(lambda: any(ack.refused for ack in bench.acks[A2]))
        assert {one for ack in bench.acks[A2] for one in ack.refused} == {("not-storable", 1)}
        assert not bench.ingest.is_stalled
    finally:
        await pool.execute("ALTER TABLE record DROP CONSTRAINT not_this")

    bench.ingest.hear(up(A2, Stream.VITALS), frame(other, Stream.VITALS, 2, [vitals()]))
    await bench.held(A2, Stream.VITALS, Held(0, ((2, 2),)))
    assert await count(pool) == 3


async def test_one_unit_s_many_journals_keep_no_other_from_being_greeted(pool: Pool) -> None:
    bench = Bench(pool)
    for _ in range(100):
        bench.ingest.hear(presence(A2), vehicle.presence(new_journal()).to_payload())
    bench.ingest.hear(presence(A1), vehicle.presence(new_journal()).to_payload())
    task = asyncio.create_task(bench.ingest.run())
    await bench.until(lambda: bool(bench.acks[A1]))
    assert len(bench.acks[A2]) == GREETED_EACH
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_of_a_unit_that_nobody_watches_the_newest_position_is_told_and_every_status(
    bench: Bench, pool: Pool
) -> None:
    bench.taps.whole_for(lambda: {A2})
    journal, other = new_journal(), new_journal()
    places = [position(latitude_deg=20 + seq) for seq in range(20)]
    status = StatusChange.model_validate({"status": "available"})
    for unit, name in ((A1, journal), (A2, other)):
        bench.ingest.hear(up(unit, Stream.POSITION), frame(name, Stream.POSITION, 1, places))
        bench.ingest.hear(up(unit, Stream.STATUS), frame(name, Stream.STATUS, 1, [status] * 3))
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


async def test_among_many_alike_the_one_that_is_out_of_bounds_is_not_understood(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    for first in (1, 101):  # the first frame teaches their shape
        bodies: list[Message | bytes] = [position(latitude_deg=n / 2) for n in range(100)]
        bodies[40] = position(latitude_deg=64.0).to_body().replace(b"\x40\x50", b"\x40\x57", 1)
        payload = frame(journal, Stream.POSITION, first, bodies)
        bench.ingest.hear(up(A1, Stream.POSITION), payload)
        await bench.held(A1, Stream.POSITION, Held(first + 99))
    rows = await pool.fetch("SELECT seq FROM record WHERE NOT understood ORDER BY seq")
    assert [row["seq"] for row in rows] == [41, 141]
    assert [each.record.seq for b in bench.batches for each in b if each.message is None] == [
        41,
        141,
    ]


async def test_what_was_salvaged_is_known_though_its_captured_time_was_corrected(
    bench: Bench, pool: Pool
) -> None:
    lost, journal = new_journal(), new_journal()
    bodies = [vitals(heart_rate_bpm=60 + number) for number in range(4)]
    first = frame(lost, Stream.VITALS, 1, bodies[:2])
    bench.ingest.hear(up(A1, Stream.VITALS), first)
    await bench.held(A1, Stream.VITALS, Held(2))
    again = frame(
        journal, Stream.VITALS, 1, bodies, captured_utc_us=NOON_US + 7, origin=Origin(lost, Seq(1))
    )
    bench.ingest.hear(up(A1, Stream.VITALS), again)
    await bench.held(A1, Stream.VITALS, Held(4))
    rows = await pool.fetch("SELECT body FROM record ORDER BY captured_utc_us")
    assert [row["body"] for row in rows] == [body.to_body() for body in bodies]
