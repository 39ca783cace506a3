"""Services are kept running, and end when they are asked to, whatever else happens to them."""

import asyncio

import pytest

from protocols.errors import ConfigError, ServiceLostError
from protocols.runtime.restart import RestartBudget
from protocols.runtime.supervise import Service, supervise
from tests.fakes.clock import FakeClock


class BreakError(Exception):
    pass


async def test_a_service_that_fails_in_the_moment_it_is_asked_to_end_ends() -> None:
    """The wire breaks and the program is told to end at once, as when a whole vehicle goes down."""
    wire_breaks, begun = asyncio.Event(), asyncio.Event()
    runs = 0

    async def listen() -> None:
        await wire_breaks.wait()
        raise BreakError

    async def run() -> None:
        nonlocal runs
        runs += 1
        async with asyncio.TaskGroup() as group:
            group.create_task(listen())
            begun.set()

    clock = FakeClock()
    task = asyncio.create_task(supervise([Service(name="link", run=run, essential=False)], clock))
    await begun.wait()
    wire_breaks.set()
    task.cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert runs == 1


async def test_a_service_whose_part_fails_runs_again() -> None:
    """Its TaskGroup cancels it for that, which is no request to end."""
    again, runs = asyncio.Event(), 0

    async def fails() -> None:
        raise BreakError

    async def run() -> None:
        nonlocal runs
        runs += 1
        if runs == 2:
            again.set()
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())

    clock = FakeClock()
    async with asyncio.timeout(5):
        task = asyncio.create_task(
            supervise([Service(name="link", run=run, essential=False)], clock)
        )
        while not task.done():
            await clock.advance(1.0)
        await task
    assert again.is_set()


async def test_a_service_that_fails_runs_again_and_the_others_never_notice() -> None:
    ended, runs = asyncio.Event(), 0

    async def fails_twice() -> None:
        nonlocal runs
        runs += 1
        if runs <= 2:
            raise BreakError
        ended.set()

    clock = FakeClock()

    async def stays() -> None:
        await ended.wait()

    services = [
        Service(name="camera", run=fails_twice, essential=False),
        Service(name="vitals", run=stays, essential=True),
    ]
    async with asyncio.timeout(5):
        task = asyncio.create_task(supervise(services, clock))
        while not task.done():
            await clock.advance(1.0)
        await task
    assert runs == 3


@pytest.mark.parametrize("error", [ConfigError(reason="no"), BreakError()])
async def test_an_essential_service_that_is_lost_ends_all(error: Exception) -> None:
    async def fails() -> None:
        raise error

    cancelled = asyncio.Event()

    async def stays() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    clock = FakeClock()
    services = [
        Service(name="hub", run=fails, essential=True, budget=RestartBudget()),
        Service(name="other", run=stays, essential=False),
    ]
    task = asyncio.create_task(supervise(services, clock))
    async with asyncio.timeout(5):
        while not task.done():
            await clock.advance(1.0)
    with pytest.raises(ExceptionGroup) as lost:
        await task
    assert isinstance(lost.value.exceptions[0], ConfigError | ServiceLostError)
    assert cancelled.is_set()
