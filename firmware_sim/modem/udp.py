"""The relay's UDP half: each client address on each port gets a socket of its own to the hub."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from firmware_sim.modem.pipe import Flow, Link
from protocols.clock import Clock
from protocols.errors import ConfigError

MAX_CLIENTS: Final = 64
"""Per port; the one that was silent longest gives way."""

IDLE_S: Final = 60.0

Address = tuple[str, int]


@dataclass(slots=True)
class _Client:
    upstream: asyncio.DatagramTransport
    last_s: float
    up: Flow
    down: Flow


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes, Address], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        self._received(data, (str(addr[0]), int(addr[1])))


class UdpRelay:
    """One UDP port of the modem."""

    def __init__(self, *, host: str, port: int, hub: Address, link: Link, clock: Clock) -> None:
        self._host, self._port, self._hub = host, port, hub
        self._up, self._down = link.up, link.down
        self._clock = clock
        self._transport: asyncio.DatagramTransport | None = None
        self._clients: OrderedDict[Address, _Client] = OrderedDict()
        self._opening: set[Address] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    @property
    def clients(self) -> int:
        """Client addresses that have a socket to the hub."""
        return len(self._clients)

    async def start(self) -> None:
        """Listen.

        Raises:
            ConfigError: the address or port cannot be had.
        """
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: _Listener(self._from_client), local_addr=(self._host, self._port)
            )
        except OSError as err:
            raise ConfigError(
                reason="the modem cannot listen", host=self._host, port=self._port
            ) from err
        self._port = self._transport.get_extra_info("sockname")[1]

    def free_idle(self) -> None:
        """Close the sockets of clients that have been silent for a minute."""
        now_s = self._clock.monotonic_s()
        for address, client in list(self._clients.items()):
            if now_s - client.last_s > IDLE_S:
                self._forget(address)

    async def close(self) -> None:
        """Stop listening, close every socket."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for address in list(self._clients):
            self._forget(address)
        await asyncio.sleep(0)  # closed transports finish in the next turn of the loop

    def _forget(self, address: Address) -> None:
        self._clients.pop(address).upstream.close()

    def _from_client(self, data: bytes, address: Address) -> None:
        client = self._clients.get(address)
        if client is None:
            self._open(address, data)
            return
        self._send_up(client, address, data)

    def _send_up(self, client: _Client, address: Address, data: bytes) -> None:
        client.last_s = self._clock.monotonic_s()
        self._clients.move_to_end(address)
        self._up.send_datagram(len(data), client.up, lambda: _send(client.upstream, data))

    def _open(self, address: Address, first: bytes) -> None:
        if address in self._opening or len(self._opening) >= MAX_CLIENTS:
            self._up.counters.dropped += 1  # a second datagram before the socket is there
            return
        self._opening.add(address)
        task = asyncio.create_task(self._connect(address, first))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, address: Address, first: bytes) -> None:
        flow = Flow()

        def from_hub(data: bytes, _hub: Address) -> None:
            if (client := self._clients.get(address)) is not None:
                client.last_s = self._clock.monotonic_s()
            self._down.send_datagram(len(data), flow, lambda: self._to_client(data, address))

        local = (self._host, 0) if self._host.startswith("127.") else None
        try:
            upstream, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Listener(from_hub), local_addr=local, remote_addr=self._hub
            )
        except OSError:
            self._up.counters.dropped += 1
            return
        finally:
            self._opening.discard(address)
        if len(self._clients) >= MAX_CLIENTS:
            self._forget(next(iter(self._clients)))
        self._clients[address] = _Client(upstream, self._clock.monotonic_s(), Flow(), flow)
        self._send_up(self._clients[address], address, first)

    def _to_client(self, data: bytes, address: Address) -> None:
        if self._transport is not None:
            self._transport.sendto(data, address)


def _send(transport: asyncio.DatagramTransport, data: bytes) -> None:
    if not transport.is_closing():
        transport.sendto(data)
