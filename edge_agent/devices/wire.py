"""Wires that carry a receiver's bytes: TCP, UDP, a serial line. `open_wire` picks by address."""

import asyncio
import os
import stat
import termios
import tty
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import parse_qs, urlsplit

from protocols.errors import BrokenError, ConfigError

CHUNK_BYTES: Final = 4096
CONNECT_TIMEOUT_S: Final = 5.0
WAITING_DATAGRAMS: Final = 256
"""Past this the oldest is dropped: a position that was not read in time is worth nothing."""

_BAUDS: Final = {
    4800: termios.B4800, 9600: termios.B9600, 19200: termios.B19200, 38400: termios.B38400,
    57600: termios.B57600, 115200: termios.B115200, 230400: termios.B230400,
    460800: termios.B460800, 921600: termios.B921600,
}  # fmt: skip


class Wire(Protocol):
    """An open wire. `read` may be cancelled; nothing is lost by that."""

    silence_breaks: bool  # long silence may be a dead peer: worth connecting afresh

    async def read(self) -> bytes:
        """Return the next bytes, at least one.

        Raises:
            BrokenError: the other end closed.
            OSError: the wire failed.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Send `data`, where the wire can."""
        ...

    def overrun(self) -> int:
        """Return how much has been dropped unread since the last call: datagrams."""
        ...

    async def close(self) -> None:
        """Close; safe to call twice."""
        ...


class Address(Protocol):
    """Where a wire leads; `open` may be called again and again."""

    async def open(self) -> Wire:
        """Return the open wire.

        Raises:
            OSError: it cannot be opened now.
        """
        ...


class TcpAddress:
    """`tcp://host:port`: the receiver, or a serial server, listens."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def open(self) -> Wire:
        """Return the connection.

        Raises:
            OSError: nobody answered within 5 s (TimeoutError is one).
        """
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(self._host, self._port)
        return _TcpWire(reader, writer)


class _TcpWire:
    silence_breaks = True

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        data = await self._reader.read(CHUNK_BYTES)
        if not data:
            raise BrokenError(wire="tcp")
        return data

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def overrun(self) -> int:
        return 0

    async def close(self) -> None:
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()


class UdpAddress:
    """`udp://host:port`: listen there; each datagram holds whole sentences."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def open(self) -> Wire:
        """Return the bound socket.

        Raises:
            OSError: the address is taken or not ours.
        """
        loop = asyncio.get_running_loop()
        transport, wire = await loop.create_datagram_endpoint(
            _UdpWire, local_addr=(self._host, self._port)
        )
        wire.transport = transport
        return wire


class _UdpWire(asyncio.DatagramProtocol):
    silence_breaks = False

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque(maxlen=WAITING_DATAGRAMS)
        self._some = asyncio.Event()
        self._dropped = 0
        self.transport: asyncio.DatagramTransport | None = None
        self._lost = asyncio.Event()

    def datagram_received(self, data: bytes, _address: object) -> None:
        if len(self._waiting) == WAITING_DATAGRAMS:
            self._dropped += 1
        self._waiting.append(data if data.endswith(b"\n") else data + b"\r\n")
        self._some.set()

    def connection_lost(self, _error: Exception | None) -> None:
        self._lost.set()
        self._some.set()

    async def read(self) -> bytes:
        while not self._waiting:
            if self._lost.is_set():
                raise BrokenError(wire="udp")
            self._some.clear()
            await self._some.wait()
        return self._waiting.popleft()

    async def write(self, data: bytes) -> None:
        """Send nothing: nobody in particular is at the other end."""

    def overrun(self) -> int:
        dropped, self._dropped = self._dropped, 0
        return dropped

    async def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()
            await self._lost.wait()


class SerialAddress:
    """A terminal device, real or pseudo; 8 data bits, no parity, one stop bit."""

    def __init__(self, path: str, baud: int) -> None:
        self._path, self._baud = path, baud

    async def open(self) -> Wire:
        """Return the open device.

        Raises:
            OSError: it is not there, not ours, or no terminal.
        """
        return _SerialWire(self._path, self._baud)


class _SerialWire:
    silence_breaks = False

    def __init__(self, path: str, baud: int) -> None:
        if not stat.S_ISCHR(Path(path).stat().st_mode):  # a plain file cannot be waited for
            raise OSError(f"{path} is no device")
        descriptor = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            tty.setraw(descriptor)
            attributes = termios.tcgetattr(descriptor)
            attributes[2] |= termios.CLOCAL | termios.CREAD
            attributes[4] = attributes[5] = _BAUDS[baud]
            termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
        except termios.error as err:  # not an OSError
            os.close(descriptor)
            raise OSError(*err.args) from err
        self._descriptor: int | None = descriptor

    async def read(self) -> bytes:
        while self._descriptor is not None:
            try:
                data = os.read(self._descriptor, CHUNK_BYTES)
            except BlockingIOError:
                await self._readable(self._descriptor)
                continue
            if not data:
                break
            return data
        raise BrokenError(wire="serial")

    async def write(self, data: bytes) -> None:
        """Send nothing: the line is opened for reading."""

    def overrun(self) -> int:
        return 0

    async def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    async def _readable(self, descriptor: int) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(descriptor, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(descriptor)


def open_wire(source: str) -> Address:
    """Return the address that `source` names.

    `tcp://host:port`, `udp://host:port`, `serial:///dev/ttyUSB0?baud=9600` (9600 where not said) or
    the plain path of a terminal device.

    Raises:
        ConfigError: it is none of these.
    """
    if source.startswith("/"):
        return SerialAddress(source, 9600)
    parts = urlsplit(source)
    if parts.scheme in {"tcp", "udp"}:
        host, port = host_and_port(source)
        return TcpAddress(host, port) if parts.scheme == "tcp" else UdpAddress(host, port)
    if parts.scheme != "serial" or not parts.path:
        raise ConfigError(
            reason="a receiver's source begins with tcp://, udp://, serial://, gpsd:// or is the "
            "path of a device",
            source=source,
        )
    said = parse_qs(parts.query).get("baud", ["9600"])[-1]
    if not said.isascii() or not said.isdecimal() or int(said) not in _BAUDS:
        rates = ", ".join(map(str, _BAUDS))
        raise ConfigError(reason=f"the baud rate must be one of {rates}", source=source)
    return SerialAddress(parts.path, int(said))


def host_and_port(source: str) -> tuple[str, int]:
    """Return host and port of a URL.

    Raises:
        ConfigError: one of them is missing.
    """
    parts = urlsplit(source)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise ConfigError(reason="the source needs a host and a port, as tcp://host:2947",
                          source=source)  # fmt: skip
    return host, port
