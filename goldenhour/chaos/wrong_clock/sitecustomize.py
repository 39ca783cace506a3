# ruff: noqa: INP001, TID251 -- Python looks for it by this name; it is what makes the clock wrong
"""Makes one program's clock wrong: loaded by Python itself where this folder is on PYTHONPATH.

The file named by `GOLDENHOUR_CHAOS_CLOCK` says by how many seconds; it is looked at now and then,
so that the clock jumps while the program runs. The monotonic clock goes on as it was.
"""

import contextlib
import os
import time
from pathlib import Path

_LOOK_S = 0.25
_FILE = Path(os.environ["GOLDENHOUR_CHAOS_CLOCK"])
_right_time_ns = time.time_ns


class _Wrong:
    looked_s = 0.0
    by_ns = 0

    def time_ns(self) -> int:
        now_s = time.monotonic()
        if now_s - self.looked_s >= _LOOK_S:
            self.looked_s = now_s
            with contextlib.suppress(OSError, ValueError):  # being written just now
                self.by_ns = round(float(_FILE.read_text()) * 1e9)
        return _right_time_ns() + self.by_ns

    def time(self) -> float:
        return self.time_ns() / 1e9


_wrong = _Wrong()
time.time_ns = _wrong.time_ns
time.time = _wrong.time
