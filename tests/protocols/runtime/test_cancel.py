"""Requests to end: none is lost, whatever the work does with its first."""

import asyncio

import pytest

from protocols.runtime.cancel import apart


async def test_an_answer_that_comes_as_one_is_asked_to_end_does_not_hide_it() -> None:
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    asking = asyncio.create_task(apart(asyncio.wait_for(answer, 60)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    answer.set_result(1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_work_that_drops_its_first_request_to_end_is_asked_again() -> None:
    async def deaf_once() -> None:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(apart(deaf_once()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=10)
    assert task.cancelled()
