"""Dialling: knowing within a second that a dead link lives again.

The kernel sends a lost SYN again after 1, 3, 7, 15 s. Here a new attempt begins every `EVERY_S`
while the older ones still wait, so that a link that comes back is noticed at once and one with a
very long round trip is not given up either. That costs a vehicle about 60 bytes a second.
"""

import asyncio
import contextlib
import fcntl
import random
import socket
import struct
from dataclasses import dataclass
from typing import Final

EVERY_S: Final = 0.7
PATIENCE_S: Final = 5.0

_SIOCGIFADDR: Final = 0x8915
"""Source: netdevice(7)."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where the broker is reached, and by which of our network interfaces (None: any)."""

    host: str
    port: int
    interface: str | None = None

    def local_address(self) -> str:
        """Return the interface's address now; empty for any.

        Raises:
            OSError: there is no such interface, or it has no IPv4 address at present.
        """
        if self.interface is None:
            return ""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            request = struct.pack("256s", self.interface.encode()[:15])
            answer = fcntl.ioctl(asked.fileno(), _SIOCGIFADDR, request)
        return socket.inet_ntoa(answer[20:24])


async def reachable(door: Door, *, rng: random.Random) -> None:
    """Return once a TCP connection was possible.

    Raises:
        ConnectionRefusedError: somebody answers, and there is no broker.
    """
    loop = asyncio.get_running_loop()
    attempts: set[asyncio.Task[None]] = set()
    try:
        while True:
            attempts.add(asyncio.create_task(_attempt(door)))
            next_s = loop.time() + EVERY_S * rng.uniform(0.8, 1.2)
            while (left_s := next_s - loop.time()) > 0:
                if not attempts:
                    await asyncio.sleep(left_s)
                    break
                ended, attempts = await asyncio.wait(
                    attempts, timeout=left_s, return_when=asyncio.FIRST_COMPLETED
                )
                if any(_reached(task) for task in ended):
                    return
    finally:
        for task in attempts:
            task.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)


async def _attempt(door: Door) -> None:
    address = door.local_address()
    local = (address, 0) if address else None
    async with asyncio.timeout(PATIENCE_S):
        _, writer = await asyncio.open_connection(door.host, door.port, local_addr=local)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _reached(attempt: asyncio.Task[None]) -> bool:
    """Whether the attempt got through; no route and no answer are what a dead link looks like."""
    error = attempt.exception()
    if isinstance(error, ConnectionRefusedError):
        raise error
    if error is not None and not isinstance(error, OSError):  # TimeoutError is one
        raise error
    return error is None
