"""The journal keeps what it accepted, without holes, and frees only on the hub's word."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from edge_agent.journal import JournalSettings, Row, inbox, open_journal, rows
from edge_agent.journal.schema import files_set_aside
from protocols.clock import ClockSource
from protocols.errors import ClosedError
from protocols.ids import JournalId, Seq
from protocols.link import Held, Stream
from protocols.messages import Gap, VitalsReading, parse_body
from protocols.runtime.clock import SystemClock
from tests.edge_agent.journal.filling import accept, alarm, gaps_of, place, pulse, running
from tests.fakes.clock import FakeClock


async def test_seqs_rise_by_one_per_stream_and_go_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path) as journal:
        first = [await accept(journal, Stream.VITALS, pulse(60 + i)) for i in range(3)]
        others = await asyncio.gather(
            *(accept(journal, Stream.POSITION, place()) for _ in range(5))
        )
        identity = journal.id
    async with running(path) as journal:
        assert journal.id == identity
        assert await accept(journal, Stream.VITALS, pulse(70)) == 4
    assert first == [1, 2, 3]
    assert others == [1, 2, 3, 4, 5]


async def test_a_record_comes_back_as_it_was_accepted(tmp_path: Path) -> None:
    async with running(tmp_path / "journal.db") as journal:
        await accept(journal, Stream.VITALS, pulse(61), captured_us=17)
        row = (await journal.span(Stream.VITALS, 1, 9))[0]
    assert parse_body(Stream.VITALS, row.body) == pulse(61)
    assert (row.captured_utc_us, row.clock, row.clock_error_us) == (17, ClockSource.GNSS, 50)


async def test_listeners_hear_what_is_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    seen: list[tuple[int, int]] = []
    async with running(path) as journal:
        other = sqlite3.connect(path)

        def count(row: object) -> None:
            assert row is not None
            stored = other.execute("SELECT count(*) FROM record").fetchone()[0]
            seen.append((len(seen) + 1, stored))

        journal.on_append(count)
        for bpm in (60, 61, 62):
            await accept(journal, Stream.VITALS, pulse(bpm))
        other.close()
    assert seen == [(1, 1), (2, 2), (3, 3)]


async def test_nothing_is_freed_before_the_hub_has_it(tmp_path: Path) -> None:
    settings = JournalSettings(keep_acknowledged_s=0)
    async with running(tmp_path / "journal.db", settings) as journal:
        for bpm in range(60, 70):
            await accept(journal, Stream.VITALS, pulse(bpm))
        await journal.keep_house()
        assert len(await journal.span(Stream.VITALS, 1, 99)) == 10
        await journal.acknowledged(Stream.VITALS, Held(watermark=4, ranges=((6, 7),)))
        await journal.keep_house()
        left = [row.seq for row in await journal.span(Stream.VITALS, 1, 99)]
    assert left == [5, 8, 9, 10]


async def test_what_waits_is_counted_in_records_bytes_and_age(tmp_path: Path) -> None:
    async with running(tmp_path / "journal.db") as journal:
        for i in range(1, 6):
            await accept(journal, Stream.VITALS, pulse(60), captured_us=100 + i)
        size = len(pulse(60).to_body())
        assert await journal.waiting(Stream.VITALS) == (5, 5 * size, 101)
        await journal.acknowledged(Stream.VITALS, Held(watermark=2))
        assert await journal.waiting(Stream.VITALS) == (3, 3 * size, 103)
        await journal.acknowledged(Stream.VITALS, Held(watermark=5))
        assert await journal.waiting(Stream.VITALS) == (0, 0, None)


def waveform(seq: int) -> Row:
    return Row(
        stream=Stream.WAVEFORM, seq=Seq(seq), captured_utc_us=1, clock=ClockSource.GNSS,
        clock_error_us=0, body=os.urandom(50_000),
    )  # fmt: skip


async def test_a_full_file_sheds_bulk_and_says_so_and_keeps_alarms(tmp_path: Path) -> None:
    settings = JournalSettings(largest_bytes=16 * 2**20)
    clock = FakeClock()
    async with open_journal(tmp_path / "journal.db", settings, clock) as journal:
        big = VitalsReading(pulse_bpm=60, source="x" * 120)
        writer = asyncio.create_task(journal.run())
        waits = [
            asyncio.create_task(accept(journal, stream, message))
            for stream, message in [(Stream.ALARM, alarm(1)), (Stream.VITALS, big)]
        ]
        await asyncio.gather(*waits)
        blob = sqlite3.connect(tmp_path / "journal.db")
        blob.execute("PRAGMA busy_timeout=5000")
        with blob:  # 20 MiB of waveforms that the hub does not have
            rows.append(blob, [waveform(seq) for seq in range(1, 420)], now_utc_us=1)
        blob.close()
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
    async with running(tmp_path / "journal.db", settings) as journal:
        await journal.keep_house()
        gaps = await gaps_of(journal)
        left = [int(row.seq) for row in await journal.span(Stream.WAVEFORM, 1, 999)]
        assert await journal.span(Stream.ALARM, 1, 9)
        assert await journal.span(Stream.VITALS, 1, 9)
    gone = [seq for gap in gaps for seq in range(gap.first_seq, gap.last_seq + 1)]
    assert gone
    assert sorted(gone + left) == list(range(1, 420))


async def test_a_damaged_file_is_set_aside_whole_and_a_new_journal_begun(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path) as journal:
        await accept(journal, Stream.VITALS, pulse(60))
        identity = journal.id
    whole = bytearray(path.read_bytes())
    whole[0:4096] = os.urandom(4096)
    path.write_bytes(whole)
    async with running(path) as journal:
        assert journal.id != identity
        assert await accept(journal, Stream.VITALS, pulse(61)) == 1
    [aside] = files_set_aside(path)
    assert aside.read_bytes() == bytes(whole)


async def test_orders_are_received_once_and_kept_over_a_restart(tmp_path: Path) -> None:
    path, hub = tmp_path / "journal.db", JournalId("0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b")
    async with running(path) as journal:
        await journal.receive_orders(hub, [(1, "o-1", b"one")], Held(watermark=1))
        await journal.receive_orders(
            hub, [(1, "o-1", b"one"), (2, "o-2", b"two")], Held(watermark=2)
        )
    async with running(path) as journal:
        assert [body for _, body in await journal.orders(since_utc_us=0)] == [b"one", b"two"]
        assert await journal.inbox_held(hub) == Held(watermark=2)


async def test_small_facts_survive(tmp_path: Path) -> None:
    async with running(tmp_path / "journal.db") as journal:
        await journal.keep("status", "en_route")
        await journal.keep("status", "on_scene")
    async with running(tmp_path / "journal.db") as journal:
        assert await journal.kept("status") == "on_scene"
        assert await journal.kept("nothing") is None


async def test_a_closed_journal_refuses(tmp_path: Path) -> None:
    async with open_journal(tmp_path / "j.db", JournalSettings(), SystemClock()) as journal:
        pass
    with pytest.raises(ClosedError):
        await accept(journal, Stream.VITALS, pulse(60))


async def test_an_encrypted_journal_opens_with_its_key_alone(tmp_path: Path) -> None:
    key, wrong = tmp_path / "key", tmp_path / "wrong"
    key.write_text("1f" * 32)
    wrong.write_text("2e" * 32)
    path = tmp_path / "journal.db"
    async with running(path, JournalSettings(key_file=key)) as journal:
        await accept(journal, Stream.VITALS, pulse(77))
    assert b"pulse_bpm" not in path.read_bytes()
    async with running(path, JournalSettings(key_file=key)) as journal:
        assert len(await journal.span(Stream.VITALS, 1, 9)) == 1
    async with running(path, JournalSettings(key_file=wrong)):
        assert files_set_aside(path)


WRITER = """
import asyncio, sys
from pathlib import Path
from edge_agent.journal import JournalSettings, open_journal
from protocols.clock import ClockSource
from protocols.link import Stream
from protocols.messages import VitalsReading
from protocols.runtime.clock import SystemClock

async def main():
    async with open_journal(Path(sys.argv[1]), JournalSettings(), SystemClock()) as journal:
        asyncio.create_task(journal.run())
        while True:
            seq = await journal.append(Stream.VITALS, VitalsReading(pulse_bpm=60),
                captured_utc_us=1, clock=ClockSource.RTC, clock_error_us=None)
            print(seq, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("accepted_before", [1, 40, 200])
async def test_kill_9_takes_nothing_that_was_accepted(tmp_path: Path, accepted_before: int) -> None:
    path = tmp_path / "journal.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    accepted = 0
    while accepted < accepted_before:
        accepted = int(await process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest = await process.stdout.read()
    await process.wait()
    accepted = max([accepted, *(int(line) for line in rest.splitlines(keepends=False) if line)])
    async with running(path) as journal:
        seqs = [row.seq for row in await journal.span(Stream.VITALS, 1, 10**6)]
        assert not files_set_aside(path)
    assert seqs[:accepted] == list(range(1, accepted + 1))
    assert len(seqs) <= accepted + 1  # one more may have been on the disk, its word unsaid


async def test_a_body_that_the_file_has_lost_is_declared_and_never_sent(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path) as journal:
        for number in range(1, 6):
            await accept(journal, Stream.VITALS, pulse(number))
        with contextlib.closing(sqlite3.connect(path)) as other, other:
            # what SQLite makes of a last page that the file has lost
            other.execute(
                "UPDATE record SET body = zeroblob(length(body))"
                " WHERE stream = 'vitals' AND seq IN (2, 3, 5)"
            )
        shed: list[Gap] = []
        journal.on_shed(shed.append)
        found = await asyncio.gather(*(journal.span(Stream.VITALS, 1, 5) for _ in range(2)))
        assert [[row.seq for row in rows] for rows in found] == [[1, 4], [1, 4]]
        gaps = [(gap.stream, gap.first_seq, gap.last_seq, gap.reason) for gap in shed]
        assert gaps == [
            (Stream.VITALS, 2, 3, "damaged"),
            (Stream.VITALS, 5, 5, "damaged"),
        ]
        assert await gaps_of(journal) == shed
        assert [row.seq for row in await journal.newest(Stream.VITALS, limit=9)] == [1, 4]


async def test_a_listener_that_fails_leaves_nobody_waiting(tmp_path: Path) -> None:
    async with running(tmp_path / "journal.db") as journal:

        def fails(_row: Row) -> None:
            raise RuntimeError("a bug")

        journal.on_append(fails)
        async with asyncio.timeout(10):
            assert await accept(journal, Stream.ALARM, alarm(1)) == 1


async def test_only_the_newest_orders_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MOST_ORDERS", 10)
    hub = JournalId("0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b")
    async with running(tmp_path / "journal.db") as journal:
        for seq in range(1, 31):
            await journal.receive_orders(hub, [(seq, f"o-{seq}", b"%d" % seq)], Held(watermark=seq))
        await journal.keep_house()
        bodies = [body for _, body in await journal.orders(since_utc_us=0)]
        assert bodies == [b"%d" % seq for seq in range(21, 31)]
        assert await journal.inbox_held(hub) == Held(watermark=30)
