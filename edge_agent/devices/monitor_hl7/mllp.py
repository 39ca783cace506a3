"""MLLP: blocks on a TCP connection. A pure framer, and the server around it.

Source: HL7 Minimal Lower Layer Protocol, release 1: <VT> message <FS> <CR>.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Final

from edge_agent.devices.reasons import Reason

log = logging.getLogger(__name__)

LARGEST_BYTES: Final = 1 << 20
MOST_CONNECTIONS: Final = 8
IDLE_S: Final = 120.0
_ANSWER_S: Final = 10.0
_CHUNK_BYTES: Final = 64 * 1024
_VT, _FS = b"\x0b", b"\x1c"


class MllpFramer:
    """Cuts a byte stream into blocks; holds at most `LARGEST_BYTES` and a chunk."""

    def __init__(self) -> None:
        self._block: bytearray | None = None  # None: between blocks
        self._noisy = False

    def feed(self, data: bytes) -> Iterator[bytes | Reason]:
        """Yield the blocks that `data` completes, and the reason for what is thrown away.

        A block that begins inside another ends it: the sender broke off. The CR after FS is not
        waited for, for some senders leave it out.
        """
        while data:
            if self._block is None:
                noise, begun, data = data.partition(_VT)
                if noise.strip(b"\r\n\0 ") and not self._noisy:
                    self._noisy = True
                    yield Reason.GARBAGE
                if begun:
                    self._block, self._noisy = bytearray(), False
                continue
            part, ended, rest = data.partition(_FS)
            head, begun_again, _ = part.partition(_VT)
            if begun_again:
                yield Reason.INCOMPLETE
                self._block = bytearray()
                data = data[len(head) + 1 :]
                continue
            self._block += part
            data = rest
            if len(self._block) > LARGEST_BYTES:
                self._block = None
                self._noisy = True  # its tail is not news
                yield Reason.TOO_LONG
                if ended:
                    self._noisy = False
            elif ended:
                yield bytes(self._block)
                self._block = None


class MllpServer:
    """Accepts monitors; `handle` gives the answer to one block, or None for no answer."""

    def __init__(  # noqa: PLR0913 -- one server, all of it said by name
        self,
        *,
        host: str,
        port: int,
        handle: Callable[[bytes], Awaitable[bytes | None]],
        reject: Callable[[Reason], None],
        count: Callable[[int], None],
        idle_s: float = IDLE_S,
    ) -> None:
        """Prepare; nothing is opened. `count` is told how many monitors are connected."""
        self.listening = asyncio.Event()
        self._host, self._port = host, port
        self._handle, self._reject, self._count = handle, reject, count
        self._idle_s = idle_s
        self._server: asyncio.Server | None = None
        self._group: asyncio.TaskGroup | None = None
        self._connections = 0

    @property
    def port(self) -> int:
        """The port that it listens on; the one asked for while it does not."""
        if self._server is not None and self._server.sockets:
            return int(self._server.sockets[0].getsockname()[1])
        return self._port

    async def run(self) -> None:
        """Serve until cancelled; every connection is closed on return.

        Raises:
            OSError: it cannot listen there.
        """
        server = await asyncio.start_server(
            self._accept, self._host, self._port, start_serving=False
        )
        try:
            async with asyncio.TaskGroup() as group:
                self._group, self._server = group, server
                await server.start_serving()
                self._port = self.port  # the same again, should it have to listen anew
                self._count(self._connections)
                self.listening.set()
                await asyncio.Event().wait()
        finally:
            self.listening.clear()
            self._server = None
            server.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._group is None or self._connections >= MOST_CONNECTIONS:
            self._reject(Reason.TOO_MANY_CONNECTIONS)
            writer.transport.abort()
            return
        self._count_by(+1)
        self._group.create_task(self._serve(reader, writer), name="mllp-connection")

    def _count_by(self, change: int) -> None:
        self._connections += change
        self._count(self._connections)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer)
        except TimeoutError:
            self._reject(Reason.IDLE)
        except OSError as err:
            log.info("monitor.connection_lost", extra={"why": type(err).__name__})
        finally:
            self._count_by(-1)
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = MllpFramer()
        while True:
            async with asyncio.timeout(self._idle_s):
                data = await reader.read(_CHUNK_BYTES)
            if not data:
                return
            for item in framer.feed(data):
                if isinstance(item, Reason):
                    self._reject(item)
                    continue
                answer = await self._handle(item)
                if answer is not None:
                    writer.write(_VT + answer + _FS + b"\r")
                    async with asyncio.timeout(_ANSWER_S):
                        await writer.drain()
