"""The live feed: what one screen may hold and ask for."""

import asyncio
import contextlib
import json

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from hub.access.rights import Role
from hub.api.feed import MAX_VIEWERS_EACH, QUEUE_BYTES
from hub.ingest import Arrived
from hub.store.stored import StoredRecord
from protocols.ids import Seq
from protocols.link import Lane, Stream
from protocols.live import Watch
from tests.hub.api.stand import Stand
from tests.hub.consult.clinic import A1, DOCTOR
from tests.hub.vehicle import NOON_US, new_journal


def record(number: int) -> Arrived:
    return Arrived(
        StoredRecord(
            unit=A1, journal=new_journal(), stream=Stream.VITALS, seq=Seq(number + 1),
            captured_utc_us=NOON_US, clock="gnss", clock_error_us=None, received_utc_us=NOON_US,
            lane=Lane.LIVE, understood=True, body=b"",
        ),
        None,
    )  # fmt: skip


FOLLOW = Watch(fleet=True).model_dump_json()


async def test_a_screen_that_takes_nothing_is_kept_a_bounded_number_of_bytes(stand: Stand) -> None:
    viewer = stand.clinic.feed.join(DOCTOR)
    taken: list[str | bytes] = []
    message = bytes(QUEUE_BYTES // 10)
    viewer.push("the fleet")
    for number in range(100):
        viewer.push(message + bytes([number]), record(number))

    ten_taken = asyncio.Event()

    async def send(text: str | bytes) -> None:
        taken.append(text)
        if len(taken) == 10:
            ten_taken.set()

    running = asyncio.create_task(viewer.run(send, stand.clock))
    async with asyncio.timeout(10):
        await ten_taken.wait()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    waves = [one for one in taken if isinstance(one, bytes)]
    assert taken[0] == "the fleet"  # sent once, so never shed
    assert [wave[-1] for wave in waves] == [*range(100 - len(waves), 100)]
    assert sum(map(len, taken)) <= QUEUE_BYTES


async def test_the_whole_fleet_is_sent_once_however_often_a_screen_asks(stand: Stand) -> None:
    async with stand.screen(Role.OPERATOR) as socket, asyncio.timeout(20):
        for _ in range(5):
            await socket.send(FOLLOW)
        ticks = full = 0
        while ticks < 4:  # so many seconds: each question had its turn
            message = json.loads(await socket.recv())
            ticks += message["t"] == "tick"
            full += bool(message.get("full"))
            for _ in range(4):
                await stand.clock.advance(0.25)
    assert full == 1


async def test_one_account_has_so_many_screens_and_others_are_not_kept_out(stand: Stand) -> None:
    async with contextlib.AsyncExitStack() as stack:
        screens = [
            await stack.enter_async_context(stand.screen(Role.DOCTOR))
            for _ in range(MAX_VIEWERS_EACH)
        ]
        for screen in screens:
            await hello(screen)
        one_more = await stack.enter_async_context(stand.screen(Role.DOCTOR))
        with pytest.raises(ConnectionClosed) as caught:
            await hello(one_more)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1013
        await hello(await stack.enter_async_context(stand.screen(Role.OPERATOR)))


async def hello(socket: ClientConnection) -> None:
    async with asyncio.timeout(10):
        assert json.loads(await socket.recv())["t"] == "hello"
