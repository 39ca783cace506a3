"""The tablet's live feed: this unit's readings and its state, over one WebSocket a screen.

Law: a screen never holds more than its bound; what it could not take is dropped oldest first, and
the state that follows is whole.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from edge_agent.journal import Row
from edge_agent.tablet.state import Vehicle
from protocols.errors import RemoteProtocolError
from protocols.link import Stream
from protocols.link.projection import value_as_json
from protocols.link.wire import load_map
from protocols.live import RecordSeen, Tick, wave_of
from protocols.messages import WaveformBlock, parse_body

QUEUE_MESSAGES: Final = 300
STATE_S: Final = 0.25
"""The state goes out when it has changed, at most this often."""

TICK_S: Final = 1.0
MAX_SCREENS: Final = 16

Send = Callable[[str | bytes], Awaitable[None]]


class Screen:
    """One connected screen and what waits for it."""

    def __init__(self) -> None:
        self._queue: deque[str | bytes] = deque(maxlen=QUEUE_MESSAGES)
        self._wake = asyncio.Event()

    def push(self, message: str | bytes) -> None:
        """Queue one message; with the queue full the oldest goes."""
        self._queue.append(message)
        self._wake.set()

    async def run(self, send: Send) -> None:
        """Send until cancelled or until `send` raises."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await send(self._queue.popleft())


class TabletFeed:
    """All screens of this vehicle."""

    def __init__(self, vehicle: Vehicle) -> None:
        self._vehicle = vehicle
        self._screens: set[Screen] = set()
        self._told = ""

    @property
    def screens(self) -> int:
        """How many are connected."""
        return len(self._screens)

    def join(self) -> Screen:
        """Return a new screen, with the state on its way to it; `leave` when it is gone."""
        screen = Screen()
        self._screens.add(screen)
        screen.push(self.state_text())
        return screen

    def leave(self, screen: Screen) -> None:
        """Forget `screen`."""
        self._screens.discard(screen)

    def appended(self, row: Row) -> None:
        """Pass one accepted record on; a listener of the journal."""
        if not self._screens:
            return
        message = _message_of(self._vehicle.unit, row)
        if message is not None:
            for screen in self._screens:
                screen.push(message)

    async def run(self) -> None:
        """Tell the state as it changes, and the time, until cancelled."""
        clock = self._vehicle.clock
        next_tick_s = clock.monotonic_s()
        while True:
            await clock.sleep(STATE_S)
            if not self._screens:
                continue
            state = self._vehicle.state()
            now_utc_us = state.pop("now_utc_us")
            shape = json.dumps(state, sort_keys=True, ensure_ascii=False)
            if shape != self._told:
                self._told = shape
                self._tell(_state_text(state | {"now_utc_us": now_utc_us}))
            if clock.monotonic_s() >= next_tick_s:
                next_tick_s = clock.monotonic_s() + TICK_S
                self._tell(Tick(now_utc_us=now_utc_us).model_dump_json())

    def state_text(self) -> str:
        """Return the state as a message."""
        return _state_text(self._vehicle.state())

    def _tell(self, text: str) -> None:
        for screen in self._screens:
            screen.push(text)


def _state_text(state: dict[str, Any]) -> str:
    return json.dumps({"t": "state"} | state, ensure_ascii=False)


def _message_of(unit: str, row: Row) -> str | bytes | None:
    """Return the message that shows one record; None where it is not understood."""
    if row.stream is Stream.WAVEFORM:
        try:
            block = parse_body(row.stream, row.body)
            if not isinstance(block, WaveformBlock):
                return None
            return wave_of(
                block,
                unit=unit,
                seq=row.seq,
                captured_utc_us=row.captured_utc_us,
                received_utc_us=None,
                lane="live",
            )
        except RemoteProtocolError:
            return None
    return RecordSeen(
        unit=unit,
        stream=row.stream.value,
        seq=row.seq,
        captured_utc_us=row.captured_utc_us,
        clock=row.clock.value,
        clock_error_us=row.clock_error_us,
        received_utc_us=None,
        lane="live",
        body=value_as_json(load_map(row.body)),
    ).model_dump_json()
