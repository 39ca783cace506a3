"""A modem in miniature: UDP ports of one loopback address carried to the same ports of another."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

FRONT, BACK = "127.0.1.5", "127.0.0.1"


@dataclass
class Relay:
    """Counts what it carries; while `is_cut` it carries nothing, and nobody is told."""

    is_cut: bool = False
    inward: int = 0
    outward: int = 0
    doors: list[asyncio.DatagramTransport] = field(default_factory=list)
    ways: dict[tuple[str, int], asyncio.DatagramTransport] = field(default_factory=dict)


class _Door(asyncio.DatagramProtocol):
    """One port in front."""

    def __init__(self, relay: Relay, port: int) -> None:
        self.relay = relay
        self.port = port
        self.waiting: dict[tuple[str, int], list[bytes]] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.relay.is_cut:
            return
        self.relay.inward += 1
        way = self.relay.ways.get(addr)
        if way is not None:
            way.sendto(data)
            return
        first = addr not in self.waiting
        self.waiting.setdefault(addr, []).append(data)
        if first:
            task = asyncio.create_task(self._open(addr))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _open(self, addr: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        way, _ = await loop.create_datagram_endpoint(
            lambda: _Way(self, addr), remote_addr=(BACK, self.port), local_addr=(FRONT, 0)
        )
        self.relay.ways[addr] = way
        for data in self.waiting.pop(addr):
            way.sendto(data)


class _Way(asyncio.DatagramProtocol):
    """From the back to one client in front."""

    def __init__(self, door: _Door, addr: tuple[str, int]) -> None:
        self.door = door
        self.addr = addr

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert addr[0] == BACK
        if not self.door.relay.is_cut:
            self.door.relay.outward += 1
            self.door.transport.sendto(data, self.addr)

    def error_received(self, exc: Exception) -> None:
        """A port that is closed again: as silent here as on a radio link."""


@asynccontextmanager
async def relaying(ports: range) -> AsyncIterator[Relay]:
    relay = Relay()
    loop = asyncio.get_running_loop()
    for port in ports:
        door, _ = await loop.create_datagram_endpoint(
            lambda port=port: _Door(relay, port),  # type: ignore[misc]
            local_addr=(FRONT, port),
        )
        relay.doors.append(door)
    try:
        yield relay
    finally:
        for transport in [*relay.doors, *relay.ways.values()]:
            transport.close()
        await asyncio.sleep(0)


def free_ports(count: int) -> range:
    """Return `count` neighbouring UDP ports that are free in front and behind just now."""
    for first in range(42_000, 60_000, count):
        taken: list[socket.socket] = []
        try:
            for port in range(first, first + count):
                for host in (FRONT, BACK):
                    each = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    taken.append(each)
                    each.bind((host, port))
        except OSError:
            continue
        else:
            return range(first, first + count)
        finally:
            for each in taken:
                each.close()
    raise AssertionError("no free ports")
