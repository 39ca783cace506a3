"""What machine the figures were measured on."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Return processor, cores, memory, system and Python in one short line."""
    cpu = _field(Path("/proc/cpuinfo"), "model name") or platform.processor() or "unknown processor"
    kib = (_field(Path("/proc/meminfo"), "MemTotal") or "0").split()[0]
    return (
        f"{cpu}, {os.cpu_count()} cores, {int(kib) / 2**20:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def _field(path: Path, name: str) -> str | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), None)
