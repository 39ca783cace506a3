"""A captured NMEA log at its own pace. Pure: says what to send and how long to wait before it.

`#` lines are notes of whoever made the log and are not sent. Time is what RMC and GGA sentences
say, checked or not; every other line goes out with the sentences that it stood beside.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

_TIMED: Final = re.compile(rb"^\$[A-Z]{2}(?:RMC|GGA),(\d\d)(\d\d)(\d\d(?:\.\d+)?)[,*]")
_DAY_S: Final = 86_400.0
MAX_STEP_S: Final = 60.0
"""A longer hole in the log's time (or a step back, as after a cold start) is not waited for."""


def paced(lines: Iterable[bytes], *, factor: float = 1.0) -> Iterator[tuple[float, bytes]]:
    """Yield `(wait_s, line)` for each line of a log; `line` ends in CR LF.

    `wait_s` passes before the line is sent. `factor` 2 plays at double speed. The lines that stand
    before the first time are due at once.
    """
    now_s: float | None = None
    for raw in lines:
        line = raw.rstrip(b"\r\n")
        if not line or line.startswith(b"#"):
            continue
        at_s = time_of(line)
        wait_s = 0.0
        if at_s is not None:
            if now_s is not None:
                wait_s = _step_s(now_s, at_s) / factor
            now_s = at_s
        yield wait_s, line + b"\r\n"


def time_of(line: bytes) -> float | None:
    """Return the seconds of the day that an RMC or GGA sentence says, or None."""
    match = _TIMED.match(line)
    if match is None:
        return None
    hours, minutes, seconds = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _step_s(before_s: float, after_s: float) -> float:
    step_s = (after_s - before_s) % _DAY_S
    return step_s if step_s <= MAX_STEP_S else 0.0
