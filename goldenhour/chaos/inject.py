"""Each fault as it is done to the running city."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from goldenhour.chaos.city import ChaosCity
from goldenhour.chaos.plan import LINK, RECEIVER, Fault
from protocols.errors import ConfigError

_PARTS: Final = {
    "kill-broker": ("nats-server", signal.SIGKILL),
    "kill-database": ("postgres", signal.SIGKILL),
    "kill-media": ("media", signal.SIGKILL),
    "kill-ingest": ("hub.ingest", signal.SIGKILL),
    # Source: PostgreSQL, "Shutting Down the Server": SIGINT is the fast shutdown
    "database-restart": ("postgres", signal.SIGINT),
}


_COLD_START_S: Final = 6.0
"""Longer than an agent takes to start: it takes records before it knows the time."""


async def inject(city: ChaosCity, fault: Fault) -> None:
    """Do `fault` and undo it after its time."""
    if fault.kind in _PARTS:
        _signal_part(city, *_PARTS[fault.kind])
    else:
        await _DONE_BY[fault.kind](city, fault.unit or "", fault)


def _signal_part(city: ChaosCity, word: str, number: signal.Signals) -> None:
    if pid := city.part(word):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


async def _kill_agent(city: ChaosCity, unit: str, _fault: Fault) -> None:
    await city.kill(f"agent-{unit}")


async def _kill_hub(city: ChaosCity, _unit: str, _fault: Fault) -> None:
    await city.kill("hub")


async def _lose_broker_store(city: ChaosCity, _unit: str, _fault: Fault) -> None:
    async with city.stopped("hub"):
        shutil.rmtree(_broker_store(city), ignore_errors=True)


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


async def _fill_disk(city: ChaosCity, unit: str, fault: Fault) -> None:
    ballast = city.journal(unit).with_name("ballast")
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        block = bytes(2**16)
        while file.write(block):
            pass
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while file.write(b"\0" * 512):
            pass
    await asyncio.sleep(fault.lasts_s)
    ballast.unlink(missing_ok=True)


async def _jump_clock(city: ChaosCity, unit: str, fault: Fault) -> None:
    """Set the computer's clock wrong; on the vehicle the GNSS receiver tells better."""
    city.clock_file(unit).write_text(str(fault.amount or -city.start.clock.utc_us() / 1e6))
    await asyncio.sleep(fault.lasts_s)
    city.clock_file(unit).write_text("0")


async def _mislead(city: ChaosCity, unit: str, fault: Fault) -> None:
    """Have the vehicle's receiver tell a wrong time, or none."""
    changes: dict[str, dict[str, object]] = {
        "gnss-rollover": {"time_off_s": fault.amount},
        "gnss-lie": {"time_off_s": fault.amount},
        "gnss-repeats": {"repeat_s": fault.lasts_s},
        "no-fix": {"no_fix_s": fault.lasts_s},
    }
    await city.ask(unit, "gnss", **changes[fault.kind])
    await asyncio.sleep(fault.lasts_s)
    await city.ask(unit, "gnss", time_off_s=0.0)


async def _boot_in_1970(city: ChaosCity, unit: str, fault: Fault) -> None:
    """Start the vehicle's computer anew: its clock was never set, its receiver has no fix yet.

    The steady clock of this machine goes on, so what the agent learnt is said to be another boot's.
    """
    async with city.stopped(f"agent-{unit}", kill=True):
        with contextlib.suppress(sqlite3.Error), _opened(city.journal(unit)) as file, file:
            file.execute(
                "UPDATE kept SET value = json_set(value, '$.boot', 'before') WHERE name = 'clock'"
            )
        city.clock_file(unit).write_text(str(-city.start.clock.utc_us() / 1e6))
        await city.ask(unit, "gnss", no_fix_s=_COLD_START_S + fault.lasts_s)
    await asyncio.sleep(_COLD_START_S + fault.lasts_s)
    city.clock_file(unit).write_text("0")


def _opened(journal: Path) -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(journal, timeout=5))


async def _cut_journal(city: ChaosCity, unit: str, fault: Fault) -> None:
    """Cut a file off; only once the vehicle has found the last cut, for two at once are two faults.

    What stands in two files is lost where both are damaged before the next start.
    """
    await city.is_up(unit)
    async with city.stopped(f"agent-{unit}", kill=True):
        _truncate(city.journal(unit), fault)


def _truncate(journal: Path, fault: Fault) -> None:
    """Cut the journal, its tail, or the log of either off at any byte."""
    endings = ("", "-wal", "-tail", "-tail-wal")
    files = [journal.with_name(journal.name + ending) for ending in endings]
    rng = random.Random(fault.number)  # noqa: S311 -- to be repeated
    chosen = rng.choice([file for file in files if file.exists()])
    with chosen.open("r+b") as file:
        file.truncate(round(chosen.stat().st_size * fault.amount))


def _broker_store(city: ChaosCity) -> Path:
    return next(iter(city.start.folder.hub.rglob("jetstream")), Path("/nonexistent"))


_DONE_BY: Final[dict[str, Callable[[ChaosCity, str, Fault], Awaitable[None]]]] = {
    "kill-agent": _kill_agent,
    "kill-hub": _kill_hub,
    "broker-store": _lose_broker_store,
    "disk-full": _fill_disk,
    "clock-jump": _jump_clock,
    "boot-1970": _boot_in_1970,
    "journal-truncated": _cut_journal,
    **dict.fromkeys(LINK, _spoil_link),
    **dict.fromkeys(RECEIVER, _mislead),
}
