"""What a monitor can be made to do wrong, or to show, on demand."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, field_validator

from firmware_sim.monitor.alarms import Rhythm, flags_of
from firmware_sim.monitor.codes import METRICS
from firmware_sim.monitor.oru import Number
from firmware_sim.monitor.signals import INVALID, Samples

T = TypeVar("T", str, float)

SENTINELS: Final = ("-999", "8388607", "-99.9", "")
"""What deployed monitors send for "no value"."""


class MonitorFaultRequest(BaseModel):
    """Faults to begin now; a field left out stays as it is.

    `sentinel` metric → text sent in its place (`-999`, `8388607`, `-99.9`, ``); `values` metric →
    the number shown from now on. In both, `null` ends it. Metrics: heart_rate, pulse, spo2,
    respiratory_rate, temperature, systolic, diastolic, mean_arterial.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sentinel: dict[str, str | None] = {}
    values: dict[str, Annotated[float, Field(ge=-1000, le=1e7)] | None] = {}
    empty_pid: bool | None = None
    synonyms: bool | None = None  # other MDC codes for the same quantities
    unknown_segments: bool | None = None  # Z segments and codes that nobody knows
    leads_off: bool | None = None  # every ECG sample is the "no signal" value
    rhythm: Rhythm | Literal["own"] | None = None  # what the heart does; own: its own again
    silent_alarms: bool | None = None  # the monitor has no alarm gateway: no flags, no alerts
    measure_pressure: bool = False  # the cuff inflates now
    garbage_bytes: NonNegativeInt = 0  # noise on the wire, once, between two messages
    restart: bool = False  # drops the connection, begins its counters again

    @field_validator("sentinel", "values")
    @classmethod
    def _is_known(cls, given: dict[str, object]) -> dict[str, object]:
        unknown = sorted(set(given) - set(METRICS))
        if unknown:
            raise ValueError(f"no such metric: {', '.join(unknown)}")
        return given


@dataclass(slots=True, kw_only=True)
class MonitorFaults:
    """Faults in force; deterministic for one seed."""

    seed: int
    sentinel: dict[str, str] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    empty_pid: bool = False
    synonyms: bool = False
    unknown_segments: bool = False
    leads_off: bool = False
    rhythm: Rhythm | None = None
    silent_alarms: bool = False
    _rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    def apply(self, request: MonitorFaultRequest) -> None:
        """Take `request` into force."""
        _merge(self.sentinel, request.sentinel)
        _merge(self.values, request.values)
        for name in ("empty_pid", "synonyms", "unknown_segments", "leads_off", "silent_alarms"):
            if (asked := getattr(request, name)) is not None:
                setattr(self, name, asked)

        if request.rhythm is not None:
            self.rhythm = None if request.rhythm == "own" else request.rhythm

    @property
    def events(self) -> frozenset[str]:
        """What the monitor alarms about beside its limits."""
        said = {self.rhythm} if self.rhythm else set()
        return frozenset(said | ({"lead_off"} if self.leads_off else set()))

    def curve(self, samples: Samples, *, rate_hz: int, first: int, per_mv: float) -> Samples:
        """Return the ECG as the faults have it: off, without a beat, or fibrillating."""
        if self.leads_off:
            return np.full_like(samples, INVALID)
        if self.rhythm is None:
            return samples
        t_s = (first + np.arange(samples.shape[1])) / rate_hz
        line = 0.02 * np.sin(2 * np.pi * 0.3 * t_s)  # the baseline wanders with the breath
        if self.rhythm == "v_fib":
            line += 0.4 * np.sin(2 * np.pi * 4.7 * t_s + np.sin(2 * np.pi * 0.9 * t_s))
        return np.broadcast_to(np.rint(line * per_mv), samples.shape).astype(np.int32)

    def spoil(self, number: Number) -> Number:
        """Return `number` as the faults have it sent."""
        metric = METRICS[number.metric]
        text, code = number.text, number.code
        if (value := self.values.get(number.metric)) is not None:
            text = f"{value:.{metric.decimals}f}"
        if (sentinel := self.sentinel.get(number.metric)) is not None:
            text = sentinel
        if self.rhythm is not None and number.metric in {"heart_rate", "pulse"}:
            text = "0" if number.metric == "heart_rate" and self.rhythm == "asystole" else ""
        if self.synonyms and metric.synonyms:
            code = self._rng.choice(metric.synonyms)
        return Number(
            metric=number.metric, text=text, measured_utc_us=number.measured_utc_us,
            source=number.source, code=code,
            flags="" if self.silent_alarms else flags_of(number.metric, number_in(text)),
        )  # fmt: skip

    def extra_segments(self) -> tuple[str, ...]:
        """Return segments that no driver knows, while that fault is on."""
        if not self.unknown_segments:
            return ()
        return (
            "ZGH|1|what is this^really",
            "OBX|9001|NM|999999^MDC_NO_SUCH_THING^MDC|1.99.1.999999|42|||||||R",
            "OBX|9002|CWE|184327^MDC_ECG_STAT_RHY^MDC|1.5.1.184327|147232^MDC_ECG_SINUS_RHY^MDC",
            "NTE|1||a note",
        )

    def noise(self, size: int) -> bytes:
        """Return `size` bytes of noise, block marks among them."""
        return bytes(self._rng.choice((0x0B, 0x1C, 0x0D, 0x4D, 0xFF, 0x7C)) for _ in range(size))


def number_in(text: str) -> float | None:
    """Return the number that is shown, if one is."""
    try:
        value = float(text)
    except ValueError:
        return None
    return None if text in SENTINELS else value


def _merge(into: dict[str, T], changes: Mapping[str, T | None]) -> None:
    for name, value in changes.items():
        if value is None:
            into.pop(name, None)
        else:
            into[name] = value
