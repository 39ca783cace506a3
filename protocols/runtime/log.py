"""JSON-lines logs on standard error: one dotted event and its facts a line.

Log changes, not states. Never names, free text, images or positions of a patient: ids only. As a
last guard, fields whose names say that they are secret are masked, and of an exception only its
type and place are written.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Final, TextIO

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_MOST_CAUSES: Final = 8
_MOST_FRAMES: Final = 12
_SECRET: Final = ("password", "token", "secret", "pin", "authorization", "cookie", "private_key")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `at`, `level`, `logger`, `event`, then the record's facts."""

    def __init__(self, *, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its line end."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "program": self._program,
            "logger": record.name,
            "event": record.getMessage(),
        }
        for key, value in vars(record).items():
            if key not in _STANDARD:
                line[key] = "***" if any(word in key.lower() for word in _SECRET) else value
        if record.exc_info:
            line["exception"] = _exception(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def _exception(err: BaseException | None) -> list[str]:
    """Return what was raised and where, and what it came from.

    Never what it says: a library's words may hold a part of what it was given, of a patient too.
    """
    lines: list[str] = []
    waiting = [err]
    while waiting and len(lines) < _MOST_CAUSES:
        err = waiting.pop()
        if err is None:
            continue
        frames = traceback.extract_tb(err.__traceback__)[-_MOST_FRAMES:]
        places = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
        lines.append(f"{type(err).__module__}.{type(err).__qualname__} at {places}")
        waiting.append(err.__cause__ or err.__context__)
        if isinstance(err, BaseExceptionGroup):
            waiting.extend(err.exceptions[:_MOST_CAUSES])
    return lines


def set_up_logging(*, program: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every logger's lines from `level` up to `stream` (standard error) as JSON."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(program=program))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in (
        "gmqtt",
        "httpx",
        "httpx2",
        "httpcore",
        "httpcore2",
        "aiortc",
        "aioice",
        "uvicorn",
    ):
        logging.getLogger(chatty).setLevel(logging.WARNING)
