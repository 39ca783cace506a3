"""Vital signs as evidence: what was measured last, and which limits it breaks. Pure.

A missing value is never a good one: what was measured and is not any more is UNKNOWN, and its
technical alarm is found PRESENT. How old a number may be follows how often it comes; freshness is
counted by the monotonic clock from when the reading came, so that a clock that jumps ages nothing.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, get_args

from protocols.clinical.alarms.book import NOT_MEASURED
from protocols.clinical.alarms.finding import Finding, Truth
from protocols.clinical.alarms.limits import Limit, Limits, Parameter
from protocols.messages.alarm import AlarmPriority
from protocols.messages.vitals import VitalsReading

PARAMETERS: Final[tuple[Parameter, ...]] = get_args(Parameter)

CRITICAL_DELAY_S: Final = 3.0
"""Beyond the outermost limits nobody waits longer."""

SOONEST_LOST_S: Final = 10.0
LATEST_LOST_S: Final = 60.0
_MISSED: Final = 3
"""A number that failed to come three times in a row is gone."""

SPOT_LOST_S: Final[Mapping[Parameter, float]] = {
    "systolic_mmhg": 15 * 60.0,
    "glucose_mmol_l": 60 * 60.0,
}
"""Measured now and then, and good for so long. Source: reassessment at least every 15 minutes (US
National EMS Education Standards)."""


@dataclass(frozen=True, slots=True)
class _Sign:
    value: float
    measured_s: float  # monotonic
    lost_after_s: float


class Signs:
    """The newest of each vital sign of the patient who is measured."""

    def __init__(self) -> None:
        self._signs: dict[Parameter, _Sign] = {}
        self._pulse_s: float | None = None

    def take(
        self, reading: VitalsReading, *, age_s: float, cuff_age_s: float, now_s: float
    ) -> None:
        """Take in one reading that is `age_s` old, its cuff's pressures `cuff_age_s`."""
        if reading.pulse_bpm:
            self._pulse_s = now_s - age_s
        for parameter in PARAMETERS:
            value = getattr(reading, parameter)
            if value is None and parameter == "heart_rate_bpm":
                value = reading.pulse_bpm
            if value is not None:
                aged_s = cuff_age_s if parameter == "systolic_mmhg" else age_s
                self._note(parameter, float(value), now_s - max(0.0, aged_s))

    def _note(self, parameter: Parameter, value: float, measured_s: float) -> None:
        known = self._signs.get(parameter)
        if known is not None and measured_s < known.measured_s:
            return  # an aged number that comes late
        gap_s = 0.0 if known is None else measured_s - known.measured_s
        lost_s = min(LATEST_LOST_S, max(SOONEST_LOST_S, _MISSED * gap_s))
        if known is not None:
            lost_s = max(lost_s, known.lost_after_s / 2)  # one quick one makes no habit
        self._signs[parameter] = _Sign(value, measured_s, SPOT_LOST_S.get(parameter, lost_s))

    def forget(self) -> None:
        """The patient has left: what was measured was another's."""
        self._signs.clear()
        self._pulse_s = None

    def has_pulse(self, now_s: float) -> bool:
        """Say whether the pleth counted a pulse just now."""
        return self._pulse_s is not None and now_s - self._pulse_s < SOONEST_LOST_S

    @property
    def newest_s(self) -> float | None:
        """When anything was measured last, monotonic."""
        return max((sign.measured_s for sign in self._signs.values()), default=None)

    def findings(
        self,
        limits: Limits,
        *,
        now_s: float,
        since_s: float,
        standing: AbstractSet[str],
        is_silent: bool,
    ) -> Iterator[Finding]:
        """Yield what the newest numbers say.

        `since_s`: when the looking began; nothing is lost sooner than its time after that.
        `standing`: the codes that stand, for which the way back is longer. `is_silent`: the
        monitor says nothing at all, which is said elsewhere.
        """
        for parameter, sign in self._signs.items():
            gone = f"{NOT_MEASURED}{parameter}"
            age_s = now_s - max(sign.measured_s, since_s)
            is_lost = age_s > sign.lost_after_s
            is_spot = parameter in SPOT_LOST_S
            truth = Truth.ABSENT
            if is_lost:
                truth = Truth.NEAR if is_silent or is_spot else Truth.PRESENT
            yield Finding(
                code=gone, truth=truth, nature="technical", value=sign.value, end_delay_s=0.0
            )
            yield from _of_limit(
                parameter, None if is_lost else sign.value, limits[parameter], standing
            )


def _of_limit(
    parameter: Parameter, value: float | None, limit: Limit, standing: AbstractSet[str]
) -> Iterator[Finding]:
    for side, inner, outer, sign in (
        ("low", limit.low, limit.lowest, -1),
        ("high", limit.high, limit.highest, 1),
    ):
        if inner is None:
            continue
        code = f"limit.{parameter}.{side}"
        yield Finding(
            code=code,
            truth=_truth(value, inner, sign, back=limit.back if code in standing else 0.0),
            priority=_priority(value, outer, sign),
            value=value,
            limit=_broken(value, inner, outer, sign),
            delay_s=limit.delay_s
            if _priority(value, outer, sign) is not AlarmPriority.HIGH
            else min(CRITICAL_DELAY_S, limit.delay_s),
            gone=f"{NOT_MEASURED}{parameter}",
        )


def _truth(value: float | None, limit: float, sign: int, *, back: float) -> Truth:
    if value is None:
        return Truth.UNKNOWN
    beyond = (value - limit) * sign
    if beyond > 0:
        return Truth.PRESENT
    return Truth.NEAR if beyond > -back else Truth.ABSENT


def _priority(value: float | None, outer: float | None, sign: int) -> AlarmPriority:
    is_beyond = value is not None and outer is not None and (value - outer) * sign > 0
    return AlarmPriority.HIGH if is_beyond else AlarmPriority.MEDIUM


def _broken(value: float | None, inner: float, outer: float | None, sign: int) -> float:
    is_beyond = value is not None and outer is not None and (value - outer) * sign > 0
    return outer if is_beyond and outer is not None else inner
