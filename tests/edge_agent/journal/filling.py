"""A journal for a test: its writer running, and messages to put in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge_agent.journal import Journal, JournalSettings, open_journal
from edge_agent.journal.schema import TAIL_ENDINGS
from protocols.clock import Clock, ClockSource
from protocols.link import Stream
from protocols.messages import (
    Alarm,
    AlarmPriority,
    FixQuality,
    Gap,
    Message,
    Position,
    VitalsReading,
    parse_body,
)
from protocols.runtime.clock import SystemClock


@asynccontextmanager
async def running(
    path: Path, settings: JournalSettings | None = None, clock: Clock | None = None
) -> AsyncIterator[Journal]:
    opened = open_journal(path, settings or JournalSettings(), clock or SystemClock())
    async with opened as journal:
        task = asyncio.create_task(journal.run())
        try:
            yield journal
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def without_tail(path: Path) -> None:
    for ending in TAIL_ENDINGS:
        path.with_name(path.name + ending).unlink(missing_ok=True)


async def accept(
    journal: Journal,
    stream: Stream,
    message: Message,
    captured_us: int = 1,
    clock: ClockSource = ClockSource.GNSS,
) -> int:
    return await journal.append(
        stream, message, captured_utc_us=captured_us, clock=clock, clock_error_us=50
    )


async def gaps_of(journal: Journal) -> list[Gap]:
    rows = await journal.span(Stream.STATUS, 1, 1_000_000)
    messages = [parse_body(Stream.STATUS, row.body) for row in rows]
    return [message for message in messages if isinstance(message, Gap)]


def pulse(bpm: float, *, source: str | None = None) -> VitalsReading:
    return VitalsReading(pulse_bpm=bpm, source=source) if source else VitalsReading(pulse_bpm=bpm)


def place() -> Position:
    return Position(latitude_deg=23.1, longitude_deg=113.2, fix=FixQuality.AUTONOMOUS)


def alarm(number: int) -> Alarm:
    return Alarm(
        alarm_id=f"a-{number}", code="news2.high", priority=AlarmPriority.HIGH, state="raised"
    )
