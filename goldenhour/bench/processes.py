"""What a program and those that it started use: processor time and resident memory, from /proc.

Source: proc(5), stat and smaps_rollup. Memory that several share is divided among them (Pss), or a
database's buffers would count once for each of its processes.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_CPU_FIELDS: Final = slice(11, 13)  # user and system time, after the name
_PARENT_FIELD: Final = 1
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Use:
    """What a group of processes has used and holds."""

    cpu_s: float = 0.0
    resident_bytes: int = 0

    def __add__(self, other: "Use") -> "Use":
        return Use(self.cpu_s + other.cpu_s, self.resident_bytes + other.resident_bytes)


def used(root: int, group_of: Callable[[str], str]) -> dict[str, Use]:
    """Return what `root` and its descendants use, by group; `group_of` is given a command line.

    A process that ends meanwhile is left out.
    """
    found: dict[str, Use] = {}
    for pid in descendants(root):
        with contextlib.suppress(OSError, IndexError, ValueError):
            group = group_of(command_of(pid))
            found[group] = found.get(group, Use()) + _use_of(pid)
    return found


def descendants(root: int) -> Iterator[int]:
    """Yield `root` and whatever it has started, and these have."""
    children: dict[int, list[int]] = {}
    for stat in _PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            children.setdefault(int(_fields(stat)[_PARENT_FIELD]), []).append(int(stat.parent.name))
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting.extend(children.get(pid, ()))


def command_of(pid: int) -> str:
    """Return a process's command line."""
    words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    return " ".join(word.decode(errors="replace") for word in words if word)


def growth(samples: Mapping[float, float]) -> float:
    """Return how fast `samples` (value by time) rise: the slope of the line that fits them best.

    Fewer than two have no slope: 0.
    """
    count = len(samples)
    mean_at, mean = sum(samples) / max(1, count), sum(samples.values()) / max(1, count)
    spread = sum((at - mean_at) ** 2 for at in samples)
    if not spread:
        return 0.0
    return sum((at - mean_at) * (value - mean) for at, value in samples.items()) / spread


def _use_of(pid: int) -> Use:
    user, system = _fields(_PROC / str(pid) / "stat")[_CPU_FIELDS]
    held = (_PROC / str(pid) / "smaps_rollup").read_text()
    shares = [line for line in held.splitlines() if line.startswith("Pss:")]
    resident_bytes = sum(int(line.split()[1]) * 1024 for line in shares)
    return Use((int(user) + int(system)) / _TICKS_PER_S, resident_bytes)


def _fields(stat: Path) -> list[str]:
    """Return the fields of a `stat` file that follow the name."""
    return stat.read_text().rpartition(")")[2].split()
