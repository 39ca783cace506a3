"""Sample arrays of a message as blocks of one rate. Pure.

Samples stay the integers that the device sent. Where it sent decimals (some gateways send
millivolts), they are scaled by the power of ten that makes them whole, and the gain by its inverse.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import numpy as np

from edge_agent.devices.monitor_hl7.codes import WAVE_UNITS, WAVES, WaveGroup
from edge_agent.devices.monitor_hl7.oru import Code, Observation, OruMessage, ResultGroup
from edge_agent.devices.monitor_hl7.sources import Sources
from edge_agent.devices.reasons import Reason
from protocols.messages import Channel
from protocols.messages.samples import Samples

MOST_CHANNELS: Final = 32
NO_SAMPLE: Final = -(2**31)
"""Stands for a sample that was left empty, where the device names no value for that."""

_MOST_DECIMALS: Final = 6
_WHOLE: Final = re.compile(r"[+-]?\d{1,10}(?:\^[+-]?\d{1,10})*", re.ASCII)
_LOOSE: Final = re.compile(r"(?:[+-]?\d{0,10}(?:\.\d{0,18})?)(?:\^[+-]?\d{0,10}(?:\.\d{0,18})?)*",
                           re.ASCII)  # fmt: skip
_ONE: Final = re.compile(r"[+-]?\d{1,10}(?:\.\d{0,18})?", re.ASCII)
_NAME: Final = re.compile(r"MDC_[A-Z0-9_]{1,60}")
_INT32: Final = np.iinfo(np.int32)
_PERIODS_S: Final = MappingProxyType({
    "MDC_DIM_SEC": 1.0, "MDC_DIM_MILLI_SEC": 1e-3, "MDC_DIM_MICRO_SEC": 1e-6,
})  # fmt: skip
_PER_SECOND: Final = frozenset({
    "264608", "MDC_DIM_PER_SEC", "264640", "MDC_DIM_HZ", "HZ", "/S", "1/S", "",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wave:
    """Channels sampled together. Samples have shape (channels, n); the start by the device."""

    group: WaveGroup
    rate_hz: float
    start_utc_us: int | None
    channels: tuple[Channel, ...]
    samples: Samples
    missing: int | None


@dataclass(frozen=True, slots=True)
class _Signal:
    group: WaveGroup
    rate_hz: float
    start_utc_us: int | None
    channel: Channel
    values: Samples  # shape (n,)
    missing: int | None


def read_waves(oru: OruMessage) -> list[Wave]:
    """Return the message's waveforms, channels of one rate, length, start and group together.

    What cannot be used is added to `oru.rejected`.
    """
    together: dict[tuple[object, ...], list[_Signal]] = {}
    for result in oru.groups:
        sources = Sources(result.observations, oru.label)
        for observation in result.observations:
            if observation.kind != "NA" or observation.code.is_attribute:
                continue
            signal = _signal(observation, result, sources)
            if isinstance(signal, Reason):
                oru.rejected[signal] += 1
                continue
            key = (signal.group, signal.rate_hz, len(signal.values), signal.start_utc_us,
                   signal.missing)  # fmt: skip
            members = together.setdefault(key, [])
            if any(member.channel.code == signal.channel.code for member in members):
                oru.rejected[Reason.DUPLICATE_CHANNEL] += 1
            elif len(members) >= MOST_CHANNELS:
                oru.rejected[Reason.TOO_MANY_CHANNELS] += 1
            else:
                members.append(signal)
    return [_wave(members) for members in together.values()]


def _wave(members: Sequence[_Signal]) -> Wave:
    first = members[0]
    return Wave(
        group=first.group,
        rate_hz=first.rate_hz,
        start_utc_us=first.start_utc_us,
        channels=tuple(member.channel for member in members),
        samples=np.stack([member.values for member in members]),
        missing=first.missing,
    )


def _signal(  # noqa: PLR0911 -- one reason each
    observation: Observation, result: ResultGroup, sources: Sources
) -> _Signal | Reason:
    if observation.absent is not None:
        return observation.absent
    known = _known(observation.code)
    if known is None:
        return Reason.UNKNOWN_CODE
    name, group = known
    said = _Attributes(observation, result.observations)
    rate_hz = said.rate_hz()
    if rate_hz is None:
        return Reason.NO_SAMPLE_RATE
    if not observation.value:
        return Reason.NO_VALUE
    scale = said.scale(group)
    if isinstance(scale, Reason):
        return scale
    unit, gain = scale
    read = _samples(observation.value, said.missing())
    if isinstance(read, Reason):
        return read
    values, decimals, missing = read
    gain /= 10**decimals
    if not 0 < gain <= 1e9:  # noqa: PLR2004 -- the bounds of a channel's gain
        return Reason.OUT_OF_RANGE
    channel = Channel(
        code=name, unit=unit, gain=gain, offset=said.zero() * 10**decimals,
        source=sources.of(observation.place),
    )  # fmt: skip
    return _Signal(
        group, rate_hz, _start_us(observation, result, len(values), rate_hz), channel, values,
        missing,
    )  # fmt: skip


def _known(code: Code) -> tuple[str, WaveGroup] | None:
    if code.number in WAVES:
        return WAVES[code.number]
    if code.system not in {"MDC", ""} or _NAME.fullmatch(code.name) is None:
        return None
    is_ecg = code.name.startswith(("MDC_ECG_LEAD", "MDC_ECG_ELEC_POTL"))
    return code.name, "ecg" if is_ecg else "other"


def _start_us(
    observation: Observation, result: ResultGroup, count: int, rate_hz: float
) -> int | None:
    """Return the first sample's time by the device: OBR-7, else OBX-14, else before OBR-8."""
    start_us = result.start_utc_us if result.start_utc_us is not None else observation.at_utc_us
    if start_us is None and result.end_utc_us is not None:
        start_us = result.end_utc_us - round((count - 1) / rate_hz * 1_000_000)
    return start_us


def _samples(text: str, missing_text: str | None) -> tuple[Samples, int, int | None] | Reason:
    """Return the samples, how many decimals they had, and the value of a missing one."""
    plain_missing = missing_text is None or _WHOLE.fullmatch(missing_text) is not None
    if plain_missing and _WHOLE.fullmatch(text) is not None:
        values = np.array(text.split("^"), dtype=np.int64)
        return _as_int32(values, 0, None if missing_text is None else int(missing_text))
    if "~" in text:
        return Reason.VALUE_TYPE
    if _LOOSE.fullmatch(text) is None:
        return Reason.NOT_A_NUMBER
    parts = text.split("^")
    given = [part for part in parts if part]
    if not given or not all(_ONE.fullmatch(part) for part in given):
        return Reason.NOT_A_NUMBER
    decimals = max(len(part.partition(".")[2].rstrip("0")) for part in given)
    decimals = min(decimals, _MOST_DECIMALS)
    missing = NO_SAMPLE if len(given) < len(parts) else None
    if missing_text is not None and _ONE.fullmatch(missing_text):
        missing = _whole(missing_text, decimals)
    empty = NO_SAMPLE if missing is None else missing
    whole = [_whole(part, decimals) if part else empty for part in parts]
    if any(abs(value) > 2**62 for value in whole):
        return Reason.OUT_OF_RANGE
    return _as_int32(np.array(whole, dtype=np.int64), decimals, missing)


def _whole(text: str, decimals: int) -> int:
    return int((Decimal(text) * 10**decimals).to_integral_value())


def _as_int32(
    values: np.ndarray[tuple[int, ...], np.dtype[np.int64]], decimals: int, missing: int | None
) -> tuple[Samples, int, int | None] | Reason:
    if values.min() < _INT32.min or values.max() > _INT32.max:
        return Reason.OUT_OF_RANGE
    if missing is not None and not _INT32.min <= missing <= _INT32.max:
        missing = None  # no sample can have that value
    return values.astype(np.int32), decimals, missing


class _Attributes:
    """The attributes of one waveform: beneath it in OBX-4, or at the very same place."""

    def __init__(self, signal: Observation, observations: Sequence[Observation]) -> None:
        self._signal = signal
        self._said: dict[str, Observation] = {}
        for found in observations:
            beneath = found.place[:-1] == signal.place or found.place == signal.place
            if found.code.is_attribute and beneath and found.absent is None:
                self._said.setdefault(_attribute_name(found.code), found)

    def rate_hz(self) -> float | None:
        """Return samples a second, 0 < rate ≤ 100,000."""
        rate: float | None = None
        said = self._said.get("MDC_ATTR_SAMP_RATE")
        if said is not None and _ONE.fullmatch(said.value):
            if {said.unit, said.unit_name} & _PER_SECOND:
                rate = float(said.value)
        else:
            said = self._said.get("MDC_ATTR_TIME_PD_SAMP")
            period_s = _PERIODS_S.get(said.unit_name) if said is not None else None
            if said is not None and period_s is not None and _ONE.fullmatch(said.value):
                rate = 1 / (float(said.value) * period_s) if float(said.value) > 0 else None
        return rate if rate is not None and 0.01 <= rate <= 100_000 else None  # noqa: PLR2004

    def scale(self, group: WaveGroup) -> tuple[str, float] | Reason:
        """Return UCUM unit and units per bit."""
        said = self._said.get("MDC_ATTR_NU_MSMT_RES")
        of = said if said is not None else self._signal
        unit = WAVE_UNITS.get(of.unit_name) if of.unit_name else WAVE_UNITS.get(of.unit)
        if unit is None:
            unit = WAVE_UNITS.get(of.unit)
        if unit is None:
            return Reason.UNKNOWN_UNIT
        if group == "ecg" and unit not in {"uV", "mV"}:
            return Reason.NO_RESOLUTION  # counts of nobody knows how many volts
        if said is None:
            return unit, 1.0  # samples in the unit itself
        if _ONE.fullmatch(said.value) is None or float(said.value) <= 0:
            return Reason.NO_RESOLUTION
        return unit, float(said.value)

    def missing(self) -> str | None:
        """Return the value by which the device says "no signal"."""
        said = self._said.get("MDC_EVT_INOP")
        return said.value if said is not None and _ONE.fullmatch(said.value) else None

    def zero(self) -> int:
        """Return the sample value that means zero."""
        said = self._said.get("GH_ZERO_OFFSET")
        is_whole = said is not None and re.fullmatch(r"[+-]?\d{1,9}", said.value, re.ASCII)
        return int(said.value) if said is not None and is_whole else 0


def _attribute_name(code: Code) -> str:
    return "MDC_EVT_INOP" if code.name.startswith("MDC_EVT_INOP") else code.name
