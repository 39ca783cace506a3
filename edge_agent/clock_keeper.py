"""Keeps what was learnt of the time over a restart, and dates what was stamped before it."""

import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Final

from edge_agent.journal import Journal, Row
from edge_agent.timekeeping import Learnt
from edge_agent.vehicle_clock import VehicleClock
from protocols.clock import ClockSource
from protocols.errors import StorageError
from protocols.link.streams import Stream

log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_KEEP_S: Final = 30.0
_MOVED_US: Final = 1_000_000
_KEPT: Final = "clock"
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_UNDISCIPLINED: Final = frozenset({ClockSource.RTC, ClockSource.UNSET})


class ClockKeeper:
    """A service of the agent. The steady clock is the kernel's: the same until the next boot."""

    def __init__(self, journal: Journal, clock: VehicleClock, *, boot: Path = _BOOT) -> None:
        self._journal = journal
        self._clock = clock
        self._boot = boot
        self._told: Learnt | None = None
        self._told_s = 0.0
        journal.on_append(self._appended)

    async def restore(self) -> None:
        """Take up what an earlier run learnt since this computer was started; else, when it was."""
        kept, boot = await self._journal.kept(_KEPT), self._boot_id()
        if kept is None or boot is None or self._clock.learnt is not None:
            return
        steady_us = self._clock.steady_us()
        try:
            found = json.loads(kept)
            learnt = Learnt(**{name: int(value) for name, value in found["learnt"].items()})
            is_ours = found["boot"] == boot and learnt.confirmed_us <= steady_us
        except (ValueError, TypeError, KeyError, AttributeError) as err:
            log.warning("clock.not_restored", extra={"error": type(err).__name__})
            return
        if is_ours:
            self._clock.learnt = self._told = learnt
        else:
            self._clock.not_before(learnt.offset_us + learnt.confirmed_us)

    async def run(self) -> None:
        """Keep and correct until cancelled."""
        while True:
            await self._clock.sleep(_LOOK_S)
            if self._clock.learnt is None:
                continue
            try:
                await self._correct()
                await self._keep(self._clock.learnt)
            except StorageError as err:
                log.warning("clock.not_stored", extra={"error": err.code})

    async def _correct(self) -> None:
        for correction in self._clock.corrections():
            stamp = self._clock.stamp()
            await self._journal.append(
                Stream.STATUS,
                correction,
                captured_utc_us=stamp.utc_us,
                clock=stamp.source,
                clock_error_us=stamp.error_us,
            )
            facts = {"add_us": correction.add_us, "error_us": correction.error_us}
            log.warning("clock.corrected", extra=facts)

    async def _keep(self, learnt: Learnt) -> None:
        """Keep what is learnt: at once where it moved, now and then where it was confirmed."""
        now_s, boot, told = self._clock.monotonic_s(), self._boot_id(), self._told
        is_moved = told is None or abs(told.offset_us - learnt.offset_us) > _MOVED_US
        if boot is None or (not is_moved and now_s - self._told_s < _KEEP_S):
            return
        await self._journal.keep(_KEPT, json.dumps({"boot": boot, "learnt": asdict(learnt)}))
        if is_moved:
            computer_us = self._clock.computer_us() - self._clock.steady_us()
            facts = {"from_computer_us": learnt.offset_us - computer_us}
            log.info("clock.learnt", extra=facts)
        self._told, self._told_s = learnt, now_s

    def _appended(self, row: Row) -> None:
        if row.clock in _UNDISCIPLINED and self._clock.learnt is None:
            self._clock.undated.appended(
                row.stream,
                row.seq,
                captured_utc_us=row.captured_utc_us,
                steady_us=self._clock.steady_us(),
                computer_us=self._clock.untaught_us(),
            )

    def _boot_id(self) -> str | None:
        try:
            return self._boot.read_text().strip()
        except OSError:
            return None
