"""A damaged journal: what it held is accepted again, once, and what is missing is declared."""

import asyncio
import contextlib
import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.journal import Journal, JournalSettings, Row, Salvage
from edge_agent.journal import carve as carving
from edge_agent.journal.carve import carve
from edge_agent.journal.remains import records
from edge_agent.journal.salvage import is_salvaged
from edge_agent.journal.schema import MARK_ENDING, files_set_aside, set_aside
from protocols.errors import StorageError
from protocols.ids import JournalId, Seq
from protocols.link import Held, Origin, Stream
from protocols.link.streams import UP
from protocols.messages import Gap, VitalsReading
from protocols.runtime.clock import SystemClock
from tests.edge_agent.journal.filling import (
    accept,
    alarm,
    gaps_of,
    place,
    pulse,
    running,
    without_tail,
)

STREAMS = (Stream.ALARM, Stream.VITALS, Stream.POSITION)
KEPT_FACT = ("run", '{"status": "on_scene"}')
HUB = JournalId("0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b")


async def fill(path: Path, count: int, *, acked: int = 0, long_bodies: bool = False) -> JournalId:
    """Accept `count` records of each stream; the file is left as a power cut leaves it.

    Without its tail, which would have all of it (see `test_tail`).
    """
    source = "x" * 120 if long_bodies else None
    async with running(path) as journal:
        for number in range(1, count + 1):
            await asyncio.gather(
                accept(journal, Stream.ALARM, alarm(number), number),
                accept(journal, Stream.VITALS, pulse(60 + number % 40, source=source), number),
                accept(journal, Stream.POSITION, place(), number),
            )
        if acked:
            await journal.acknowledged(Stream.VITALS, Held(watermark=acked))
        await journal.verified()
        await journal.keep(*KEPT_FACT)
        await journal.receive_orders(HUB, [(1, "o-1", b"order")], Held(watermark=1))
        for ending in ("", "-wal", "-shm"):
            part = path.with_name(path.name + ending)
            if part.exists():
                shutil.copy(part, part.with_name("cut-" + part.name))
        identity = journal.id
    for ending in ("", "-wal", "-shm"):
        part = path.with_name(path.name + ending)
        part.unlink(missing_ok=True)
        cut = part.with_name("cut-" + part.name)
        if cut.exists():
            cut.rename(part)
    without_tail(path)
    return identity


async def again(path: Path) -> tuple[dict[Stream, list[Row]], list[Gap]]:
    """Open it, let it salvage to the end; return what stands there and what is declared gone."""
    async with running(path) as journal:
        await Salvage(journal, SystemClock()).run()
        found = {stream: await journal.span(stream, 1, 10**6) for stream in STREAMS}
        return found, await gaps_of(journal)


def checkpoint(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


async def test_every_row_of_a_sound_file_is_carved(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    await fill(path, 200, long_bodies=True)
    for step in ("in the log", "in the file"):
        found = {(row.stream, row.seq) for row in records(path, wanted=lambda _: True)}
        assert found == {(stream, seq) for stream in STREAMS for seq in range(1, 201)}, step
        checkpoint(path)


def without_mark(path: Path) -> None:
    path.with_name(path.name + MARK_ENDING).unlink()


async def test_a_lost_first_page_costs_no_record(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    lost = await fill(path, 100, acked=40)
    checkpoint(path)
    without_mark(path)
    with path.open("r+b") as file:
        file.write(os.urandom(4096))
    found, gaps = await again(path)
    origins = {row.origin for row in found[Stream.ALARM]}
    assert origins == {Origin(lost, Seq(seq)) for seq in range(1, 101)}
    assert {row.origin.seq for row in found[Stream.VITALS] if row.origin} == set(range(41, 101))
    assert sorted(row.captured_utc_us for row in found[Stream.POSITION]) == list(range(1, 101))
    assert all(gap.is_open and gap.journal == lost for gap in gaps)
    ends = {gap.stream: gap.first_seq for gap in gaps}
    assert ends == {stream: 101 if stream in STREAMS else 1 for stream in UP}


@pytest.mark.parametrize("moved", [0, 1, 3])
async def test_a_setting_aside_that_was_interrupted_is_finished(tmp_path: Path, moved: int) -> None:
    path, aside = tmp_path / "journal.db", tmp_path / "journal.set-aside-7.db"
    lost = await fill(path, 100)  # its last records stand in the log alone
    with path.open("r+b") as file:
        file.write(os.urandom(4096))
    for ending in ("", "-wal", "-shm", "-id", "-mark")[: moved + 1]:
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    found, gaps = await again(path)
    assert {row.origin for row in found[Stream.ALARM]} == {
        Origin(lost, Seq(seq)) for seq in range(1, 101)
    }
    assert gaps == []
    assert files_set_aside(path) == [aside]
    assert path.with_name("journal.db-id").read_text() != lost


async def test_a_journal_of_which_the_log_alone_is_left_is_salvaged(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    lost = await fill(path, 100)
    path.unlink()
    found, gaps = await again(path)
    salvaged = {row.origin.seq for row in found[Stream.ALARM] if row.origin}
    declared = {
        seq
        for gap in gaps
        if gap.stream is Stream.ALARM
        for seq in range(gap.first_seq, gap.last_seq + 1)
    }
    assert {row.origin.journal for row in found[Stream.ALARM] if row.origin} <= {lost}
    assert salvaged | declared == set(range(1, 101))
    assert salvaged


async def test_what_was_salvaged_and_lost_again_is_salvaged_again(tmp_path: Path) -> None:
    path, copy = tmp_path / "journal.db", tmp_path / "copy.db"
    lost = await fill(path, 50)
    checkpoint(path)
    with path.open("r+b") as file:
        file.write(os.urandom(4096))
    async with running(path):
        pass  # set aside, not salvaged yet
    shutil.copy(path, copy)
    everything = {Origin(lost, Seq(seq)) for seq in range(1, 51)}
    found, _ = await again(path)
    assert {row.origin for row in found[Stream.ALARM]} == everything
    without_tail(path)
    copy.replace(path)  # the new journal has lost its end, and with it all that it had taken in
    found, gaps = await again(path)
    assert {row.origin for row in found[Stream.ALARM]} == everything
    assert (Stream.ALARM, 1, 50) in {(gap.stream, gap.first_seq, gap.last_seq) for gap in gaps}


async def test_of_what_is_salvaged_twice_the_name_between_is_said_to_be_no_more(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.db"
    first = await fill(path, 50)
    await damaged_and_salvaged(path)
    without_tail(path)
    async with running(path) as journal:
        middle, had = journal.id, await journal.span(Stream.ALARM, 1, 10**6)
    await damaged_and_salvaged(path)
    found, gaps = await again(path)
    twice = [row.origin for row in found[Stream.ALARM] if row.origin and row.origin[0] == first]
    renamed = [gap for gap in gaps if gap.reason == "renamed" and gap.stream is Stream.ALARM]
    assert twice
    assert {gap.journal for gap in renamed} == {middle}
    assert {seq for gap in renamed for seq in range(gap.first_seq, gap.last_seq + 1)} == {
        row.seq for row in had if row.origin in twice
    }


async def damaged_and_salvaged(path: Path) -> None:
    """Bend the first page, so that the file is set aside, and salvage it."""
    checkpoint(path)
    with path.open("r+b") as file:
        file.write(os.urandom(4096))
    await again(path)


async def test_what_the_crew_had_done_and_been_told_is_still_known(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    await fill(path, 5)
    checkpoint(path)
    with path.open("r+b") as file:
        file.write(os.urandom(4096))
    async with running(path) as journal:
        assert await journal.kept(KEPT_FACT[0]) == KEPT_FACT[1]
        assert [body for _, body in await journal.orders(since_utc_us=0)] == [b"order"]
        assert await journal.inbox_held(HUB) == Held(watermark=1)


def _damages(size: int) -> Iterator[tuple[str, int]]:
    rng = random.Random(3)
    for _ in range(12):
        yield "truncated", rng.randrange(100, size)
    for _ in range(12):
        yield "overwritten", rng.randrange(0, size - 4096)


@pytest.mark.parametrize("has_mark", [True, False], ids=["mark", "no mark"])
@pytest.mark.parametrize(("damage", "where"), list(_damages(200_000)))
async def test_each_accepted_record_is_salvaged_or_declared_missing(
    tmp_path: Path, damage: str, where: int, *, has_mark: bool
) -> None:
    path = tmp_path / "journal.db"
    await fill(path, 300)
    checkpoint(path)
    if not has_mark:
        without_mark(path)
    size = path.stat().st_size
    assert size > 150_000
    with path.open("r+b") as file:
        if damage == "truncated":
            file.truncate(where * size // 200_000)
        else:
            file.seek(where * size // 200_000)
            file.write(os.urandom(4096))
    found, gaps = await again(path)
    for stream in STREAMS:
        have = {row.origin.seq if row.origin else row.seq for row in found[stream]}
        assert len(have) == len(found[stream]), "accepted again twice"
        declared = {
            seq
            for gap in gaps
            if gap.stream is stream
            for seq in range(gap.first_seq, 301 if gap.is_open else gap.last_seq + 1)
        }
        assert have | declared >= set(range(1, 301)), f"{stream} is lost without a word"
        assert not has_mark or declared == set(range(1, 301)) - have, f"{stream}: not exactly"
    assert any(gap.is_open for gap in gaps) is (bool(gaps) and not has_mark)


async def test_a_bent_record_is_missing_rather_than_wrong(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    await fill(path, 50)
    checkpoint(path)
    whole = bytearray(path.read_bytes())
    at = whole.index(b"pulse_bpm")
    whole[at + 10] ^= 1
    whole[0:100] = bytes(100)
    path.write_bytes(whole)
    found, gaps = await again(path)
    assert len(found[Stream.VITALS]) == 49
    [gap] = [gap for gap in gaps if gap.stream is Stream.VITALS and not gap.is_open]
    assert gap.first_seq == gap.last_seq


async def test_a_salvage_that_was_interrupted_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    await fill(path, 300)
    checkpoint(path)
    with path.open("r+b") as file:
        file.write(os.urandom(4096))
    async with running(path) as journal:
        append_again, calls = journal.append_again, 0

        async def fails_later(rows: list[Row]) -> None:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise StorageError(file="journal.db")
            await append_again(rows)

        monkeypatch.setattr(journal, "append_again", fails_later)
        with pytest.raises(StorageError):
            await Salvage(journal, SystemClock())._salvage(files_set_aside(path)[0])
    found, _ = await again(path)
    assert is_salvaged(files_set_aside(path)[0])
    for stream in STREAMS:
        seqs = sorted(row.origin.seq for row in found[stream] if row.origin)
        assert seqs == list(range(1, 301))


async def test_a_retired_journal_goes_on_in_a_new_one_and_mixes_nothing_up(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    lost = await fill(path, 10)  # the hub knows more of this journal than the file does
    async with running(path) as journal:
        await accept(journal, Stream.VITALS, VitalsReading(pulse_bpm=199), 11)
        await journal.retire()
    found, _ = await again(path)
    origins = [row.origin for row in found[Stream.VITALS]]
    assert origins[:10] == [Origin(lost, Seq(seq)) for seq in range(1, 11)]
    assert origins[10] is not None
    assert origins[10].journal != lost  # the hub's record 11 is another


async def test_an_ack_of_other_records_takes_nothing_of_a_start_not_verified(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.db"
    await fill(path, 10)
    async with running(path) as journal:
        await accept(journal, Stream.VITALS, VitalsReading(pulse_bpm=199), 11)
        await journal.acknowledged(Stream.VITALS, Held(watermark=11))
        await journal.retire()
    found, _ = await again(path)
    assert [row.captured_utc_us for row in found[Stream.VITALS]] == [11]


async def test_a_start_that_the_hub_verified_needs_no_base(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path) as journal:
        await accept(journal, Stream.VITALS, pulse(60))
        await journal.verified()
    assert _unverified(path) is None
    async with running(path) as journal:
        assert await journal.kept("journal.unverified") == '{"vitals": 1}'
        await accept(journal, Stream.VITALS, pulse(61))
    async with running(path) as journal:  # a second start without the hub keeps the first's word
        assert await journal.kept("journal.unverified") == '{"vitals": 1}'


async def test_what_is_salvaged_is_no_news_for_the_tablet(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    await fill(path, 3)
    checkpoint(path)
    with path.open("r+b") as file:
        file.write(os.urandom(4096))
    async with running(path) as journal:
        heard: list[Row] = []
        sent: list[Row] = []
        journal.on_append(heard.append)
        journal.on_append(sent.append, also_salvaged=True)
        await Salvage(journal, SystemClock()).run()
    assert not [row for row in heard if row.origin is not None]
    assert len([row for row in sent if row.origin is not None]) == 9


@pytest.mark.parametrize("seed", range(30))
async def test_carving_rubbish_finds_nothing_and_does_not_fail(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    path = tmp_path / "journal.db"
    path.write_bytes(
        b"".join(bytes([rng.choice((10, 13))]) + rng.randbytes(4095) for _ in range(20))
    )
    path.with_name("journal.db-wal").write_bytes(rng.randbytes(20_000))
    assert all(isinstance(fields, tuple) for fields in carve(path))
    assert not list(records(path, wanted=lambda _: True))


def _unverified(path: Path) -> str | None:
    connection = sqlite3.connect(path)
    row = connection.execute("SELECT value FROM kept WHERE name='journal.unverified'").fetchone()
    connection.close()
    return None if row is None else str(row[0])


async def test_an_encrypted_file_says_that_nothing_can_be_read(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("1f" * 32)
    path, settings = tmp_path / "journal.db", JournalSettings(key_file=key)
    async with running(path, settings) as journal:
        await accept(journal, Stream.VITALS, pulse(60))
        lost = journal.id
    with path.open("r+b") as file:
        file.write(os.urandom(4096))
    async with running(path, settings) as journal:
        await Salvage(journal, SystemClock()).run()
        assert isinstance(journal, Journal)
        assert journal.id != lost
    assert is_salvaged(files_set_aside(path)[0])


class OneRound(SystemClock):
    """Nobody waits for the second."""

    async def sleep(self, _delay_s: float) -> None:
        raise asyncio.CancelledError


async def test_a_file_that_cannot_be_read_keeps_no_agent_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    broken = tmp_path / "journal.set-aside-5.db"
    broken.mkdir()  # reading it fails as a bad disk does
    lost = await fill(path, 20)
    checkpoint(path)
    with path.open("r+b") as file:
        file.write(os.urandom(4096))
    async with running(path) as journal:
        with contextlib.suppress(asyncio.CancelledError):
            await Salvage(journal, OneRound()).run()
        rows = await journal.span(Stream.ALARM, 1, 10**6)
    assert {row.origin for row in rows} == {Origin(lost, Seq(seq)) for seq in range(1, 21)}


async def test_a_page_that_cannot_be_read_costs_its_own_rows_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    await fill(path, 200)
    checkpoint(path)
    whole = len(list(records(path, wanted=lambda _: True)))
    original = carving._read
    bad = path.stat().st_size // 2 // 4096 * 4096

    def read(place: carving._Place, size: int) -> bytes:
        return b"" if place.offset == bad else original(place, size)

    monkeypatch.setattr(carving, "_read", read)
    found = len(list(records(path, wanted=lambda _: True)))
    assert whole * 0.8 < found < whole


def test_files_set_aside_are_in_order_though_a_clock_began_in_1970(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for stamp_us in (1_767_268_800_000_000, 30_000_000, 30_000_000):
        path.touch()
        set_aside(path, stamp_us=stamp_us)
    numbers = [int(one.stem.rpartition("-")[2]) for one in files_set_aside(path)]
    first = 1_767_268_800_000_000
    assert numbers == [first, first + 1, first + 2]
