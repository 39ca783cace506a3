"""The relay's TCP half: each accepted connection gets one to the hub, both through the pipes."""

import asyncio
import logging
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from firmware_sim.modem.pipe import CLEAR_SEGMENT_BYTES, Flow, Link, Pipe
from firmware_sim.modem.shape import SEGMENT_BYTES
from protocols.errors import ConfigError

log = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 256
MOST_EARLY_BYTES: Final = 64 * 1024
"""Of what a client says before the link let it through."""

_RECEIVE_BUFFER_BYTES: Final = 32 * 1024
"""Kept small: bytes that wait in the kernel have not been sent over the air, but look it."""


class TcpRelay:
    """One listening port and its connections."""

    def __init__(self, *, host: str, port: int, hub: tuple[str, int], link: Link) -> None:
        self._host, self._port, self._hub = host, port, hub
        self._link = link
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    @property
    def connections(self) -> int:
        """Connections at present."""
        return len(self._tasks)

    async def start(self) -> None:
        """Listen.

        Raises:
            ConfigError: the address or port cannot be had.
        """
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _narrow(listener)
            listener.bind((self._host, self._port))
            self._server = await asyncio.start_server(self._serve, sock=listener, backlog=64)
        except OSError as err:
            listener.close()
            raise ConfigError(
                reason="the modem cannot listen", host=self._host, port=self._port
            ) from err
        self._port = listener.getsockname()[1]

    def reset(self) -> None:
        """Break every connection."""
        for writer in list(self._writers):
            _reset(writer)

    async def close(self) -> None:
        """Stop listening and break every connection."""
        if self._server is None:
            return
        self._server.close()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._tasks) >= MAX_CONNECTIONS or self._link.is_refusing:
            _reset(writer)
            return
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self._relay(reader, writer)
        except OSError:
            _reset(writer)
        except asyncio.CancelledError:  # by `close`; asyncio's streams would log it as an error
            _reset(writer)
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        early = bytearray()
        hub = await self._reach_hub_unless_left(reader, early)
        if hub is None:
            return
        hub_reader, hub_writer = hub
        self._writers.add(hub_writer)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, hub_writer, self._link.up, bytes(early)))
                group.create_task(self._pump(hub_reader, writer, self._link.down))
        except ExceptionGroup as failures:  # one side broke: so does the other
            for side in (writer, hub_writer):
                _reset(side)
            _, other = failures.split(OSError)
            if other is not None:
                raise
        finally:
            self._writers.discard(hub_writer)
            hub_writer.close()
            with suppress(OSError):
                await hub_writer.wait_closed()

    async def _reach_hub_unless_left(
        self, reader: asyncio.StreamReader, early: bytearray
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Connect to the hub; None where the client left a link that was cut from the first.

        Then there was no connection, and nothing of it reaches the hub: a vehicle that has tried a
        dozen times does not knock a dozen times at once when the link comes back. What the client
        has sent meanwhile is left in `early`.
        """
        reaching = asyncio.create_task(self._reach_hub())
        leaving = asyncio.create_task(self._has_left(reader, early))
        try:
            await asyncio.wait({reaching, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not reaching.done() and leaving.result():
                return None
            return await reaching
        finally:
            for task in (reaching, leaving):
                task.cancel()
            await asyncio.gather(reaching, leaving, return_exceptions=True)

    async def _has_left(self, reader: asyncio.StreamReader, early: bytearray) -> bool:
        """Read into `early` until the client's end; say whether it came while the link was cut.

        False, too, where it says more than is kept.
        """
        while chunk := await reader.read(CLEAR_SEGMENT_BYTES):
            early += chunk
            if len(early) >= MOST_EARLY_BYTES:
                return False
        return self._link.up.is_cut

    async def _reach_hub(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the hub, from the modem's own address, once the link lets a SYN through."""
        await _passed(self._link.up)
        upstream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        upstream.setblocking(False)
        try:
            _narrow(upstream)
            if self._host.startswith("127."):
                upstream.bind((self._host, 0))
            await asyncio.get_running_loop().sock_connect(upstream, self._hub)
            return await asyncio.open_connection(sock=upstream)
        except BaseException:
            upstream.close()
            raise

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pipe: Pipe,
        early: bytes = b"",
    ) -> None:
        """Carry bytes one way until the sender's end; the end itself travels the link too."""
        flow = Flow()
        while chunk := early or await reader.read(self._link.segment_bytes):
            early = b""
            while chunk:  # the link may have narrowed since
                part, chunk = chunk[: self._link.segment_bytes], chunk[self._link.segment_bytes :]
                await pipe.send_segment(len(part), flow, _writing(writer, part))
            await writer.drain()
        await pipe.send_segment(0, flow, _writing(writer, b""))


def _writing(writer: asyncio.StreamWriter, part: bytes) -> Callable[[], None]:
    def deliver() -> None:
        if writer.is_closing():
            return
        if part:
            writer.write(part)
        elif writer.can_write_eof():
            with suppress(OSError):
                writer.write_eof()

    return deliver


async def _passed(pipe: Pipe) -> None:
    """Return once a small packet has crossed `pipe`."""
    landed = asyncio.Event()
    await pipe.send_segment(0, Flow(), landed.set)
    await landed.wait()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset, so that the peer sees a broken connection, not an end."""
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _narrow(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
