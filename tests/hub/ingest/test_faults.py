"""What is damaged, refused or breaks stays its own, and comes again."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import pytest

from hub.ingest.queue import MESSAGE_BYTES
from hub.ingest.receivers import Receivers
from hub.ingest.worker import GREETED_EACH
from hub.store import Pool, records
from protocols.errors import RemoteProtocolError
from protocols.link import Held, Stream
from protocols.link.topics import presence, up
from protocols.link.wire import Loader
from protocols.messages import Message, parse_many
from tests.hub import vehicle
from tests.hub.ingest.bench import A1, A2, Bench, count, logged, running
from tests.hub.vehicle import frame, new_journal, position, vitals


async def test_a_damaged_frame_is_refused_and_the_vehicle_is_told_why(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    good = frame(journal, Stream.VITALS, 1, [vitals()])
    bench.hear(up(A1, Stream.VITALS), good)
    await bench.held(A1, Stream.VITALS, Held(1))
    bench.hear(up(A1, Stream.VITALS), good[:-9] + bytes([good[-9] ^ 1]) + good[-8:])
    bench.hear(up(A1, Stream.POSITION), good)
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
    bench.hear(topic, frame(journal, Stream.VITALS, 1, [vitals()]))
    bench.hear(up(A2, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()]))
    await bench.held(A2, Stream.VITALS, Held(1))
    assert await count(pool, "unit <> 'A-002'") == 0


async def test_while_the_database_refuses_nothing_is_acknowledged_and_afterwards_all_is(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    first = frame(journal, Stream.VITALS, 1, [vitals()])
    bench.hear(up(A1, Stream.VITALS), first)
    await bench.held(A1, Stream.VITALS, Held(1))
    await pool.execute("ALTER TABLE stream_ledger RENAME TO out_of_reach")
    second = frame(journal, Stream.VITALS, 2, [vitals()])
    async with logged("hub.ingest.worker", "ingest.stalled"):
        bench.hear(up(A1, Stream.VITALS), second)
    stalled = bench.ingest.is_stalled
    assert stalled
    assert await count(pool) == 1
    await pool.execute("ALTER TABLE out_of_reach RENAME TO stream_ledger")
    bench.hear(up(A1, Stream.VITALS), second)
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
    bench.hear(up(A2, Stream.VITALS), payloads[0])  # another unit's share is its own
    for payload in payloads:
        bench.hear(up(A1, Stream.VITALS), payload)
    task = asyncio.create_task(bench.ingest.run())
    await bench.held(A1, Stream.VITALS, Held(3))
    for payload in payloads:
        bench.hear(up(A1, Stream.VITALS), payload)
        await bench.until(lambda: len(bench.acks[A1]) > 0)
    await bench.held(A1, Stream.VITALS, Held(5)) if await _retry(bench, payloads) else None
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await count(pool, "unit = 'A-001'") == 5
    assert await count(pool, "unit = 'A-002'") == 1


async def _retry(bench: Bench, payloads: list[bytes]) -> bool:
    for payload in payloads:
        bench.hear(up(A1, Stream.VITALS), payload)
        seen = len(bench.acks[A1])
        await bench.until(lambda seen=seen: len(bench.acks[A1]) > seen)  # type: ignore[misc]
    return True


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
    bench.hear(up(A2, Stream.VITALS), frame(other, Stream.VITALS, 1, [b"evil"]))
    bench.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()]))
    await bench.held(A1, Stream.VITALS, Held(1))
    await bench.held(A2, Stream.VITALS, Held(1))
    assert await count(pool, "understood") == 1


async def test_a_batch_that_ends_in_a_fault_is_taken_when_it_comes_again(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, journal = Bench(pool), new_journal()
    payload = frame(journal, Stream.VITALS, 1, [vitals()])
    bench.hear(up(A1, Stream.VITALS), payload)
    with monkeypatch.context() as patched:
        patched.setattr("hub.ingest.bodies.Bodies.judge", _fault)
        with pytest.raises(RuntimeError):
            await bench.ingest.run()
    task = asyncio.create_task(bench.ingest.run())
    bench.hear(up(A1, Stream.VITALS), payload)
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
        bench.hear(up(A1, Stream.VITALS), payloads[1])
        while len(bench.ingest._queue):  # noqa: ASYNC110 -- nobody tells when it is gathered
            await asyncio.sleep(0)
        raise ConnectionResetError

    monkeypatch.setattr("hub.ingest.worker.store.commit_batch", commit_slowly)
    task = asyncio.create_task(bench.ingest.run())
    bench.hear(up(A1, Stream.VITALS), payloads[0])
    # the network goes on while a commit is under way: the batch after it has its turn then
    await first_is_committing.wait()
    await bench.held(A1, Stream.VITALS, Held(0, ((2, 2),)))
    bench.hear(up(A1, Stream.VITALS), payloads[0])
    await bench.held(A1, Stream.VITALS, Held(2))
    assert await count(pool) == 2
    task.cancel()


async def test_what_is_gathered_while_a_batch_ends_in_a_fault_is_taken_when_it_comes_again(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, journal = Bench(pool), new_journal()
    payloads = [frame(journal, Stream.VITALS, seq, [vitals()]) for seq in (1, 2)]

    async def fault(*_args: Any, **_kwargs: Any) -> Any:
        bench.hear(up(A1, Stream.VITALS), payloads[1])
        while len(bench.ingest._queue):  # noqa: ASYNC110 -- nobody tells when it is gathered
            await asyncio.sleep(0)
        raise RuntimeError

    bench.hear(up(A1, Stream.VITALS), payloads[0])
    with monkeypatch.context() as patched:
        patched.setattr("hub.ingest.worker.store.commit_batch", fault)
        with pytest.raises(ExceptionGroup):
            await bench.ingest.run()
    task = asyncio.create_task(bench.ingest.run())
    for payload in payloads:
        bench.hear(up(A1, Stream.VITALS), payload)
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
        bench.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()]))
        await bench.held(A1, Stream.VITALS, Held(1))
        assert len(bench.batches) == 2


async def test_what_the_database_will_never_take_holds_up_its_own_unit_alone(
    bench: Bench, pool: Pool
) -> None:
    await pool.execute("ALTER TABLE record ADD CONSTRAINT not_this CHECK (seq <> 2)")
    other, journal = new_journal(), new_journal()
    try:
        bench.hear(up(A2, Stream.VITALS), frame(other, Stream.VITALS, 2, [vitals()]))
        bench.hear(up(A1, Stream.VITALS), frame(journal, Stream.VITALS, 1, [vitals()]))
        await bench.held(A1, Stream.VITALS, Held(1))
        bench.hear(up(A2, Stream.POSITION), frame(other, Stream.POSITION, 1, [position()]))
        await bench.held(A2, Stream.POSITION, Held(1))
        await bench.until(lambda: any(ack.refused for ack in bench.acks[A2]))
        assert {one for ack in bench.acks[A2] for one in ack.refused} == {("not-storable", 1)}
        assert not bench.ingest.is_stalled
    finally:
        await pool.execute("ALTER TABLE record DROP CONSTRAINT not_this")

    bench.hear(up(A2, Stream.VITALS), frame(other, Stream.VITALS, 2, [vitals()]))
    await bench.held(A2, Stream.VITALS, Held(0, ((2, 2),)))
    assert await count(pool) == 3


async def test_one_unit_s_many_journals_keep_no_other_from_being_greeted(pool: Pool) -> None:
    bench = Bench(pool)
    for _ in range(100):
        bench.hear(presence(A2), vehicle.presence(new_journal()).to_payload())
    bench.hear(presence(A1), vehicle.presence(new_journal()).to_payload())
    task = asyncio.create_task(bench.ingest.run())
    await bench.until(lambda: bool(bench.acks[A1]))
    assert len(bench.acks[A2]) == GREETED_EACH
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_among_many_alike_the_one_that_is_out_of_bounds_is_not_understood(
    bench: Bench, pool: Pool
) -> None:
    journal = new_journal()
    for first in (1, 101):  # the first frame teaches their shape
        bodies: list[Message | bytes] = [position(latitude_deg=n / 2) for n in range(100)]
        bodies[40] = position(latitude_deg=64.0).to_body().replace(b"\x40\x50", b"\x40\x57", 1)
        payload = frame(journal, Stream.POSITION, first, bodies)
        bench.hear(up(A1, Stream.POSITION), payload)
        await bench.held(A1, Stream.POSITION, Held(first + 99))
    rows = await pool.fetch("SELECT seq FROM record WHERE NOT understood ORDER BY seq")
    assert [row["seq"] for row in rows] == [41, 141]
    assert [each.record.seq for b in bench.batches for each in b if each.message is None] == [
        41,
        141,
    ]
