"""How fast the journal accepts, durably: beside a plain INSERT a record, and beside bare SQLite.

The same vital signs, the same kind of file (write-ahead log, `synchronous=FULL`) on the same disk:
through the journal by many writers at once, one INSERT and COMMIT a record as one would write it
without a journal, and, as the ceiling, INSERTs in large transactions with nothing around them.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from edge_agent.journal import Journal, JournalSettings, open_journal
from goldenhour.bench.figures import Figure, quantile
from goldenhour.bench.picture import Bar, bars
from protocols.clock import ClockSource
from protocols.link import Stream
from protocols.messages import VitalsReading
from protocols.runtime.clock import SystemClock

WRITERS: Final = 64
ROUNDS: Final = 3

OURS: Final = "durable vital signs, 64 writers at once"
ALONE: Final = "durable vital signs, one writer"
PLAIN: Final = "one INSERT and COMMIT a record"
CEILING: Final = "bare SQLite, 1,000 INSERTs a transaction"
LATENCY: Final = "a durable append at an ambulance's pace, p99"

_PACE_PER_S: Final = 25
_BATCH: Final = 1_000


async def measure(folder: Path, *, records: int) -> list[Figure]:
    """Write `records` records each way, `ROUNDS` times in turn, and return the medians.

    `folder` is there, and empty.
    """
    many, alone, plain, bare = [], [], [], []
    for number in range(ROUNDS):
        async with _journal(folder / f"ours-{number}.db") as journal:
            many.append(await _rate(journal, records, writers=WRITERS))
        async with _journal(folder / f"alone-{number}.db") as journal:
            alone.append(await _rate(journal, max(1, records // 10), writers=1))
        plain.append(_bare_rate(folder / f"plain-{number}.db", max(1, records // 10), batch=1))
        bare.append(_bare_rate(folder / f"bare-{number}.db", records, batch=_BATCH))
    async with _journal(folder / "pace.db") as journal:
        waits_ms = await _waits_ms(journal, seconds=min(10.0, records / 500))
    ours, peer = median(many), median(plain)
    return [
        Figure(name=OURS, value=ours, unit="1/s", bar=2 * peer, peer=peer, at_least=True),
        Figure(name=f"{OURS}, least of {ROUNDS}", value=min(many), unit="1/s"),
        Figure(name=ALONE, value=median(alone), unit="1/s", peer=peer),
        Figure(name=PLAIN, value=peer, unit="1/s"),
        Figure(name=CEILING, value=median(bare), unit="1/s"),
        Figure(name="of the ceiling", value=100 * ours / median(bare), unit="%"),
        Figure(name=LATENCY, value=quantile(waits_ms, 0.99), unit="ms", bar=100.0),
    ]


def picture(figures: Sequence[Figure], note: str) -> str:
    """Return the picture of the rates."""
    by_name = {figure.name: figure.value for figure in figures}
    rows = [
        Bar(name, by_name[name], is_ours=name in {OURS, ALONE})
        for name in (OURS, ALONE, PLAIN, CEILING)
    ]
    return bars("What a vehicle's journal accepts durably", "/s", rows, limit=None, note=note)


@asynccontextmanager
async def _journal(path: Path) -> AsyncIterator[Journal]:
    async with open_journal(path, JournalSettings(), SystemClock()) as journal:
        running = asyncio.create_task(journal.run())
        try:
            yield journal
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def _append(journal: Journal, number: int) -> None:
    await journal.append(
        Stream.VITALS,
        _reading(number),
        captured_utc_us=1_800_000_000_000_000 + number,
        clock=ClockSource.GNSS,
        clock_error_us=50,
    )


async def _rate(journal: Journal, records: int, *, writers: int) -> float:
    async def write(first: int) -> None:
        for number in range(first, records, writers):
            await _append(journal, number)

    began_s = perf_counter()
    async with asyncio.TaskGroup() as group:
        for first in range(writers):
            group.create_task(write(first))
    return records / (perf_counter() - began_s)


async def _waits_ms(journal: Journal, *, seconds: float) -> list[float]:
    waits: list[float] = []
    for number in range(round(seconds * _PACE_PER_S)):
        began_s = perf_counter()
        await _append(journal, number)
        waits.append((perf_counter() - began_s) * 1_000)
        await asyncio.sleep(max(0.0, 1 / _PACE_PER_S - (perf_counter() - began_s)))
    return waits


def _bare_rate(path: Path, records: int, *, batch: int) -> float:
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "CREATE TABLE record (seq INTEGER PRIMARY KEY, captured_utc_us INTEGER, body BLOB)",
        ):
            file.execute(statement)
        began_s = perf_counter()
        for first in range(0, records, batch):
            file.execute("BEGIN IMMEDIATE")
            file.executemany(
                "INSERT INTO record VALUES (?, ?, ?)",
                [
                    (number, number, _reading(number).to_body())
                    for number in range(first, min(first + batch, records))
                ],
            )
            file.execute("COMMIT")
        return records / (perf_counter() - began_s)


def _reading(number: int) -> VitalsReading:
    return VitalsReading(heart_rate_bpm=60.0 + number % 60, spo2_pct=97.0, pulse_bpm=70.0)
