"""One direction of the link: a bounded queue, a transmitter at the link's rate, a flight."""

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from operator import itemgetter
from typing import Final

from firmware_sim.modem.shape import SEGMENT_BYTES, TCP_HEADER_BYTES, UDP_HEADER_BYTES, LinkShape
from protocols.clock import Clock

QUEUE_S: Final = 0.4
"""What the modem's own buffer holds at the link's rate; a real one holds about so much."""

_LEAST_QUEUE_BYTES: Final = 4 * 1440
_MOST_QUEUE_BYTES: Final = 512 * 1024
_SLICE_S: Final = 0.05

CLEAR_SEGMENT_BYTES: Final = 32 * 1024
"""How much is relayed at a time while nothing is done to the link."""


@dataclass(slots=True)
class PipeCounters:
    """Payload bytes and packets; `dropped` overflowed or met a cut, `lost` met the dice."""

    bytes: int = 0
    packets: int = 0
    dropped: int = 0
    lost: int = 0
    retransmitted: int = 0


@dataclass(slots=True)
class Flow:
    """What keeps one connection's (or client's) packets in order."""

    last_due_s: float = 0.0


@dataclass(slots=True)
class _Packet:
    size: int
    flow: Flow
    deliver: Callable[[], None]
    is_datagram: bool
    wire_bytes: int = field(init=False)
    losses: int = 0
    sent_s: float = 0.0  # for the first time
    flight_s: float = 0.0
    wait_s: float = 0.0  # from then until it is sent and not lost

    @property
    def own_due_s(self) -> float:
        """When it lands, if nothing before it holds it back."""
        return self.sent_s + self.wait_s + self.flight_s

    def __post_init__(self) -> None:
        self.wire_bytes = self.size + (UDP_HEADER_BYTES if self.is_datagram else TCP_HEADER_BYTES)


class Pipe:
    """Carries packets one way. `shape` and `is_cut` may change at any time and count at once."""

    def __init__(self, *, clock: Clock, rng: random.Random) -> None:
        self.counters = PipeCounters()
        self._shape = LinkShape()
        self._is_cut = False
        self._clock = clock
        self._rng = rng
        self._queue: deque[_Packet] = deque()
        self._queued_bytes = 0
        self._flying: list[tuple[float, int, _Packet]] = []
        self._order = count()
        self._changed = asyncio.Event()  # something for the transmitter
        self._flew = asyncio.Event()  # something for the receiver's end
        self._room = asyncio.Condition()
        self._free_s = 0.0  # when the transmitter has sent all that it took

    def set(self, *, shape: LinkShape, is_cut: bool) -> None:
        """Take a new shape into force."""
        is_other_loss = shape.loss_pct != self._shape.loss_pct
        self._shape, self._is_cut = shape, is_cut
        if is_other_loss:
            self._draw_again()
        self._free_s = min(self._free_s, self._clock.monotonic_s())
        self._changed.set()
        self._flew.set()

    @property
    def is_cut(self) -> bool:
        """Nothing passes."""
        return self._is_cut

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for the transmitter."""
        return self._queued_bytes

    def send_datagram(self, size: int, flow: Flow, deliver: Callable[[], None]) -> None:
        """Take a datagram; dropped when the link is cut or its buffer is full."""
        if self._is_cut or self._queued_bytes + size > self._limit():
            self.counters.dropped += 1
            return
        self._push(_Packet(size, flow, deliver, is_datagram=True))

    async def send_segment(self, size: int, flow: Flow, deliver: Callable[[], None]) -> None:
        """Take a TCP segment once the buffer has room; a cut link has none."""
        async with self._room:
            await self._room.wait_for(
                lambda: (
                    not self._is_cut
                    and (not self._queue or self._queued_bytes + size <= self._limit())
                )
            )
        self._push(_Packet(size, flow, deliver, is_datagram=False))

    async def run(self) -> None:
        """Carry packets until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._transmit())
            group.create_task(self._land())

    def _limit(self) -> int:
        if self._shape.rate_bps is None:
            return _MOST_QUEUE_BYTES
        wanted = int(self._shape.rate_bps * QUEUE_S / 8)
        return max(_LEAST_QUEUE_BYTES, min(_MOST_QUEUE_BYTES, wanted))

    def _push(self, packet: _Packet) -> None:
        self._queue.append(packet)
        self._queued_bytes += packet.size
        self._changed.set()

    async def _transmit(self) -> None:
        while True:
            await self._tell_room()
            while self._is_cut or not self._queue:
                self._changed.clear()
                await self._changed.wait()
                await self._tell_room()
            packet = self._queue[0]
            is_lost = self._draw(packet)
            if not await self._on_air(packet.wire_bytes * (packet.losses + 1)):
                continue  # cut meanwhile: the packet stays first in the queue
            self._queue.popleft()
            self._queued_bytes -= packet.size
            if is_lost:
                self.counters.lost += 1
                continue
            packet.sent_s = self._clock.monotonic_s()
            packet.flight_s = self._shape.flight_s(self._rng)
            self._fly(packet)
            self._flew.set()

    def _draw(self, packet: _Packet) -> bool:
        """Decide what becomes of a packet; return whether it is lost for good."""
        if packet.is_datagram:
            return self._shape.is_lost(self._rng)
        packet.losses = self._shape.losses(self._rng)
        packet.wait_s = self._shape.wait_s(packet.losses)
        self.counters.retransmitted += packet.losses
        return False

    def _draw_again(self) -> None:
        """Have what waits to be sent again meet the loss that is now in force."""
        now_s, flying = self._clock.monotonic_s(), sorted(self._flying, key=itemgetter(1))
        self._flying = []
        for flow in {id(packet.flow): packet.flow for _, _, packet in flying}.values():
            flow.last_due_s = now_s
        for _, _, packet in flying:
            tried = range(packet.losses)
            gone = next(
                (n for n in tried if packet.sent_s + self._shape.wait_s(n + 1) > now_s), None
            )
            if gone is not None and not packet.is_datagram:  # lost so far, the first time included
                packet.losses = self._shape.losses(self._rng, at_least=gone + 1)
                packet.wait_s = self._shape.wait_s(packet.losses)
            self._fly(packet)

    def _fly(self, packet: _Packet) -> None:
        due_s = packet.flow.last_due_s = max(packet.own_due_s, packet.flow.last_due_s)
        heapq.heappush(self._flying, (due_s, next(self._order), packet))

    async def _on_air(self, wire_bytes: int) -> bool:
        """Keep the transmitter busy; a change of rate counts at once. False if cut meanwhile."""
        left_bytes = float(wire_bytes)
        while left_bytes > 0 and self._shape.rate_bps is not None:
            now_s = self._clock.monotonic_s()
            self._free_s = max(self._free_s, now_s - _SLICE_S)  # what a late timer lost is made up
            part_bytes = min(left_bytes, self._shape.rate_bps * _SLICE_S / 8)
            self._free_s += self._shape.airtime_s(1) * part_bytes
            left_bytes -= part_bytes
            if (ahead_s := self._free_s - now_s) > 0.001:  # noqa: PLR2004 -- a timer's own grain
                await self._clock.sleep(ahead_s)
            if self._is_cut:
                return False
        return True

    async def _land(self) -> None:
        while True:
            self._flew.clear()
            if not self._flying:
                await self._flew.wait()
                continue
            wait_s = self._flying[0][0] - self._clock.monotonic_s()
            if wait_s > 0:
                with suppress(TimeoutError):  # woken early where one lands sooner
                    await asyncio.wait_for(self._flew.wait(), wait_s)
                continue
            if self._is_cut and not self._flying[0][2].is_datagram:
                await self._flew.wait()
                continue
            packet = heapq.heappop(self._flying)[2]
            if self._is_cut:
                self.counters.dropped += 1
                continue
            self.counters.bytes += packet.size
            self.counters.packets += 1
            packet.deliver()

    async def _tell_room(self) -> None:
        async with self._room:
            self._room.notify_all()


@dataclass(slots=True)
class Link:
    """Both directions, and what the relays ask of them."""

    up: Pipe
    down: Pipe
    is_refusing: bool = False  # connections break at once, as with a modem that is switched off
    segment_bytes: int = CLEAR_SEGMENT_BYTES

    def set(self, *, shape: LinkShape, is_cut: bool, is_refusing: bool) -> None:
        """Take a new shape into force, both ways."""
        self.is_refusing = is_refusing
        self.segment_bytes = CLEAR_SEGMENT_BYTES if shape.is_clear else SEGMENT_BYTES
        self.up.set(shape=shape, is_cut=is_cut)
        self.down.set(shape=shape, is_cut=is_cut)
