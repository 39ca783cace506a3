"""One demo from first step to last: start in order, wait until healthy, stay, stop in order."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from goldenhour.demo.accounts import accounts_of, pins_of
from goldenhour.demo.children import Children
from goldenhour.demo.city import Recordings, lay_out
from goldenhour.demo.folder import opened
from goldenhour.demo.start import Start
from goldenhour.demo.table import card_of
from protocols.runtime.clock import SystemClock

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the person asked for; `for_s` None: until someone ends it."""

    data_dir: Path
    port: int = 8080
    light_units: int = 40
    for_s: float | None = None
    recordings: Recordings = field(default_factory=Recordings)


async def run_demo(
    options: Options,
    *,
    on_step: Callable[[str], None],
    on_ready: Callable[[dict[str, Any]], None],
) -> bool:
    """Run a demo until its time is over or someone ends it; return whether it had been ready.

    `on_step` is told each step as it begins, `on_ready` the table (`card_of`) once all is healthy.

    Raises:
        ConfigError: a port is in use, a file is missing, the folder is another demo's.
        ProgramEndedError: one of its programs ended by itself.
        NotReadyError: a part was not healthy in time.
    """
    options.recordings.check()
    with opened(options.data_dir) as folder:
        kept = folder.read_card()
        people = accounts_of(kept)
        city = lay_out(port=options.port, light_units=options.light_units, pins=pins_of(kept))
        card = card_of(city, people, folder)
        folder.write_card(card)
        ready = asyncio.Event()

        async def bring_up_and_stay() -> None:
            await Start(
                city=city,
                people=people,
                recordings=options.recordings,
                children=children,
                folder=folder,
                clock=SystemClock(),
                on_step=on_step,
            ).run()
            folder.write_card(
                card | {"pids": {one.program.name: one.pid for one in children.running}}
            )
            ready.set()
            on_ready(card)
            await _for(options.for_s)

        async with Children(logs=folder.logs) as children, _asked_to_stop() as asked:
            await _first_of(bring_up_and_stay(), children.watch(), asked.wait())
            on_step("stopping")
        return ready.is_set()


async def _for(duration_s: float | None) -> None:
    """Wait for `duration_s`, or for ever."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(duration_s):
            await asyncio.Event().wait()


async def _first_of(*work: Coroutine[Any, Any, object]) -> None:
    """Run all of `work` until the first ends, end the others, and raise what the first raised."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


@contextlib.asynccontextmanager
async def _asked_to_stop() -> AsyncIterator[asyncio.Event]:
    """Yield an event that Ctrl-C, SIGTERM or a closed terminal sets."""
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, asked.set)
    try:
        yield asked
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
