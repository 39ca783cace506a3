"""One direction of the link."""

import asyncio
import random

from firmware_sim.modem.pipe import Flow, Pipe
from firmware_sim.modem.shape import LinkShape
from protocols.runtime.clock import SystemClock
from tests.until import until

_SIX_LOSSES_S = 0.2 * (2**6 - 1)


async def test_what_waits_to_be_sent_again_meets_the_loss_of_that_time() -> None:
    clock = SystemClock()
    pipe, flow, landed = Pipe(clock=clock, rng=random.Random(4)), Flow(), list[int]()
    running = asyncio.create_task(pipe.run())
    pipe.set(shape=LinkShape(loss_pct=99.9, delay_ms=50), is_cut=False)
    began_s = clock.monotonic_s()
    for number in range(5):
        await pipe.send_segment(1000, flow, lambda number=number: landed.append(number))  # type: ignore[misc]
    await until(
        lambda: pipe.counters.retransmitted == 5 * 6, within_s=5
    )  # all of them have been drawn
    pipe.set(shape=LinkShape(delay_ms=50), is_cut=False)
    await until(lambda: len(landed) == 5, within_s=5)
    took_s = clock.monotonic_s() - began_s
    running.cancel()

    assert landed == list(range(5)), "in order"
    assert 0.25 <= took_s < _SIX_LOSSES_S / 4


async def test_what_has_left_without_loss_is_not_lost_afterwards() -> None:
    clock = SystemClock()
    pipe, landed = Pipe(clock=clock, rng=random.Random(4)), asyncio.Event()
    running = asyncio.create_task(pipe.run())
    pipe.set(shape=LinkShape(delay_ms=200), is_cut=False)
    began_s = clock.monotonic_s()
    await pipe.send_segment(1000, Flow(), landed.set)
    await until(lambda: pipe.queued_bytes == 0, within_s=5)  # it has left, and has not landed
    assert not landed.is_set()
    pipe.set(shape=LinkShape(loss_pct=99.9, delay_ms=200), is_cut=False)
    await landed.wait()
    took_s = clock.monotonic_s() - began_s
    running.cancel()

    assert took_s < _SIX_LOSSES_S / 4
