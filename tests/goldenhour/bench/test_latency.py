"""The latency benchmark counts live readings of the right stream, and enough of them."""

import json
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.server import ServerConnection, serve

from goldenhour.bench.latency import received_ms, spread
from protocols.runtime.clock import SystemClock


@pytest.fixture
async def hub_url() -> AsyncIterator[str]:
    """A server that says what a hub might: one live reading that is 40 ms old, and other things."""

    async def feed(socket: ServerConnection) -> None:
        assert json.loads(await socket.recv())["units"] == ["A-001"]
        now_us = SystemClock().utc_us()
        old = {"t": "record", "stream": "vitals", "captured_utc_us": now_us - 90_000_000}
        for message in (
            json.dumps({"t": "tick", "now_utc_us": now_us}),
            json.dumps(old | {"lane": "backfill"}),
            json.dumps(old | {"lane": "live", "stream": "position"}),
            b"a wave",
            json.dumps(old | {"lane": "live", "captured_utc_us": now_us - 40_000}),
        ):
            await socket.send(message)
        await socket.wait_closed()

    async with serve(feed, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def test_only_live_vital_signs_count(hub_url: str) -> None:
    (found_ms,) = await received_ms(hub_url, "cookie", ["A-001"], duration_s=0.3)
    assert 40 <= found_ms < 300


def test_too_few_readings_hold_no_bar() -> None:
    assert all(figure.holds for figure in spread("x", [10.0] * 30, least=30))
    assert not all(figure.holds for figure in spread("x", [10.0] * 29, least=30))


def test_a_slow_twentieth_breaks_the_bar() -> None:
    assert all(figure.holds for figure in spread("x", [10.0] * 95 + [900.0] * 5, least=1))
    assert not all(figure.holds for figure in spread("x", [10.0] * 94 + [900.0] * 6, least=1))
