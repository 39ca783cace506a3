"""The control socket of a running simulator: change its link, break its devices, ask how it is.

`<run_dir>/sim-<unit>.sock`, one JSON object a line each way. Requests: `{"op": "status"}`, and
`link`, `monitor`, `gnss`, `camera` with the fields of `LinkChange`, `MonitorFaultRequest`,
`GnssFaultRequest`, `CameraFaultRequest`. Answers: `{"ok": true, "status": {…}}` or `{"ok": false,
"error": "…"}`. Whoever can open the socket's file may use it; it is the owner's alone.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from protocols.errors import ConfigError, FleetError

MAX_LINE_BYTES: Final = 64 * 1024
ANSWER_TIMEOUT_S: Final = 5.0

Handler = Callable[[dict[str, Any]], Awaitable[None]]


def handler_of(model: type[BaseModel], act: Callable[[Any], Awaitable[None] | None]) -> Handler:
    """Return a handler that reads a request as `model` and gives it to `act`."""

    async def handle(fields: dict[str, Any]) -> None:
        outcome = act(model.model_validate(fields))
        if outcome is not None:
            await outcome

    return handle


@contextlib.asynccontextmanager
async def controllable(
    *,
    run_dir: Path,
    unit: str,
    handlers: Mapping[str, Handler],
    status: Callable[[], dict[str, object]],
) -> AsyncIterator[Path]:
    """Listen for requests while the block runs; yields the socket's path.

    Raises:
        ConfigError: the folder cannot be used, or a running simulator has that unit already.
    """
    path = _free_path(run_dir, unit)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                answer = await _act(line, handlers, status)
                writer.write(json.dumps(answer, default=str).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):  # gone, or a line beyond the limit
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    with _short(path) as name:
        try:
            server = await asyncio.start_unix_server(serve, name, limit=MAX_LINE_BYTES)
            Path(name).chmod(0o600)  # noqa: ASYNC240 -- a socket's own entry, at once
        except OSError as err:
            raise ConfigError(reason="cannot make the control socket", path=str(path)) from err
    try:
        yield path
    finally:
        server.close()
        await server.wait_closed()
        path.unlink(missing_ok=True)


def request(run_dir: Path, unit: str, op: str, fields: Mapping[str, object]) -> dict[str, Any]:
    """Send one request to the running simulator of `unit` and return its status after it.

    Raises:
        ConfigError: no simulator of that unit runs there, or it refused; says what it said.
    """
    path = socket_path(run_dir, unit)
    try:
        with _short(path) as name, socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_TIMEOUT_S)
            connection.connect(name)
            connection.sendall(json.dumps({"op": op, **fields}).encode() + b"\n")
            with connection.makefile("rb") as answers:
                answer = json.loads(answers.readline(1024 * 1024) or b"{}")
    except (OSError, ValueError) as err:
        raise ConfigError(
            reason="no simulator of this unit answers", unit=unit, socket=str(path)
        ) from err
    if not answer.get("ok"):
        raise ConfigError(reason=str(answer.get("error", "the simulator gave no answer")))
    status: dict[str, Any] = answer["status"]
    return status


def socket_path(run_dir: Path, unit: str) -> Path:
    """Return where the simulator of `unit` listens."""
    return run_dir / f"sim-{unit}.sock"


async def _act(
    line: bytes, handlers: Mapping[str, Handler], status: Callable[[], dict[str, object]]
) -> dict[str, object]:
    try:
        fields = json.loads(line)
        op = fields.pop("op")
        if op != "status":
            await handlers[op](fields)
    except ValidationError as err:
        first = err.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return {"ok": False, "error": f"{where}: {first['msg']}"}
    except FleetError as err:
        return {"ok": False, "error": str(err)}
    except KeyError as err:
        return {"ok": False, "error": f"no such operation or device here: {err}"}
    except (ValueError, AttributeError, TypeError):
        return {"ok": False, "error": "not a JSON object with an `op`"}
    return {"ok": True, "status": status()}


def _free_path(run_dir: Path, unit: str) -> Path:
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        path = socket_path(run_dir, unit)
        if _answers(path):
            raise ConfigError(reason="a simulator of this unit runs already", unit=unit)
        path.unlink(missing_ok=True)
    except OSError as err:
        raise ConfigError(reason="cannot use the run folder", path=str(run_dir)) from err
    return path


def _answers(path: Path) -> bool:
    try:
        with _short(path) as name, socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1.0)
            probe.connect(name)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield a name of `path` that fits a socket address (108 bytes), however deep its folder."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
