"""The monitor's own alarms: limits of its own, and events that are made to happen. Pure.

An alarm is told when it begins, every ten seconds while it lasts, and when it ends, as monitors
with an alert gateway do. The limits are a usual factory setting; they are not those of the vehicle.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

EVERY_S: Final = 10.0

Phase = Literal["start", "continue", "end"]
Rhythm = Literal["asystole", "v_fib"]

LIMITS: Final = MappingProxyType({
    "heart_rate": (50.0, 120.0), "spo2": (90.0, 101.0), "respiratory_rate": (8.0, 30.0),
    "systolic": (90.0, 160.0), "temperature": (35.0, 39.0),
})  # fmt: skip
EVENTS: Final = MappingProxyType({
    "asystole": ("MDC_EVT_ECG_ASYSTOLE", "PH", "SP", "*** ASYSTOLE"),
    "v_fib": ("MDC_EVT_ECG_V_FIB", "PH", "SP", "*** V-FIB"),
    "lead_off": ("MDC_EVT_LEAD_OFF", "PL", "ST", "ECG LEADS OFF"),
})  # fmt: skip
"""Event: its reference id, priority, kind, and the words on the monitor's screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One message about one alarm. `metric`: of a limit, with `value`; else `event`."""

    phase: Phase
    event: str | None = None
    metric: str | None = None
    value: float | None = None


def flags_of(metric: str, value: float | None) -> str:
    """Return OBX-8 of a number: empty where it is within the monitor's limits."""
    side = _side(metric, value)
    return f"{side}~PM~SP" if side else ""


class OwnAlarms:
    """Which alarms are up, and when each was last told."""

    def __init__(self) -> None:
        self._told_s: dict[tuple[str, str], float] = {}

    def restart(self) -> None:
        """Forget all: the monitor was switched off."""
        self._told_s.clear()

    def look(
        self, values: Mapping[str, float | None], events: frozenset[str], *, now_s: float
    ) -> Iterator[Alert]:
        """Yield what is to be told now."""
        up = {("event", event): None for event in sorted(events)} | {
            (metric, side): value
            for metric, value in values.items()
            if (side := _side(metric, value))
        }
        for key in [key for key in self._told_s if key not in up]:
            del self._told_s[key]
            yield _alert(key, "end", values.get(key[0]))
        for key, value in up.items():
            told_s = self._told_s.get(key)
            if told_s is None or now_s - told_s >= EVERY_S:
                self._told_s[key] = now_s
                yield _alert(key, "start" if told_s is None else "continue", value)


def _alert(key: tuple[str, str], phase: Phase, value: float | None) -> Alert:
    if key[0] == "event":
        return Alert(phase=phase, event=key[1])
    return Alert(phase=phase, metric=key[0], value=value)


def _side(metric: str, value: float | None) -> str:
    low, high = LIMITS.get(metric, (None, None))
    if value is None or low is None or high is None:
        return ""
    return "L" if value < low else "H" if value > high else ""
