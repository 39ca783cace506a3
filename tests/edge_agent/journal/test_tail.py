"""The tail beside the journal: what that loses is taken from it; its own loss harms nothing."""

import asyncio
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from edge_agent.journal import Journal, JournalSettings, Salvage, tail
from edge_agent.journal.schema import TAIL_ENDING, TAIL_ENDINGS, files_set_aside
from protocols.ids import JournalId
from protocols.link import Held, Stream
from protocols.messages import Still
from protocols.runtime.clock import SystemClock
from tests.edge_agent.journal.filling import accept, alarm, gaps_of, place, pulse, running

HUB = JournalId("0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b")
STREAMS = (Stream.ALARM, Stream.VITALS, Stream.POSITION)
COUNT = 120


async def left_by_a_kill(
    path: Path, settings: JournalSettings | None = None, *, count: int = COUNT
) -> JournalId:
    """Accept records, orders and facts; the files are left as SIGKILL leaves them."""
    async with running(path, settings) as journal:
        await fill(journal, count)
        for part in path.parent.glob(f"{path.name}*"):
            shutil.copy(part, path.parent / f"killed-{part.name}")
        identity = journal.id
    for part in path.parent.glob(f"{path.name}*"):
        part.unlink()
    for part in path.parent.glob(f"killed-{path.name}*"):
        part.rename(part.with_name(part.name.removeprefix("killed-")))
    return identity


async def fill(journal: Journal, count: int = COUNT) -> None:
    for number in range(1, count + 1):
        await asyncio.gather(
            accept(journal, Stream.ALARM, alarm(number), number),
            accept(journal, Stream.VITALS, pulse(60 + number % 40), number),
            accept(journal, Stream.POSITION, place(), number),
        )
        if number % 10 == 0:
            await journal.acknowledged(Stream.VITALS, Held(watermark=number - 5))
            await journal.keep("run", str(number))
            order = (number, f"o-{number}", b"order")
            await journal.receive_orders(HUB, [order], Held(watermark=number))
            await journal.keep("passing", "x")
            await journal.forget("passing")


async def gone(journal: Journal, stream: Stream) -> set[int]:
    return {
        seq
        for gap in await gaps_of(journal)
        if gap.stream is stream
        for seq in range(gap.first_seq, gap.last_seq + 1)
    }


async def check_whole(journal: Journal, *, is_salvaged: bool = False) -> None:
    """Assert that all of it stands there, or of what was salvaged all that the hub lacks."""
    for stream in STREAMS:
        found = await journal.span(stream, 1, 10**6)
        first = COUNT - 4 if is_salvaged and stream is Stream.VITALS else 1
        assert {row.origin.seq if row.origin else row.seq for row in found} == {
            *range(first, COUNT + 1)
        }
    assert await journal.kept("run") == str(COUNT)
    assert await journal.kept("passing") is None
    assert await journal.inbox_held(HUB) == Held(watermark=COUNT)
    assert len(await journal.orders(since_utc_us=0)) == COUNT // 10
    assert await gaps_of(journal) == []


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
async def test_a_log_that_is_cut_off_loses_nothing(tmp_path: Path, share: float) -> None:
    path = tmp_path / "journal.db"
    identity = await left_by_a_kill(path)
    log = path.with_name("journal.db-wal")
    os.truncate(log, round(log.stat().st_size * share))
    async with running(path) as journal:
        await Salvage(journal, SystemClock()).run()
        is_salvaged = journal.id != identity
        await check_whole(journal, is_salvaged=is_salvaged)
        assert journal.account(Stream.VITALS).held.watermark == (0 if is_salvaged else COUNT - 5)
        assert len(files_set_aside(path)) == is_salvaged


@pytest.mark.parametrize("size", [0, 1, 400, 5_000, 20_000])
async def test_a_file_that_is_cut_off_loses_nothing(tmp_path: Path, size: int) -> None:
    path = tmp_path / "journal.db"
    await left_by_a_kill(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    os.truncate(path, size)
    async with running(path) as journal:
        await Salvage(journal, SystemClock()).run()
        await check_whole(journal, is_salvaged=True)
    assert len(files_set_aside(path)) == 1


@pytest.mark.parametrize(("ending", "count"), [("", COUNT), ("-wal", 3)])
async def test_an_emptied_journal_is_no_new_one(tmp_path: Path, ending: str, count: int) -> None:
    """SQLite takes an empty file, or one whose pages all stood in a lost log, for a new one."""
    path = tmp_path / "journal.db"
    lost = await left_by_a_kill(path, count=count)
    for part in TAIL_ENDINGS:
        path.with_name(path.name + part).unlink(missing_ok=True)
    os.truncate(path.with_name(path.name + ending), 0)
    async with running(path) as journal:
        assert journal.id != lost
        await Salvage(journal, SystemClock()).run()
        for stream in STREAMS:
            rows = await journal.span(stream, 1, 10**6)
            have = {row.origin.seq for row in rows if row.origin}
            assert have | await gone(journal, stream) >= set(range(COUNT - 4, count + 1))
            assert have or await gone(journal, stream)
    assert len(files_set_aside(path)) == 1


@pytest.mark.parametrize("spoil", ["gone", "cut", "overwritten", "its log cut"])
async def test_a_damaged_tail_harms_nothing_and_is_made_anew(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "journal.db"
    await left_by_a_kill(path)
    file, log = (path.with_name(path.name + ending) for ending in TAIL_ENDINGS[:2])
    match spoil:
        case "gone":
            file.unlink()
        case "cut":
            os.truncate(file, file.stat().st_size // 2)
        case "overwritten":
            file.write_bytes(os.urandom(file.stat().st_size))
            log.write_bytes(os.urandom(log.stat().st_size))
        case _:
            os.truncate(log, log.stat().st_size // 2)
    async with running(path) as journal:
        await check_whole(journal)
        await accept(journal, Stream.ALARM, alarm(COUNT + 1))
    told = tail.read(path, key_file=None)
    assert told is not None
    assert {row.seq for row in told.records if row.stream is Stream.ALARM} == set(
        range(1, COUNT + 2)
    )
    assert dict(told.kept)["run"] == str(COUNT)


async def test_a_tail_that_breaks_meanwhile_is_parted_with_and_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path) as journal:
        await accept(journal, Stream.ALARM, alarm(1))
        journal._disk._tail._file.close()  # type: ignore[union-attr]  # as if it refused
        await accept(journal, Stream.ALARM, alarm(2))
        assert not path.with_name(path.name + TAIL_ENDING).exists()
        await journal.keep_house()
        await accept(journal, Stream.ALARM, alarm(3))
    told = tail.read(path, key_file=None)
    assert told is not None
    assert [row.seq for row in told.records] == [1, 2, 3]


async def test_the_tail_of_a_journal_that_was_written_over_is_salvaged(tmp_path: Path) -> None:
    path, other = tmp_path / "journal.db", tmp_path / "other" / "journal.db"
    lost = await left_by_a_kill(path)
    other.parent.mkdir()
    async with running(other) as journal:
        await accept(journal, Stream.ALARM, alarm(1))
        put_back = journal.id
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink()
    other.replace(path)
    async with running(path) as journal:
        assert journal.id == put_back
        await Salvage(journal, SystemClock()).run()
        found = await journal.span(Stream.ALARM, 1, 10**6)
        assert [row.origin.seq for row in found if row.origin and row.origin.journal == lost] == [
            *range(1, COUNT + 1)
        ]


async def test_it_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "RECORDS", 50)
    path = tmp_path / "journal.db"
    async with running(path) as journal:
        await fill(journal)
        still = Still(camera="patient", jpeg=bytes(1000), width_px=2, height_px=2)
        await accept(journal, Stream.STILL, still)
    told = tail.read(path, key_file=None)
    assert told is not None
    assert len(told.records) == 50
    assert told.accounts[Stream.STILL].last_seq == 1
    assert Stream.STILL not in {row.stream for row in told.records}


async def test_what_lies_before_a_short_tail_is_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "RECORDS", 12)
    path = tmp_path / "journal.db"
    await left_by_a_kill(path)
    log = path.with_name("journal.db-wal")
    os.truncate(log, log.stat().st_size // 20)
    async with running(path) as journal:
        for stream in STREAMS:
            have = {row.seq for row in await journal.span(stream, 1, 10**6)}
            acked = set(range(1, journal.account(stream).held.watermark + 1))
            lost = await gone(journal, stream)
            assert have | lost | acked == set(range(1, COUNT + 1))
            assert not have & lost
            assert lost or stream is Stream.VITALS
            assert await accept(journal, stream, place()) == COUNT + 1


async def test_an_encrypted_journal_has_an_encrypted_tail(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("1f" * 32)
    path, settings = tmp_path / "journal.db", JournalSettings(key_file=key)
    lost = await left_by_a_kill(path, settings)
    assert b"pulse_bpm" not in path.with_name(path.name + TAIL_ENDING).read_bytes()
    with path.open("r+b") as file:
        file.write(os.urandom(4096))
    async with running(path, settings) as journal:
        assert journal.id != lost
        await Salvage(journal, SystemClock()).run()
        await check_whole(journal, is_salvaged=True)


async def test_of_several_set_aside_the_newest_says_what_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for word in ("first", "second"):
        async with running(path) as journal:
            await journal.keep("run", word)
        with path.open("r+b") as file:
            file.write(os.urandom(4096))
    async with running(path) as journal:
        assert len(files_set_aside(path)) == 2
        assert await journal.kept("run") == "second"


async def test_a_tail_that_fell_behind_takes_nothing_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path) as journal:
        await accept(journal, Stream.ALARM, alarm(1))
        await journal.keep("run", "before")
        behind = path.with_name(path.name + TAIL_ENDING).read_bytes()
    for part in TAIL_ENDINGS:
        path.with_name(path.name + part).unlink(missing_ok=True)
    async with running(path) as journal:
        for number in (2, 3):
            await accept(journal, Stream.ALARM, alarm(number))
        await journal.keep("run", "after")
        await journal.receive_orders(HUB, [(1, "o-1", b"order")], Held(watermark=1))
    await asyncio.to_thread(_put_back, path, behind)
    async with running(path) as journal:
        assert await journal.kept("run") == "after"
        assert journal.account(Stream.ALARM).last_seq == 3
        assert await journal.inbox_held(HUB) == Held(watermark=1)
    await asyncio.to_thread(_put_back, path, behind)
    with path.open("r+b") as file:
        file.write(os.urandom(100))  # the header: its rows can be carved
    async with running(path) as journal:
        await Salvage(journal, SystemClock()).run()
        assert await journal.kept("run") == "after"
        assert len(await journal.span(Stream.ALARM, 1, 10)) == 3
        assert await journal.inbox_held(HUB) == Held(watermark=1)


def _put_back(path: Path, behind: bytes) -> None:
    for part in TAIL_ENDINGS:
        path.with_name(path.name + part).unlink(missing_ok=True)
    path.with_name(path.name + TAIL_ENDING).write_bytes(behind)
