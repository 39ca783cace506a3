"""JSON-lines logs on standard error: one dotted event and its facts a line.

Log changes, not states. Never names, free text, images or positions of a patient: ids only. As a
last guard, fields whose names say that they are secret are masked.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, TextIO

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
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
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


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
