"""What one driver has heard: its counters, its state, and the log of its changes.

State, the first that holds: `disconnected` (no wire), `fault` (the wire cannot be opened, the
journal refuses, or for 5 s only what cannot be understood), `silent` (nothing for 5 s), `no-fix`
(a receiver without a position), `ok`.
"""

import logging
from collections import Counter
from typing import Final, Literal

from edge_agent.devices.driver import Record
from edge_agent.devices.reasons import Reason
from edge_agent.vehicle_clock import Stamp
from protocols.clock import Clock
from protocols.errors import JournalFullError, StorageError
from protocols.link.streams import Stream
from protocols.messages import DeviceHealth, Message

log = logging.getLogger(__name__)

State = Literal["ok", "silent", "no-fix", "fault", "disconnected"]

SILENT_AFTER_S: Final = 5.0
_WATCH_EVERY_S: Final = 1.0


class Hearing:
    """One driver's account of its device; `name` is at most 40 characters."""

    def __init__(self, *, name: str, clock: Clock, record: Record) -> None:
        self.connected = False
        self.broken = False  # the wire cannot be had at all, as a port that is taken
        self.has_fix = True  # only a receiver ever denies it
        self._name = name[:40]
        self._clock = clock
        self._record = record
        self._heard = 0
        self._rejected: Counter[Reason] = Counter()
        self._last_heard_utc_us: int | None = None
        self._last_heard_s: float | None = None
        self._last_noise_s: float | None = None
        self._refused = False

    def heard(self) -> None:
        """Count one whole sentence or message."""
        self._heard += 1
        self._last_heard_utc_us = max(0, self._clock.utc_us())
        self._last_heard_s = self._clock.monotonic_s()

    def noise(self) -> None:
        """Note that bytes came; alone they make no sense, and prove that the wire is alive."""
        self._last_noise_s = self._clock.monotonic_s()

    def reject(self, reason: Reason, count: int = 1) -> None:
        """Count something that was heard and could not be used."""
        if count > 0:
            self._rejected[reason] += count

    @property
    def rejected(self) -> dict[str, int]:
        """How often each reason was met."""
        return {reason.value: count for reason, count in sorted(self._rejected.items())}

    async def store(
        self,
        stream: Stream,
        message: Message,
        stamp: Stamp,
        captured_utc_us: int | None = None,
        *,
        fact: tuple[str, str] | None = None,
    ) -> bool:
        """Return True once `message` is durable; False, counted, if the journal refused it."""
        try:
            await self._record(
                stream,
                message,
                captured_utc_us=stamp.utc_us if captured_utc_us is None else captured_utc_us,
                clock=stamp.source,
                clock_error_us=stamp.error_us,
                fact=fact,
            )
        except StorageError as err:
            full = isinstance(err, JournalFullError)
            self.reject(Reason.JOURNAL_FULL if full else Reason.NOT_STORED)
            if not self._refused:
                log.warning("device.not_stored", extra={"device": self._name, "code": err.code})
            self._refused = True
            return False
        if self._refused:
            log.info("device.stored_again", extra={"device": self._name})
        self._refused = False
        return True

    def state(self) -> State:
        """Return the device's state now."""
        if self.broken:
            return "fault"
        if not self.connected:
            return "disconnected"
        if self._refused:
            return "fault"
        if not self._within(self._last_heard_s):
            return "fault" if self._within(self._last_noise_s) else "silent"
        return "ok" if self.has_fix else "no-fix"

    def health(self) -> DeviceHealth:
        """Return the account for the hub and the tablet."""
        return DeviceHealth(
            name=self._name,
            state=self.state(),
            heard=self._heard,
            rejected=self.rejected,
            last_heard_utc_us=self._last_heard_utc_us,
        )

    async def watch(self) -> None:
        """Log each change of state, with how long the one before lasted, until cancelled."""
        before, since_s = self.state(), self._clock.monotonic_s()
        while True:
            await self._clock.sleep(_WATCH_EVERY_S)
            now = self.state()
            if now == before:
                continue
            level = logging.INFO if now == "ok" else logging.WARNING
            facts = {
                "device": self._name,
                "state": now,
                "before": before,
                "after_s": round(self._clock.monotonic_s() - since_s, 1),
            }
            log.log(level, "device.state", extra=facts)
            before, since_s = now, self._clock.monotonic_s()

    def _within(self, at_s: float | None) -> bool:
        return at_s is not None and self._clock.monotonic_s() - at_s < SILENT_AFTER_S
