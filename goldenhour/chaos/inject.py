"""Each fault as it is done to the running city."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
from pathlib import Path
from typing import Final

from goldenhour.chaos.city import ChaosCity
from goldenhour.chaos.plan import LINK, Fault
from protocols.errors import ConfigError

_PARTS: Final = {
    "kill-broker": ("nats-server", signal.SIGKILL),
    "kill-database": ("postgres", signal.SIGKILL),
    "kill-media": ("media", signal.SIGKILL),
    "kill-ingest": ("hub.ingest", signal.SIGKILL),
    # Source: PostgreSQL, "Shutting Down the Server": SIGINT is the fast shutdown
    "database-restart": ("postgres", signal.SIGINT),
}


async def inject(city: ChaosCity, fault: Fault) -> None:
    """Do `fault` and undo it after its time."""
    unit = fault.unit or ""
    if fault.kind in LINK:
        await _spoil_link(city, unit, fault)
    elif fault.kind in _PARTS:
        word, number = _PARTS[fault.kind]
        if pid := city.part(word):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
    elif fault.kind == "kill-agent":
        await city.kill(f"agent-{unit}")
    elif fault.kind == "kill-hub":
        await city.kill("hub")
    elif fault.kind == "broker-store":
        async with city.stopped("hub"):
            shutil.rmtree(_broker_store(city), ignore_errors=True)
    elif fault.kind == "disk-full":
        await _fill_disk(city, unit, fault.lasts_s)
    elif fault.kind == "clock-jump":
        await _jump_clock(city, unit, fault)
    elif fault.kind == "journal-truncated":
        async with city.stopped(f"agent-{unit}", kill=True):
            _truncate(city.journal(unit), fault)


async def _spoil_link(city: ChaosCity, unit: str, fault: Fault) -> None:
    changes: dict[str, dict[str, object]] = {
        "cut": {"cut_s": 0},
        "reset": {"cut_s": 0, "reset": True},
        "thin": {"rate_bps": fault.amount},
        "lossy": {"loss_pct": fault.amount},
        "laggy": {"delay_ms": fault.amount, "jitter_ms": fault.amount / 4},
    }
    with contextlib.suppress(ConfigError):  # the last change may still be under way
        await city.ask(unit, "link", **changes[fault.kind])
    await asyncio.sleep(fault.lasts_s)
    with contextlib.suppress(ConfigError):
        await city.ask(unit, "link", restore=True)


async def _fill_disk(city: ChaosCity, unit: str, lasts_s: float) -> None:
    ballast = city.journal(unit).with_name("ballast")
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        block = bytes(2**16)
        while file.write(block):
            pass
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while file.write(b"\0" * 512):
            pass
    await asyncio.sleep(lasts_s)
    ballast.unlink(missing_ok=True)


async def _jump_clock(city: ChaosCity, unit: str, fault: Fault) -> None:
    """Set the computer's clock wrong; on the vehicle the GNSS receiver tells better."""
    city.clock_file(unit).write_text(str(fault.amount or -city.start.clock.utc_us() / 1e6))
    await asyncio.sleep(fault.lasts_s)
    city.clock_file(unit).write_text("0")


def _truncate(journal: Path, fault: Fault) -> None:
    """Cut the journal or its log off at any byte."""
    files = [journal, journal.with_name(journal.name + "-wal")]
    rng = random.Random(fault.number)  # noqa: S311 -- to be repeated
    chosen = rng.choice([file for file in files if file.exists()])
    with chosen.open("r+b") as file:
        file.truncate(round(chosen.stat().st_size * fault.amount))


def _broker_store(city: ChaosCity) -> Path:
    return next(iter(city.start.folder.hub.rglob("jetstream")), Path("/nonexistent"))
