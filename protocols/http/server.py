"""The HTTP server (uvicorn) as a service that ends when it is cancelled."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI

from protocols.errors import ConfigError
from protocols.runtime.cancel import to_the_end

_GRACE_S: Final = 3
_MAX_WS_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """PEM files of an HTTPS listener."""

    certificate: Path
    key: Path


class HttpServer:
    """Listens from its making on, so that the port is known; serves while `run` runs."""

    def __init__(self, *, host: str, port: int, tls: CertificateFiles | None = None) -> None:
        """Listen on `host`, or raise ConfigError; port 0 lets the system choose."""
        self._tls = tls
        self._host = host
        self._socket: socket.socket | None = _listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._ready = asyncio.Event()

    async def wait_ready(self) -> None:
        """Return when it serves."""
        await self._ready.wait()

    def close(self) -> None:
        """Give the port back, if it was never served."""
        if self._socket is not None:
            self._socket.close()

    async def run(self, app: FastAPI) -> None:
        """Serve `app` until cancelled; every connection is closed when this returns.

        Raises:
            ConfigError: somebody else has taken the port.
        """
        listener, self._socket = self._socket or _listen(self._host, self.port), None
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="websockets-sansio",
                ws_max_size=_MAX_WS_BYTES,
                ws_ping_interval=10.0,
                ws_ping_timeout=15.0,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
                ssl_certfile=str(self._tls.certificate) if self._tls else None,
                ssl_keyfile=str(self._tls.key) if self._tls else None,
            ),
            self._ready,
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="http.serve")
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            await to_the_end(asyncio.wait({serving}))
            self._ready.clear()


class _Server(uvicorn.Server):
    """Leaves signals to the program, and says when it serves."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(256)
    except OSError as err:
        listener.close()
        raise ConfigError(
            reason="cannot listen",
            address=f"{host}:{port}",
            detail=err.strerror or str(err),
        ) from err
    return listener


def is_loopback(host: str) -> bool:
    """Say whether `host` can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
