"""Requests to end: none is lost, whatever the work does with its first."""

import asyncio

import pytest

from protocols.runtime.cancel import apart, to_the_end


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


async def test_what_is_done_on_leaving_is_done_however_often_one_is_asked_to_end() -> None:
    go_on, done = asyncio.Event(), asyncio.Event()

    async def leaves() -> None:
        await go_on.wait()
        done.set()

    async def works() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await to_the_end(leaves())

    task = asyncio.create_task(works())
    for _ in range(4):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done.is_set()


async def test_what_is_done_on_leaving_says_how_it_ended() -> None:
    async def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await to_the_end(fails())
    assert await to_the_end(asyncio.sleep(0, 7)) == 7
