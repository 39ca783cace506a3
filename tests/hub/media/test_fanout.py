"""Many viewers of one source: each at its own pace, all on one clock."""

import asyncio
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hub.media.fanout import Fanout, Retimer, ViewerQueue
from hub.media.tap import Frame


def frame(timestamp: int, *, is_key: bool = False) -> Frame:
    return Frame((b"x",), timestamp, is_key, 1)


async def drained(queue: ViewerQueue, count: int) -> list[int]:
    return [(await queue.get()).timestamp for _ in range(count)]


async def test_a_viewer_begins_with_a_key_frame() -> None:
    queue = ViewerQueue(limit=4, from_key=True)
    for given_frame in (frame(1), frame(2), frame(3, is_key=True), frame(4)):
        queue.put(given_frame)
    assert await drained(queue, 2) == [3, 4]
    assert queue.dropped_frames == 2


async def test_a_viewer_that_cannot_keep_up_drops_to_the_next_key_frame() -> None:
    queue = ViewerQueue(limit=3, from_key=True)
    asks = [queue.put(frame(n, is_key=n == 0)) for n in range(6)]
    assert asks == [False, False, False, True, False, False]
    assert queue.put(frame(6, is_key=True)) is False
    queue.put(frame(7))
    assert await drained(queue, 2) == [6, 7]
    assert queue.dropped_frames == 6


async def test_audio_drops_its_oldest_packet() -> None:
    queue = ViewerQueue(limit=3, from_key=False)
    for n in range(5):
        queue.put(frame(n))
    assert await drained(queue, 3) == [2, 3, 4]


async def test_one_slow_viewer_takes_nothing_from_the_others() -> None:
    out = Fanout(retimer=Retimer(clock_hz=90_000))
    slow = out.queues["slow"] = ViewerQueue(limit=2, from_key=True)
    fast = out.queues["fast"] = ViewerQueue(limit=2, from_key=True)
    seen = []
    for n in range(20):
        out.put(frame(n, is_key=n == 0), now_s=float(n))
        seen.append((await fast.get()).timestamp)
    assert len(seen) == 20
    assert slow.dropped_frames > 0


async def test_a_waiting_viewer_wakes_when_a_frame_comes() -> None:
    queue = ViewerQueue(limit=2, from_key=False)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put(frame(9))
    assert (await waiting).timestamp == 9


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 9_000), min_size=1, max_size=30))
def test_one_publisher_keeps_its_own_steps(start: int, steps: list[int]) -> None:
    retimer = Retimer(clock_hz=90_000)
    timestamps = [start]
    for step in steps:
        timestamps.append((timestamps[-1] + step) % 2**32)
    mapped = [retimer.map(timestamp, 0.0) for timestamp in timestamps]
    assert [(b - a) % 2**32 for a, b in pairwise(mapped)] == steps


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.floats(0, 30)), min_size=2, max_size=8))
def test_publishers_that_follow_one_another_make_one_rising_clock(
    publishers: list[tuple[int, float]],
) -> None:
    retimer = Retimer(clock_hz=90_000)
    now_s, last = 0.0, None
    for first_timestamp, pause_s in publishers:
        now_s += pause_s
        retimer.restart()
        mapped = retimer.map(first_timestamp, now_s)
        if last is not None:
            step = (mapped - last) % 2**32
            assert step == max(1, round(pause_s * 90_000)) or abs(step - pause_s * 90_000) < 2
        last = mapped
