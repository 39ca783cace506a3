"""The mark beside the journal: an end that is gone is declared, its seqs are not given again."""

import contextlib
import os
import shutil
from pathlib import Path

import pytest

from edge_agent.journal.mark import Mark, Marked, read_mark
from edge_agent.journal.schema import MARK_ENDING
from protocols.ids import JournalId
from protocols.link import Stream
from tests.edge_agent.journal.filling import (
    accept,
    alarm,
    gaps_of,
    place,
    pulse,
    running,
    without_tail,
)

ONE = JournalId("00000000-0000-4000-8000-000000000001")
TWO = JournalId("00000000-0000-4000-8000-000000000002")


async def test_an_end_that_is_gone_is_declared_and_its_seqs_are_not_given_again(
    tmp_path: Path,
) -> None:
    path, copy = tmp_path / "journal.db", tmp_path / "copy.db"
    async with running(path) as journal:
        for bpm in (60, 61, 62):
            await accept(journal, Stream.VITALS, pulse(bpm), captured_us=bpm)
        await accept(journal, Stream.ALARM, alarm(1))
    shutil.copy(path, copy)
    async with running(path) as journal:
        for bpm in (63, 64):
            await accept(journal, Stream.VITALS, pulse(bpm))
        await accept(journal, Stream.POSITION, place())
    copy.replace(path)
    without_tail(path)
    async with running(path) as journal:
        gaps = {gap.stream: gap for gap in await gaps_of(journal)}
        assert {stream: (gap.first_seq, gap.last_seq) for stream, gap in gaps.items()} == {
            Stream.VITALS: (4, 5),
            Stream.POSITION: (1, 1),
        }
        assert gaps[Stream.VITALS].first_captured_utc_us == 62
        assert await accept(journal, Stream.VITALS, pulse(65)) == 6
        assert await accept(journal, Stream.ALARM, alarm(2)) == 2
    async with running(path) as journal:
        assert len(await gaps_of(journal)) == 2  # said once


async def test_the_gap_of_a_lost_status_stands_after_what_was_lost(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path) as journal:
        last = await accept(journal, Stream.STATUS, place())  # any message does
        identity = journal.id
    with contextlib.closing(Mark(path, identity, {Stream.STATUS: last + 3})):
        pass
    async with running(path) as journal:
        assert journal.account(Stream.STATUS).last_seq == last + 4
        assert await journal.span(Stream.STATUS, last + 1, last + 3) == []


def test_a_mark_counts_for_its_own_journal_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with contextlib.closing(Mark(path, ONE, {Stream.VITALS: 7})) as mark:
        mark.note({Stream.VITALS: 8, Stream.ALARM: 1})
    assert read_mark(path, ONE).last == {Stream.VITALS: 8, Stream.ALARM: 1}
    assert read_mark(path, TWO) == Marked()


@pytest.mark.parametrize("spoil", [b"", b"x", b"\0" * 1024, b"00000000{}"])
def test_a_torn_mark_is_no_mark(tmp_path: Path, spoil: bytes) -> None:
    path = tmp_path / "journal.db"
    Mark(path, ONE, {Stream.VITALS: 7}).close()
    file = path.with_name(path.name + MARK_ENDING)
    file.write_bytes(spoil + file.read_bytes()[len(spoil) :] if spoil else b"")
    assert read_mark(path, ONE) == Marked()


def test_without_a_place_for_it_the_journal_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.with_name(path.name + MARK_ENDING).mkdir()
    with contextlib.closing(Mark(path, ONE, {})) as mark:
        mark.note({Stream.VITALS: 1})
    assert read_mark(path, ONE) == Marked()


def test_a_mark_knows_the_end_if_it_was_closed_or_the_power_stayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, boot = tmp_path / "journal.db", tmp_path / "boot_id"
    monkeypatch.setattr("edge_agent.journal.mark._BOOT", boot)
    boot.write_text("before\n")
    with contextlib.closing(Mark(path, ONE, {Stream.VITALS: 7})):
        assert read_mark(path, ONE).is_end  # the program died, the machine did not
        boot.write_text("after\n")
        assert not read_mark(path, ONE).is_end
        boot.unlink()
        assert not read_mark(path, ONE).is_end
    assert read_mark(path, ONE) == Marked({Stream.VITALS: 7}, is_end=True)


def test_a_mark_that_cannot_be_written_says_nothing_rather_than_too_little(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    mark = Mark(path, ONE, {Stream.VITALS: 7})
    assert mark._file is not None
    read_only = os.open(tmp_path / "journal.db-mark", os.O_RDONLY)
    os.dup2(read_only, mark._file)  # from now on the disk refuses
    os.close(read_only)
    for seq in (8, 9):
        mark.note({Stream.VITALS: seq})
    mark.close()
    assert read_mark(path, ONE) == Marked()
