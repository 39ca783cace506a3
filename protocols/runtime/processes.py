"""Processes of this machine, as the kernel tells of them. Source: proc(5)."""

import contextlib
from pathlib import Path


def descendants(pid: int) -> list[tuple[int, str]]:
    """Return the processes below `pid`, the nearest first, each with its command line."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found: list[tuple[int, str]] = []
    below = [pid]
    while below:
        below = sorted(child for parent in below for child in children.get(parent, []))
        found += [(child, _command(child)) for child in below]
    return found


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    return ""
