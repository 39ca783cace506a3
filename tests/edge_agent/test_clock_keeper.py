"""What was learnt of the time outlives the agent; what was stamped before it is corrected."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge_agent.clock_keeper import ClockKeeper
from edge_agent.journal import Journal
from edge_agent.vehicle_clock import VehicleClock
from protocols.clock import ClockSource
from protocols.link import Stream
from protocols.messages import ClockCorrection, Message, parse_body
from tests.edge_agent.journal.filling import pulse, running
from tests.fakes.clock import FakeClock

NOON_US = 1_800_000_000_000_000


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    file = tmp_path / "boot_id"
    file.write_text("first\n")
    return file


@contextlib.asynccontextmanager
async def keeping(journal: Journal, system: FakeClock, boot: Path) -> AsyncIterator[VehicleClock]:
    clock = VehicleClock(system)
    keeper = ClockKeeper(journal, clock, boot=boot)
    await keeper.restore()
    task = asyncio.create_task(keeper.run())
    try:
        yield clock
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def hear(clock: VehicleClock, system: FakeClock, seconds: int = 3) -> None:
    """Hear a receiver that is right: it is noon where the steady clock says 0."""
    for _ in range(seconds):
        await system.advance(1.0)
        assert clock.heard_gnss(NOON_US + clock.steady_us())


async def measured(journal: Journal, clock: VehicleClock) -> None:
    stamp = clock.stamp()
    await journal.append(
        Stream.VITALS, pulse(70), captured_utc_us=stamp.utc_us, clock=stamp.source,
        clock_error_us=stamp.error_us,
    )  # fmt: skip


async def said(journal: Journal) -> list[Message]:
    return [parse_body(Stream.STATUS, row.body) for row in await journal.span(Stream.STATUS, 1, 99)]


async def corrected(journal: Journal, system: FakeClock) -> list[ClockCorrection]:
    """Let the keeper look until it has said something."""
    async with asyncio.timeout(10):
        while not (found := await said(journal)):
            await system.advance(1.0)
    return [message for message in found if isinstance(message, ClockCorrection)]


async def test_records_of_1970_are_corrected_once_the_receiver_is_believed(
    tmp_path: Path, boot: Path
) -> None:
    system = FakeClock(utc_us=17_000_000)
    async with running(tmp_path / "j.db") as journal, keeping(journal, system, boot) as clock:
        await measured(journal, clock)
        await system.advance(5.0)
        await measured(journal, clock)
        await hear(clock, system)
        (correction,) = await corrected(journal, system)
        (span,) = correction.spans
        assert (span.stream, span.first_seq, span.last_seq) == (Stream.VITALS, 1, 2)
        assert correction.add_us == NOON_US - 17_000_000
        (row,) = await journal.span(Stream.STATUS, 1, 1)
        assert row.clock is ClockSource.GNSS
        await measured(journal, clock)
        await system.advance(5.0)
        assert await said(journal) == [correction]  # what is dated by the receiver needs no word


@pytest.fixture
def next_boot(tmp_path: Path) -> Path:
    file = tmp_path / "next_boot_id"
    file.write_text("second\n")
    return file


async def test_an_agent_that_is_started_again_goes_on_with_what_it_had_learnt(
    tmp_path: Path, boot: Path, next_boot: Path
) -> None:
    system = FakeClock(utc_us=17_000_000)
    async with running(tmp_path / "j.db") as journal:
        async with keeping(journal, system, boot) as clock:
            await hear(clock, system)
            await kept(journal, system)
        system.jump_utc(-10_000_000)
        async with keeping(journal, system, boot) as clock:
            assert clock.stamp().source is ClockSource.GNSS
            assert clock.utc_us() == NOON_US + clock.steady_us()
        async with keeping(journal, system, next_boot) as clock:  # the steady clock begins anew
            assert clock.stamp().source is ClockSource.UNSET


async def test_after_another_boot_it_is_no_earlier_than_it_was(
    tmp_path: Path, boot: Path, next_boot: Path
) -> None:
    system = FakeClock(utc_us=17_000_000)
    async with running(tmp_path / "j.db") as journal:
        async with keeping(journal, system, boot) as clock:
            await hear(clock, system)
            await kept(journal, system)
        until_us = NOON_US + clock.steady_us()
        async with keeping(journal, system, next_boot) as clock:
            await system.advance(5.0)
            stamp = clock.stamp()
            assert (stamp.source, stamp.error_us) == (ClockSource.UNSET, None)
            assert until_us <= stamp.utc_us == clock.utc_us() <= until_us + 5_000_000
            await measured(journal, clock)
            await hear(clock, system)
            (correction,) = await corrected(journal, system)
            assert abs(stamp.utc_us + correction.add_us - until_us - 5_000_000) < 1_000


async def kept(journal: Journal, system: FakeClock) -> None:
    async with asyncio.timeout(10):
        while await journal.kept("clock") is None:
            await system.advance(1.0)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"boot": "first", "learnt": 5}', '{"boot": "first", "learnt": {"x": 1}}',
        '{"boot": "first", "learnt": {"offset_us": "?", "confirmed_us": 1}}',
        '{"boot": "first", "learnt": {"offset_us": 5, "least_us": 5, "confirmed_us": 999000000}}',
    ],
)  # fmt: skip
async def test_what_cannot_have_been_kept_is_passed_over(
    tmp_path: Path, boot: Path, text: str
) -> None:
    async with running(tmp_path / "j.db") as journal:
        await journal.keep("clock", text)
        async with keeping(journal, FakeClock(), boot) as clock:
            assert clock.learnt is None
