"""A GNSS receiver on its wires: a TCP server for many clients, and a pseudo-terminal."""

import asyncio
import logging
import os
import termios
import tty
from contextlib import suppress
from pathlib import Path
from typing import Final

from firmware_sim.gnss.faults import GnssFaultRequest, GnssFaults
from firmware_sim.gnss.sources import NmeaSource
from firmware_sim.witness import Witness
from protocols.clock import Clock
from protocols.errors import ConfigError

log = logging.getLogger(__name__)

MAX_UNREAD_BYTES: Final = 64 * 1024
"""A client that lets more than this pile up is disconnected: a receiver does not wait."""


class GnssReceiver:
    """Says what `source` says, to everyone who listens. A source that ends leaves it silent."""

    def __init__(  # noqa: PLR0913 -- one device, its wires named one by one
        self,
        *,
        source: NmeaSource,
        clock: Clock,
        seed: int,
        host: str = "127.0.0.1",
        port: int | None = 0,
        terminal: Path | None = None,
        witness: Witness | None = None,
    ) -> None:
        self.faults = GnssFaults(seed=seed)
        self.sentences_sent = 0
        self.finished = asyncio.Event()
        self._source = source
        self._clock = clock
        self._host, self._port = host, port
        self._terminal = terminal
        self._witness = witness
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._master_fd: int | None = None
        self._slave_fd: int | None = None

    @property
    def port(self) -> int | None:
        """The TCP port that it listens on, once started."""
        return self._server.sockets[0].getsockname()[1] if self._server else None

    @property
    def terminal_path(self) -> str | None:
        """The pseudo-terminal's device file, once started."""
        return os.ttyname(self._slave_fd) if self._slave_fd is not None else None

    async def start(self) -> None:
        """Open the wires.

        Raises:
            ConfigError: the port is in use, or the terminal's name is taken.
        """
        if self._port is not None:
            try:
                self._server = await asyncio.start_server(self._serve, self._host, self._port)
            except OSError as err:
                raise ConfigError(
                    reason="cannot listen for GNSS clients", host=self._host, port=self._port
                ) from err
        if self._terminal is not None:
            self._open_terminal(self._terminal)

    async def run(self) -> None:
        """Send sentences until the source ends, then stay connected and silent."""
        async for sentence in self._source.sentences(self._clock, self):
            self.sentences_sent += 1
            if self._witness is not None:
                self._witness.said(sentence)
            self._send(self.faults.damage(sentence, self._clock.monotonic_s()))
        self.finished.set()
        await asyncio.Event().wait()

    def break_on_purpose(self, request: GnssFaultRequest) -> None:
        """Begin the faults in `request`."""
        self.faults.apply(request, self._clock.monotonic_s())
        if request.garbage_bytes:
            self._send(self.faults.noise(request.garbage_bytes))
        if request.restart:
            for writer in list(self._clients):
                writer.transport.abort()

    async def close(self) -> None:
        """Close every wire; safe to call twice."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._clients):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None
        if self._terminal is not None and self._terminal.is_symlink():
            self._terminal.unlink()
        for descriptor in (self._master_fd, self._slave_fd):
            if descriptor is not None:
                os.close(descriptor)
        self._master_fd = self._slave_fd = None

    def status(self) -> dict[str, object]:
        """Return what the control socket reports of this device."""
        return {
            "source": self._source.label,
            "port": self.port,
            "terminal": self.terminal_path,
            "clients": len(self._clients),
            "sentences_sent": self.sentences_sent,
            "finished": self.finished.is_set(),
        }

    def has_fix(self) -> bool:
        """Say whether it has a position just now."""
        return self._clock.monotonic_s() >= self.faults.no_fix_until_s

    def told_utc_us(self, utc_us: int) -> int:
        """Return the time that it says where it is `utc_us`."""
        return self.faults.told_utc_us(utc_us, self._clock.monotonic_s())

    def _open_terminal(self, name: Path) -> None:
        self._master_fd, self._slave_fd = os.openpty()  # the slave stays open: no hang-up
        tty.setraw(self._slave_fd)
        os.set_blocking(self._master_fd, False)
        if name.is_symlink():
            name.unlink()
        try:
            name.symlink_to(os.ttyname(self._slave_fd))
        except OSError as err:
            raise ConfigError(reason="cannot make the terminal", path=str(name)) from err

    def _send(self, data: bytes) -> None:
        if not data:
            return
        for writer in list(self._clients):
            if writer.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
                log.warning("gnss.client_too_slow")
                writer.transport.abort()
            elif not writer.is_closing():
                writer.write(data)
        if self._master_fd is not None:
            self._send_to_terminal(self._master_fd, data)

    def _send_to_terminal(self, master_fd: int, data: bytes) -> None:
        try:
            os.write(master_fd, data)
        except BlockingIOError:  # nobody reads: a serial line keeps nothing for later
            if self._slave_fd is not None:
                termios.tcflush(self._slave_fd, termios.TCIFLUSH)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while await reader.read(4096):  # receivers hear commands; this one ignores them
                pass
        except OSError:
            pass
        finally:
            self._clients.discard(writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
