"""The monitor driver, listening where a test talks to it."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

from edge_agent.devices import MonitorHl7
from edge_agent.vehicle_clock import VehicleClock
from protocols.clock import Clock
from tests.edge_agent.devices.sink import Sink

SPO2 = "150456^MDC_PULS_OXIM_SAT_O2^MDC"


@contextlib.asynccontextmanager
async def listening(sink: Sink, clock: Clock, **given: float) -> AsyncIterator[MonitorHl7]:
    driver = MonitorHl7(
        host="127.0.0.1",
        port=0,
        record=sink,
        recall=sink.recall,
        clock=VehicleClock(clock),
        rng=random.Random(1),
        **given,  # type: ignore[arg-type]  # a test's shorthand
    )
    task = asyncio.create_task(driver.run())
    try:
        async with asyncio.timeout(5):
            await driver.listening.wait()
        yield driver
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
