"""Readings on their way through a modem, beside video: a plain TCP connection and its echoes.

It stands for the uplink: a reading is answered once it has come through, and what is known of the
link is told as `LinkLoad`.
"""

import asyncio
import contextlib
import struct
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from edge_agent.uplink.load import LinkLoad
from protocols.messages import Still
from protocols.runtime.clock import SystemClock

READING_BYTES = 700
EVERY_S = 0.25
_HEADER = struct.Struct("!II")


@dataclass
class Readings:
    """What was sent, what came back and when."""

    clock: SystemClock = field(default_factory=SystemClock)
    waiting: dict[int, tuple[float, int]] = field(default_factory=dict)
    took: list[tuple[float, float]] = field(default_factory=list)
    stills: list[float] = field(default_factory=list)
    _rates: deque[tuple[float, float]] = field(default_factory=deque)
    _parts: deque[int] = field(default_factory=deque)
    _sent_bytes: int = 0
    _number: int = 0
    _writer: asyncio.StreamWriter | None = None

    def send(self, size_bytes: int) -> None:
        """Put one message on its way."""
        assert self._writer is not None
        self._number += 1
        self._writer.write(_HEADER.pack(self._number, size_bytes) + bytes(size_bytes))
        self._sent_bytes += size_bytes
        self.waiting[self._number] = self.clock.monotonic_s(), size_bytes

    async def record(self, parts: Sequence[Still], *, age_s: float) -> None:
        """Send the parts of a still, one after the other."""
        assert age_s < 5
        self.stills.append(self.clock.monotonic_s())
        self._parts.extend(len(part.jpeg) for part in parts)
        self._send_a_part()

    def _send_a_part(self) -> None:
        """Send the next part of a still, if nothing is on its way."""
        if self._parts and not self.waiting:
            self.send(self._parts.popleft())

    def load(self) -> LinkLoad:
        """Say what is known of the link."""
        now_s = self.clock.monotonic_s()
        best_s = min((took for _, took in self.took), default=0.0)
        oldest = next(iter(self.waiting.values()), None)
        newest = [took for _, took in self.took[-4:]]
        while self._rates and self._rates[0][0] < now_s - 10:
            self._rates.popleft()
        late_s = 0.0 if oldest is None else max(0.0, now_s - oldest[0] - best_s)
        return LinkLoad(
            is_answered=late_s < 4,
            late_s=late_s,
            queue_s=max(0.0, min(newest, default=0.0) - best_s),
            carried_bps=max((rate for _, rate in self._rates), default=None),
            sent_bytes=self._sent_bytes,
            stills_waiting=len(self._parts),
        )

    def late(self, *, since_s: float, until_s: float) -> list[float]:
        """Return how long the readings answered within that time took, the longest last."""
        return sorted(took for at_s, took in self.took if since_s <= at_s < until_s)

    async def run(self, host: str, port: int) -> None:
        """Send a reading every quarter second, until cancelled."""
        reader, self._writer = await asyncio.open_connection(host, port)
        hearing = asyncio.create_task(self._hear(reader))
        try:
            while True:
                self.send(READING_BYTES)
                await asyncio.sleep(EVERY_S)
        finally:
            hearing.cancel()
            self._writer.close()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        while True:
            (number,) = struct.unpack("!I", await reader.readexactly(4))
            now_s = self.clock.monotonic_s()
            sent_s, size = self.waiting.pop(number)
            self._send_a_part()
            self.took.append((now_s, now_s - sent_s))
            self._rates.append((now_s, size * 8 / max(1e-3, now_s - sent_s)))


@asynccontextmanager
async def answering() -> AsyncIterator[int]:
    """Run the far end; yield its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                number, size = _HEADER.unpack(await reader.readexactly(_HEADER.size))
                await reader.readexactly(size)
                writer.write(struct.pack("!I", number))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
