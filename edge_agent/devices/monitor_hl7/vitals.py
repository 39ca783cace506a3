"""Numbers of a message as vital signs. Pure.

Law: a value is taken as it was sent, its unit converted, or not at all; whatever is left out is
counted with its reason. Two sources of one quantity are never mixed: of synonyms the least rank
wins, and an arterial line's pressures displace the cuff's.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edge_agent.devices.monitor_hl7.codes import (
    BY_CODE,
    BY_NAME,
    PLAIN,
    UNITS,
    UNUSED,
    WAVES,
    Meaning,
    Pressure,
    Quantity,
    Unit,
)
from edge_agent.devices.monitor_hl7.oru import Code, Observation, OruMessage
from edge_agent.devices.monitor_hl7.sources import Sources
from edge_agent.devices.reasons import Reason

AGED_US: Final = 60_000_000
"""A number older than this (a spot thermometer's, a glucose meter's) is a reading of its own."""

SENTINELS: Final = frozenset({
    -999.0, -99.9, -999.9, -9999.0, -1000.0, -10000.0,
    8388607.0, 8388608.0, 8388606.0, 8388609.0, 8388610.0,  # IEEE 11073 FLOAT: NaN, NRes, ±INF
    2047.0, 2048.0, 2046.0, 2049.0, 2050.0,  # the same of SFLOAT
    32767.0, -32768.0, 65535.0, 2147483647.0, -2147483648.0,
})  # fmt: skip
"""What deployed monitors send for "no value". None is within the bounds of any vital sign."""

_BOUNDS: Final = MappingProxyType({
    "heart_rate_bpm": (0, 400), "pulse_bpm": (0, 400), "spo2_pct": (0, 100),
    "respiratory_rate_bpm": (0, 200), "systolic_mmhg": (-50, 400), "diastolic_mmhg": (-50, 400),
    "mean_arterial_mmhg": (-50, 400), "body_temp_c": (0, 50), "etco2_mmhg": (-50, 400),
    "glucose_mmol_l": (0, 100),
})  # fmt: skip
_NUMBER: Final = re.compile(r"[+-]?(?:\d{1,12}(?:\.\d{0,12})?|\.\d{1,12})", re.ASCII)
_BLANK: Final = frozenset({"", '""', "-", "--", "---", "-?-", "?", "NULL", "N/A"})


@dataclass(frozen=True, slots=True)
class Measured:
    """One vital sign; `at_utc_us` by the device's clock, None where the number has no time."""

    meaning: Meaning
    value: float
    at_utc_us: int | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """Numbers of one time, by field. Times by the device's clock (None: it named none).

    `now_utc_us` is the message's own time; the numbers were measured `age_us` before it, the cuff's
    at `cuff_utc_us`.
    """

    values: dict[str, float]
    now_utc_us: int | None
    age_us: int
    cuff_utc_us: int | None
    source: str | None

    @property
    def is_aged(self) -> bool:
        """The numbers are long past."""
        return self.age_us > 0


def read_vitals(oru: OruMessage) -> list[Reading]:
    """Return the message's reading, and one for each time of numbers that are long past.

    What cannot be used is added to `oru.rejected`.
    """
    found: list[Measured] = []
    at_us: int | None = None
    for group in oru.groups:
        sources = Sources(group.observations, oru.label)
        for observation in group.observations:
            if observation.kind == "NA" or observation.code.is_attribute:
                continue
            measured = _measured(observation, sources, oru.rejected)
            if measured is not None:
                found.append(measured)
                group_us = group.end_utc_us or group.start_utc_us
                at_us = max(filter(None, (at_us, group_us)), default=None)
    if at_us is None:
        times = [one.at_utc_us for one in found if one.at_utc_us is not None]
        at_us = oru.sent_utc_us or max(times, default=None)
    return _readings(_chosen(found, oru.rejected), at_us, oru.rejected)


def meaning_of(code: Code) -> Meaning | None:
    """Return the vital sign that `code` stands for; its number outweighs its name."""
    if code.number:
        return BY_CODE.get(code.number)
    return BY_NAME.get(code.name) if code.system in {"MDC", ""} else None


def _measured(
    observation: Observation, sources: Sources, rejected: Counter[Reason]
) -> Measured | None:
    meaning = meaning_of(observation.code)
    if meaning is None:
        if observation.value and observation.code.number not in WAVES:
            is_known = observation.code.number in UNUSED
            rejected[Reason.UNUSED_CODE if is_known else Reason.UNKNOWN_CODE] += 1
        return None
    value = _value(observation, meaning)
    if isinstance(value, Reason):
        rejected[value] += 1
        return None
    return Measured(meaning, value, observation.at_utc_us, sources.of(observation.place))


def _value(observation: Observation, meaning: Meaning) -> float | Reason:  # noqa: PLR0911 -- one reason each
    text = observation.value
    if observation.kind == "SN":  # comparator ^ number
        comparator, _, text = text.rpartition("^")
        if comparator not in {"", "="}:
            return Reason.NOT_EXACT
    elif observation.kind not in {"NM", ""}:
        return Reason.VALUE_TYPE
    if observation.absent is not None:
        return observation.absent
    if text.strip().upper() in _BLANK:
        return Reason.NO_VALUE
    if _NUMBER.fullmatch(text) is None:
        return Reason.NOT_A_NUMBER
    sent = float(text)
    if sent in SENTINELS:
        return Reason.SENTINEL
    unit = _unit(observation, meaning.quantity)
    if unit is None:
        return Reason.UNKNOWN_UNIT
    value = (sent - unit.zero) * unit.scale
    if unit.scale != 1:
        value = round(value, 2)
    lowest, highest = _BOUNDS[meaning.field]
    return value if lowest <= value <= highest else Reason.OUT_OF_RANGE


def number_of(observation: Observation) -> float | None:
    """Return the vital sign's value in its own unit, or None where it cannot be used."""
    meaning = meaning_of(observation.code)
    value = None if meaning is None else _value(observation, meaning)
    return None if isinstance(value, Reason) else value


def _unit(observation: Observation, quantity: Quantity) -> Unit | None:
    if not observation.unit and not observation.unit_name:
        return Unit(quantity) if quantity in PLAIN else None
    unit = UNITS.get(observation.unit) or UNITS.get(observation.unit_name)
    return unit if unit is not None and unit.quantity is quantity else None


def _chosen(found: Sequence[Measured], rejected: Counter[Reason]) -> list[Measured]:
    """Return one for each field."""
    arterial = {
        one.meaning.field for one in found if one.meaning.pressure is Pressure.ARTERIAL
    } >= {"systolic_mmhg", "diastolic_mmhg"}
    unwanted = Pressure.CUFF if arterial else Pressure.ARTERIAL
    best: dict[str, Measured] = {}
    for one in found:
        known = best.get(one.meaning.field)
        if one.meaning.pressure is unwanted:
            rejected[Reason.SECOND_SOURCE] += 1
        elif known is None:
            best[one.meaning.field] = one
        else:
            rejected[Reason.SECOND_SOURCE] += 1
            if one.meaning.rank < known.meaning.rank:
                best[one.meaning.field] = one
    return list(best.values())


def _readings(
    chosen: Iterable[Measured], at_us: int | None, rejected: Counter[Reason]
) -> list[Reading]:
    now: list[Measured] = []
    aged: dict[int, list[Measured]] = {}
    for one in chosen:
        is_cuff = one.meaning.pressure is Pressure.CUFF  # a reading says how old its cuff is
        if at_us is None or one.at_utc_us is None or is_cuff or at_us - one.at_utc_us <= AGED_US:
            now.append(one)
        else:
            aged.setdefault(one.at_utc_us, []).append(one)
    readings = [
        _reading(part, at_us, 0 if at_us is None else at_us - then_us, rejected)
        for then_us, part in aged.items()
    ]
    if now:
        readings.append(_reading(now, at_us, 0, rejected))
    return readings


def _reading(
    part: Sequence[Measured], at_us: int | None, age_us: int, rejected: Counter[Reason]
) -> Reading:
    cuff = [
        one.at_utc_us
        for one in part
        if one.meaning.pressure is Pressure.CUFF and one.at_utc_us is not None
    ]
    cuff_us = max(cuff, default=None)
    if cuff_us is not None and at_us is not None and cuff_us > at_us + AGED_US:
        rejected[Reason.BAD_TIME] += 1  # measured in the future
        cuff_us = None
    return Reading(
        values={one.meaning.field: one.value for one in part},
        now_utc_us=at_us,
        age_us=age_us,
        cuff_utc_us=cuff_us,
        source=_source(part),
    )


def _source(part: Sequence[Measured]) -> str | None:
    """Return what made the numbers; where they differ, the commonest, then each exception."""
    counted = Counter(one.source for one in part if one.source is not None)
    if not counted:
        return None
    usual = counted.most_common(1)[0][0]
    said = [usual]
    for source in counted:
        if source != usual:
            names = ", ".join(one.meaning.field for one in part if one.source == source)
            said.append(f"{names}: {source}")
    return "; ".join(said)[:120]
