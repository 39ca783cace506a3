"""The monitor's own alarms as evidence. Pure.

The monitor is believed in what it says and in when it says that it is over. Its limit alarms stand
under the same code as the agent's own of that limit, so that one matter is one alarm. Where it
falls silent, what it had said is unknown, and the monitor's silence takes its place.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from protocols.clinical.alarms.finding import Finding, Truth
from protocols.clinical.alarms.technical import MONITOR_SILENT
from protocols.messages.alarm import AlarmPriority

MOST_OWN: Final = 32
"""More alarms at once no monitor has; one that says more is counted and not followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAlarm:
    """What a device says of one alarm of its own. `is_over`: it has ended."""

    code: str
    priority: AlarmPriority
    nature: Literal["physiological", "technical"] = "physiological"
    is_over: bool = False
    latches: bool = False
    value: float | None = None
    limit: float | None = None
    text: str | None = None


class DeviceAlarms:
    """What the monitor has said and not taken back."""

    def __init__(self) -> None:
        self._said: dict[str, DeviceAlarm] = {}

    def take(self, alarms: Iterable[DeviceAlarm]) -> int:
        """Take in what was said; return how many were too many to follow."""
        too_many = 0
        for alarm in alarms:
            if alarm.code not in self._said and (alarm.is_over or len(self._said) >= MOST_OWN):
                too_many += not alarm.is_over
                continue
            self._said[alarm.code] = alarm
        return too_many

    def forget(self) -> None:
        """The patient has left."""
        self._said.clear()

    def findings(self, *, is_silent: bool, standing: Iterable[str]) -> Iterator[Finding]:
        """Yield what the monitor says; what is over and stands no more is forgotten."""
        up = set(standing)
        for code, alarm in list(self._said.items()):
            if alarm.is_over and code not in up:
                del self._said[code]
            truth = Truth.ABSENT if alarm.is_over else Truth.PRESENT
            yield Finding(
                code=code,
                truth=Truth.UNKNOWN if is_silent and not alarm.is_over else truth,
                priority=alarm.priority,
                nature=alarm.nature,
                origin="monitor",
                value=alarm.value,
                limit=alarm.limit,
                text=alarm.text,
                end_delay_s=0.0,
                latches=alarm.latches,
                gone=MONITOR_SILENT,
            )
