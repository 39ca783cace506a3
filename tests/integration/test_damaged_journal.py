"""A vehicle whose journal is damaged, or put back from a copy, loses nothing without a word."""

import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from edge_agent.journal.schema import TAIL_ENDINGS
from goldenhour.demo import programs
from goldenhour.demo.small_city import START_S, SmallCity, small_city, until
from protocols.link import Stream

UNIT = "A-001"


@pytest.mark.timeout(300)
async def test_a_truncated_journal_is_salvaged_and_the_hub_has_each_record_once(
    tmp_path: Path,
) -> None:
    async with small_city(tmp_path / "city", devices=("--ecg", "model")) as city:
        await until(lambda: has(city, 3), within_s=60)
        await city.ask("link", cut_s=0)
        await until(lambda: waits(city, 10), within_s=60)
        journal = city.journal
        async with stopped_agent(city) as off:
            with journal.open("r+b") as file:
                file.truncate(journal.stat().st_size * 2 // 3)
        await until(lambda: aside(journal, "-salvaged"), within_s=60)
        await city.ask("link", restore=True)
        before = await count(city)
        await until(lambda: has(city, before + 5), within_s=60)
        assert await doubled(city) == []
        journals = await city.pool.fetchval("SELECT count(DISTINCT journal) FROM record")
        assert journals == 2
        assert await city.pool.fetchval("SELECT count(*) FROM gap WHERE is_open") == 0
        assert await seconds_missing(city, off) == []


@pytest.mark.timeout(300)
async def test_a_journal_put_back_from_a_copy_does_not_swallow_what_comes_after(
    tmp_path: Path,
) -> None:
    async with small_city(tmp_path / "city", devices=("--ecg", "model")) as city:
        await until(lambda: has(city, 3), within_s=60)
        journal = city.journal
        copy = tmp_path / "copy.db"
        copied(journal, copy)
        before = await count(city)
        await until(lambda: has(city, before + 5), within_s=60)
        async with stopped_agent(city):
            for ending in ("-wal", "-shm", "-mark", *TAIL_ENDINGS):
                journal.with_name(journal.name + ending).unlink(missing_ok=True)
            copy.replace(journal)
        before = await count(city)
        await until(lambda: has(city, before + 5), within_s=60)
        assert await aside(journal, "-salvaged")
        assert await doubled(city) == []


@asynccontextmanager
async def stopped_agent(city: SmallCity) -> AsyncIterator[list[int]]:
    """Stop the agent, which leaves all that it has in the file; start it again after.

    Yields the two moments, in microseconds, between which it took nothing: nothing of that is lost.
    """
    off = [time.time_ns() // 1000]
    await city.start.children.stop(f"agent-{UNIT}")
    yield off
    program = programs.agent(city.start.city, city.site, city.start.folder)
    await city.start.started(program, within_s=START_S)
    off.append(time.time_ns() // 1000)


def copied(journal: Path, to: Path) -> None:
    source, target = sqlite3.connect(journal), sqlite3.connect(to)
    with source, target:
        source.backup(target)
    source.close()
    target.close()


async def aside(journal: Path, ending: str) -> bool:
    return bool(list(journal.parent.glob(f"journal.set-aside-*.db{ending}")))


async def count(city: SmallCity) -> int:
    return int(await city.pool.fetchval("SELECT count(*) FROM record WHERE stream = 'vitals'"))


async def has(city: SmallCity, vitals: int) -> bool:
    return await count(city) >= vitals


async def waits(city: SmallCity, vitals: int) -> bool:
    connection = sqlite3.connect(f"file:{city.journal}?mode=ro", uri=True)
    try:
        last, watermark = connection.execute(
            "SELECT last_seq, watermark FROM stream WHERE stream = 'vitals'"
        ).fetchone()
        return bool(last - watermark >= vitals)
    finally:
        connection.close()


async def doubled(city: SmallCity) -> Sequence[object]:
    """Return what stands twice: the same reading of the same moment."""
    return await city.pool.fetch(
        "SELECT stream, captured_utc_us, body FROM record WHERE stream IN ('vitals', 'waveform')"
        " GROUP BY stream, captured_utc_us, body HAVING count(*) > 1"
    )


async def seconds_missing(city: SmallCity, off: Sequence[int]) -> list[tuple[int, int]]:
    """Return the holes in the vitals that no gap record declares, but for when it was `off`."""
    rows = await city.pool.fetch(
        "SELECT captured_utc_us FROM record WHERE stream = 'vitals' ORDER BY captured_utc_us"
    )
    times = [int(row["captured_utc_us"]) for row in rows]
    gaps = await city.pool.fetch(
        "SELECT first_captured_utc_us, last_captured_utc_us FROM gap WHERE stream = $1",
        Stream.VITALS.value,
    )
    stopped, started = off
    holes = [
        (a, b)
        for a, b in pairwise(times)
        if b - a > 2_500_000 and not (a > stopped - 2_500_000 and b < started + 2_500_000)
    ]
    return [
        (a, b)
        for a, b in holes
        if not any(
            (gap["first_captured_utc_us"] or 0) <= a
            and b <= (gap["last_captured_utc_us"] or 2**53) + 10_000_000
            for gap in gaps
        )
    ]
