"""Room: what is given up when the disk is short or a record too old, and how it is declared."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.journal import Journal, JournalSettings
from edge_agent.journal.room import RESERVE_BYTES, RUN, SHED_ORDER
from protocols.clock import ClockSource
from protocols.errors import JournalFullError
from protocols.link import NEVER_SHED, Held, Stream
from protocols.messages import Gap, Still
from tests.edge_agent.journal.filling import accept, alarm, gaps_of, place, pulse, running

SMALL = JournalSettings(largest_bytes=16 * 2**20)
DAY_US = 86_400_000_000


def still(size_bytes: int = 50_000) -> Still:
    return Still(camera="front", width_px=640, height_px=480, jpeg=os.urandom(size_bytes))


async def accept_stills(journal: Journal, count: int) -> None:
    await asyncio.gather(*(accept(journal, Stream.STILL, still()) for _ in range(count)))


def gone(gaps: list[Gap], stream: Stream) -> set[int]:
    return {
        seq
        for gap in gaps
        if gap.stream is stream
        for seq in range(gap.first_seq, gap.last_seq + 1)
    }


async def left(journal: Journal, stream: Stream) -> set[int]:
    return {int(row.seq) for row in await journal.span(stream, 1, 10**6)}


async def test_a_full_file_goes_on_accepting_and_declares_each_record_that_it_gave_up(
    tmp_path: Path,
) -> None:
    async with running(tmp_path / "journal.db", SMALL) as journal:
        for number in range(1, 601, 50):  # 30 MiB into 16
            await accept_stills(journal, 50)
            await accept(journal, Stream.ALARM, alarm(number), number)
        gaps = await gaps_of(journal)
        assert gone(gaps, Stream.STILL) | await left(journal, Stream.STILL) == set(range(1, 601))
        assert not gone(gaps, Stream.STILL) & await left(journal, Stream.STILL)
        assert len(await journal.span(Stream.ALARM, 1, 99)) == 12
    assert {gap.reason for gap in gaps} == {"disk-full"}
    assert (tmp_path / "journal.db").stat().st_size <= SMALL.largest_bytes


async def test_what_the_hub_has_goes_before_anything_that_it_lacks(tmp_path: Path) -> None:
    async with running(tmp_path / "journal.db", SMALL) as journal:
        for number in range(50, 251, 50):
            await accept_stills(journal, 50)
            await journal.acknowledged(Stream.STILL, Held(watermark=number))
        for _ in range(3):
            await accept_stills(journal, 50)
        assert await gaps_of(journal) == []
        assert await left(journal, Stream.STILL) >= set(range(251, 401))


async def test_with_nothing_left_to_shed_what_finds_no_room_is_refused_to_its_caller(
    tmp_path: Path,
) -> None:
    async with running(tmp_path / "journal.db", SMALL) as journal:
        await accept(journal, Stream.POSITION, place())
        accepted = 0
        while (count := await _accept_alarms(journal, 2_000)) == 2_000:
            accepted += count
        accepted += count
        assert gone(await gaps_of(journal), Stream.POSITION) == {1}
        assert await left(journal, Stream.ALARM) == set(range(1, accepted + 1))


async def _accept_alarms(journal: Journal, count: int) -> int:
    long = alarm(1).model_copy(update={"code": "x" * 60})
    waits = (accept(journal, Stream.ALARM, long) for _ in range(count))
    answers = await asyncio.gather(*waits, return_exceptions=True)
    assert all(isinstance(answer, int | JournalFullError) for answer in answers)
    return sum(isinstance(answer, int) for answer in answers)


async def test_a_run_and_its_gap_record_are_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    settings = SMALL.model_copy(update={"least_free_bytes": 2**40})
    async with running(path) as journal:
        for number in range(1, 11):
            await accept(journal, Stream.POSITION, place(), number)
    monkeypatch.setattr("edge_agent.journal.room._declare", _fails)
    async with running(path, settings) as journal:
        with pytest.raises(RuntimeError):
            await journal.keep_house()
        assert await left(journal, Stream.POSITION) == set(range(1, 11))


def _fails(*_: object) -> None:
    raise RuntimeError("the power is cut")


async def test_bulk_that_the_hub_lacked_for_a_week_is_given_up_and_clinical_records_are_not(
    tmp_path: Path,
) -> None:
    async with running(tmp_path / "journal.db") as journal:
        for day in range(10):
            await accept(journal, Stream.POSITION, place(), 1 + day * DAY_US)
            await accept(journal, Stream.CHART, alarm(day), 1 + day * DAY_US)
        await journal.keep_house()
        gaps = await gaps_of(journal)
        assert [(gap.stream, gap.first_seq, gap.last_seq, gap.reason) for gap in gaps] == [
            (Stream.POSITION, 1, 2, "retention")
        ]
        assert await left(journal, Stream.CHART) == set(range(1, 11))


async def test_a_clock_that_jumps_makes_nothing_old(tmp_path: Path) -> None:
    async with running(tmp_path / "journal.db") as journal:
        for jump_us in (1, 400 * DAY_US, 20_000 * DAY_US):
            await accept(journal, Stream.POSITION, place(), jump_us, ClockSource.RTC)
            await accept(journal, Stream.WAVEFORM, pulse(60), jump_us, ClockSource.UNSET)
        await journal.keep_house()
        assert await gaps_of(journal) == []


async def test_a_disk_that_others_fill_is_given_back_what_can_be(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path) as journal:
        await accept_stills(journal, 100)
        await journal.acknowledged(Stream.STILL, Held(watermark=100))
    before = path.stat().st_size
    async with running(path, JournalSettings(least_free_bytes=2**40)) as journal:
        await journal.keep_house()
    assert path.stat().st_size < before / 2


def test_the_least_valuable_goes_first_and_some_never() -> None:
    assert SHED_ORDER == (
        Stream.CLIP, Stream.LINK, Stream.WAVEFORM, Stream.STILL, Stream.POSITION, Stream.VITALS,
    )  # fmt: skip
    assert not NEVER_SHED & set(SHED_ORDER)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = f"mount -t tmpfs -o size=24m tmpfs {folder}"
    if os.system(mount + " 2>/dev/null"):  # noqa: S605 -- words of our own
        pytest.skip("a file system of its own cannot be mounted here")
    try:
        yield folder
    finally:
        os.system(f"umount -l {folder}")  # noqa: S605 -- words of our own


async def test_a_disk_full_of_others_files_takes_the_reserve_and_goes_on(full_disk: Path) -> None:
    path = full_disk / "journal.db"
    async with running(path, JournalSettings(least_free_bytes=0)) as journal:
        await accept_stills(journal, 100)
        assert path.with_name("journal.db-reserve").stat().st_size == RESERVE_BYTES
        with (full_disk / "others").open("wb", buffering=0) as others, contextlib.suppress(OSError):
            while True:
                others.write(bytes(4096))
        for _ in range(10):
            await accept_stills(journal, 20)
        await accept(journal, Stream.ALARM, alarm(1), 1)
        gaps = await gaps_of(journal)
        have = await left(journal, Stream.STILL)
        assert gone(gaps, Stream.STILL) | have == set(range(1, 301))
        assert len(await journal.span(Stream.ALARM, 1, 9)) == 1
    assert all(gap.last_seq - gap.first_seq < RUN for gap in gaps)
