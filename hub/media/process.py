"""The media process as the hub sees it: started, known to be healthy, stopped."""

import asyncio
import contextlib
import logging
import secrets
import sys
from typing import Final

from pydantic import SecretStr, ValidationError

from hub.media.client import MediaClient
from hub.media.settings import MediaSettings
from hub.media.wire import ProcessConfig, Ready
from protocols.errors import EXIT_CONFIG, ConfigError, MediaError
from protocols.runtime.cancel import to_the_end

log = logging.getLogger(__name__)

_START_TIMEOUT_S: Final = 30.0
_STOP_TIMEOUT_S: Final = 8.0


class MediaProcess:
    """Runs `python -m hub.media`. `run` is a service: it raises when the process ends by itself.

    `client` may be used at any time; while the process is away it raises `MediaDownError`.
    """

    def __init__(self, settings: MediaSettings, *, log_level: str = "INFO") -> None:
        token = secrets.token_urlsafe(32)
        self.client = MediaClient(token=token)
        self._config = ProcessConfig(settings=settings, token=SecretStr(token), log_level=log_level)
        self._healthy = asyncio.Event()
        self._pid: int | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._pid

    @property
    def is_healthy(self) -> bool:
        """It has started and has not ended."""
        return self._healthy.is_set()

    async def wait_healthy(self) -> None:
        """Return when the process answers."""
        await self._healthy.wait()

    async def run(self) -> None:
        """Keep one process until cancelled; it has ended when this returns or raises.

        Raises:
            ConfigError: its settings are impossible.
            MediaError: it ended by itself.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hub.media",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._pid = process.pid
        try:
            await self._greet(process)
            log.info("media.up", extra={"pid": process.pid})
            status = await process.wait()
            raise MediaError(reason="the media process ended", status=status)
        finally:
            self._healthy.clear()
            self.client.at(None)
            self._pid = None
            await to_the_end(_stop(process))

    async def close(self) -> None:
        """Close the client's connections; after `run` has ended."""
        await self.client.close()

    async def _greet(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise MediaError(reason="no pipes to the media process")
        with contextlib.suppress(ConnectionError):  # it has ended; its status says why
            process.stdin.write(self._config.model_dump_json().encode() + b"\n")
            await process.stdin.drain()
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                line = await process.stdout.readline()
                if not line:
                    status = await process.wait()
                    if status == EXIT_CONFIG:
                        raise ConfigError(reason="media settings are impossible")
                    raise MediaError(reason="the media process did not start", status=status)
                self.client.at(Ready.model_validate_json(line).port)
                await self.client.counts()
        except (TimeoutError, ValidationError) as err:
            raise MediaError(reason="the media process did not announce itself") from err
        self._healthy.set()


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask the process to end by closing its input; end it if it does not."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
