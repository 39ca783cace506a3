"""The sending half of a monitor's gateway: MLLP, one message in flight, its answer awaited.

Connects by itself and again after a break, with backoff. A message that was not answered is sent
again, the same bytes, on the next connection: a receiver tells it by its control id. What waits is
bounded: `live` drops the oldest, as a monitor does; `replay` makes the producer wait.
"""

import asyncio
import logging
import re
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from firmware_sim.witness import Witness
from protocols.clock import Clock

log = logging.getLogger(__name__)

_BEGIN, _END = b"\x0b", b"\x1c\r"
_ANSWER: Final = re.compile(r"(?:^|\r)MSA\|(?P<code>[A-Z]{2})\|(?P<id>[^|\r]*)")
ANSWER_TIMEOUT_S: Final = 5.0
_BACKOFF_S: Final = (0.1, 0.25, 0.5, 1.0, 2.0)


class Pacing(StrEnum):
    """What happens when the receiver does not keep up."""

    LIVE = "live"  # the oldest waiting message is dropped
    REPLAY = "replay"  # nothing is dropped; the producer waits


@dataclass(slots=True)
class MllpCounters:
    """What became of the messages."""

    sent: int = 0
    accepted: int = 0
    refused: int = 0  # answered AE, AR, CE or CR
    dropped: int = 0
    connections: int = 0


@dataclass(frozen=True, slots=True)
class _Waiting:
    control_id: str
    wire: bytes


class MllpSender:
    """Sends messages to `host:port`, in order."""

    def __init__(  # noqa: PLR0913 -- one wire, all of it said by name
        self,
        *,
        host: str,
        port: int,
        clock: Clock,
        pacing: Pacing,
        max_waiting: int = 25,
        witness: Witness | None = None,
    ) -> None:
        self.counters = MllpCounters()
        self.connected = False
        self._host, self._port = host, port
        self._clock = clock
        self._pacing = pacing
        self._max_waiting = max_waiting
        self._witness = witness
        self._waiting: deque[_Waiting | bytes] = deque()
        self._changed = asyncio.Condition()
        self._writer: asyncio.StreamWriter | None = None

    @property
    def waiting(self) -> int:
        """Messages not yet answered."""
        return len(self._waiting)

    async def put(self, control_id: str, message: str) -> None:
        """Queue one message; in `replay` return only once there is room for it."""
        async with self._changed:
            if self._pacing is Pacing.REPLAY:
                await self._changed.wait_for(lambda: len(self._waiting) < self._max_waiting)
            while len(self._waiting) >= self._max_waiting:
                del self._waiting[1 if len(self._waiting) > 1 else 0]  # [0] may be in flight
                self.counters.dropped += 1
            wire = _BEGIN + message.encode("utf-8") + _END
            self._waiting.append(_Waiting(control_id, wire))
            self._changed.notify_all()

    async def put_noise(self, noise: bytes) -> None:
        """Queue bytes that are no message and get no answer; left out while the queue is full."""
        async with self._changed:
            if len(self._waiting) < self._max_waiting:
                self._waiting.append(noise)
            self._changed.notify_all()

    async def drained(self) -> None:
        """Return once every message has been answered."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._waiting)

    def disconnect(self) -> None:
        """Break the connection, as a power cut does."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def run(self) -> None:
        """Connect and send until cancelled."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(3.0):
                    reader, writer = await asyncio.open_connection(self._host, self._port)
            except (OSError, TimeoutError):
                if failures == 0:
                    log.warning("monitor.receiver_unreachable", extra={"port": self._port})
                await self._clock.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
                failures += 1
                continue
            self.counters.connections += 1
            answered_before = self.counters.accepted + self.counters.refused
            self._writer = writer
            self.connected = True
            try:
                await self._converse(reader, writer)
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as err:
                log.warning("monitor.connection_lost", extra={"error": type(err).__name__})
            finally:
                self.connected = False
                self._writer = None
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
            heard = self.counters.accepted + self.counters.refused > answered_before
            failures = 0 if heard else failures + 1
            await self._clock.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._waiting))
                item = self._waiting[0]
            if isinstance(item, bytes):
                writer.write(item)
                await writer.drain()
            else:
                if self._witness is not None:
                    text = item.wire.strip(_BEGIN + _END).decode("utf-8")
                    self._witness.sent(item.control_id, text)
                writer.write(item.wire)
                await writer.drain()
                self.counters.sent += 1
                await self._answer(reader, item.control_id)
            async with self._changed:
                if self._waiting and self._waiting[0] is item:
                    self._waiting.popleft()
                self._changed.notify_all()

    async def _answer(self, reader: asyncio.StreamReader, control_id: str) -> None:
        """Wait for the answer to `control_id`; answers to anything else are passed over."""
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            while True:
                block = await reader.readuntil(_END)
                found = _ANSWER.search(block.decode("utf-8", "replace").replace("\x0b", ""))
                if found is not None and found["id"] == control_id:
                    break
        if self._witness is not None:
            self._witness.answered(control_id, found["code"])
        if found["code"] in {"AA", "CA"}:
            self.counters.accepted += 1
        else:
            self.counters.refused += 1
