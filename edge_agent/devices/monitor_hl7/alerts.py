"""The monitor's own alarms: from the flags of its numbers, and from its alert messages. Pure.

Flags stand in OBX-8 of a number (`L`, `H`; beyond the panic limits `LL`, `HH`) and say every time
anew whether that limit is broken. An alert is an `ORU^R40`: each OBR is one alert, its OBX are
facets, told apart by their codes: the event (or `MDC_EVT_LO`, `MDC_EVT_HI` with the vital sign),
the number and its limits, the phase, the state, the priority, the words.

Source: HL7 v2.6 table 0078 (abnormal flags); IHE DEV-04 (the former PCD-04), alert facets, OBX-8
with priority (PH, PM, PL) and kind (SP, ST).
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

from edge_agent.devices.monitor_hl7.oru import Code, Observation, OruMessage, ResultGroup
from edge_agent.devices.monitor_hl7.vitals import meaning_of, number_of
from edge_agent.devices.reasons import Reason
from protocols.clinical.alarms import DeviceAlarm
from protocols.messages import AlarmPriority

HIGH: Final = 196648
LOW: Final = 196670
_EVENT: Final = 196616
_PHASE, _STATE, _PRIORITY, _TYPE = (f"MDC_ATTR_{part}" for part in (
    "EVENT_PHASE", "ALARM_STATE", "ALARM_PRIORITY", "ALERT_TYPE",
))  # fmt: skip
_TEXT: Final = "MDC_ATTR_ALERT_TEXT"
_SOURCE: Final = "MDC_ATTR_ALERT_SOURCE"

_PRIORITIES: Final = {
    "PH": AlarmPriority.HIGH,
    "PM": AlarmPriority.MEDIUM,
    "PL": AlarmPriority.LOW,
    "PU": AlarmPriority.MEDIUM,
}
_NO_ALARM: Final = frozenset({"PN", "PI"})
_BELOW: Final = {"L": AlarmPriority.MEDIUM, "LL": AlarmPriority.HIGH}
_ABOVE: Final = {"H": AlarmPriority.MEDIUM, "HH": AlarmPriority.HIGH}

_KNOWN: Final = (
    ("ASYSTOLE", "ecg.asystole"),
    ("V_FIB", "ecg.vf"),
    ("VFIB", "ecg.vf"),
    ("V_TACHY", "ecg.vt"),
    ("APNEA", "monitor.apnoea"),
    ("LEAD_OFF", "ecg.lead_off"),
    ("LEADS_OFF", "ecg.lead_off"),
    ("BATT", "monitor.battery"),
)
"""By a part of the event's reference id: makers number them differently, and name them alike."""

_WORD: Final = re.compile(r"[^A-Za-z0-9_]+")
_RANGE: Final = re.compile(r"(-?\d{1,6}(?:\.\d{1,3})?)?\s*-\s*(-?\d{1,6}(?:\.\d{1,3})?)?")


def flagged(oru: OruMessage) -> list[DeviceAlarm]:
    """Return what the flags of the numbers say: of each limit, that it is broken, or is not."""
    said: dict[str, DeviceAlarm] = {}
    for group in oru.groups:
        for one in group.observations:
            meaning = meaning_of(one.code)
            if meaning is None or one.kind != "NM" or one.absent is not None:
                continue
            for side, flags in (("low", _BELOW), ("high", _ABOVE)):
                found = _of_flags(one, f"limit.{_subject(meaning.field)}.{side}", flags)
                if not found.is_over or found.code not in said:
                    said[found.code] = found
    return list(said.values())


def alerts(oru: OruMessage) -> list[DeviceAlarm]:
    """Return the alarms of an alert message; what is no alarm is added to `oru.rejected`."""
    return [alarm for group in oru.groups for alarm in _alert(group, oru.rejected)]


def _of_flags(one: Observation, code: str, flags: dict[str, AlarmPriority]) -> DeviceAlarm:
    broken = [flags[flag] for flag in ("LL", "HH", "L", "H") if flag in flags and flag in one.flags]
    said = [_PRIORITIES[flag] for flag in sorted(one.flags & _PRIORITIES.keys())]
    value = number_of(one)
    return DeviceAlarm(
        code=code,
        priority=(said or broken or [AlarmPriority.MEDIUM])[0],
        is_over=not broken,
        value=value,
        limit=_limit(one.reference, is_low=code.endswith("low")) if broken else None,
    )


def _alert(group: ResultGroup, rejected: Counter[Reason]) -> Iterator[DeviceAlarm]:
    facets = {one.code.name: one for one in group.observations}
    event = next(
        (one for one in group.observations if one.code.number in {_EVENT, HIGH, LOW}), None
    )
    if event is None or event.meant is None:
        rejected[Reason.UNKNOWN_CODE] += bool(group.observations)
        return
    source = facets.get(_SOURCE)
    of = source.meant if source is not None and source.meant is not None else event.meant
    number = next((one for one in group.observations if meaning_of(one.code)), None)
    about = meaning_of(of) or (meaning_of(number.code) if number is not None else None)
    kind = event.code.number if event.code.number != _EVENT else event.meant.number
    flags = event.flags | _words(facets.get(_PRIORITY)) | _words(facets.get(_TYPE))
    side = _side(kind, flags)
    phase = _said(facets.get(_PHASE)) or "start"
    state = _said(facets.get(_STATE))
    if flags & _NO_ALARM:
        return
    code = _code_of(event.meant)
    if about is not None and side is not None:
        code = f"limit.{_subject(about.field)}.{side}"
    priority = next((_PRIORITIES[flag] for flag in _PRIORITIES if flag in flags), None)
    is_over = phase == "end" or state in {"inactive", "off", "latched"}
    nature: Literal["technical", "physiological"] = (
        "technical" if "ST" in flags else "physiological"
    )
    text = facets.get(_TEXT)
    words = text.value if text is not None else event.words or event.meant.name
    yield DeviceAlarm(
        code=code,
        priority=priority or AlarmPriority.MEDIUM,
        nature=nature,
        is_over=is_over,
        latches=priority is AlarmPriority.HIGH and side is None and nature == "physiological",
        value=None if number is None else number_of(number),
        limit=None
        if number is None or side is None
        else _limit(number.reference, is_low=side == "low"),
        text=words[:80] or None,
    )


def _side(kind: int, flags: frozenset[str]) -> str | None:
    if kind == LOW or flags & _BELOW.keys():
        return "low"
    return "high" if kind == HIGH or flags & _ABOVE.keys() else None


def _code_of(event: Code) -> str:
    name = event.name
    for part, code in _KNOWN:
        if part in name:
            return code
    word = _WORD.sub("_", str(event.number) if event.number else name.lower())[:36]
    return f"monitor.{word or 'alarm'}"


def _subject(field: str) -> str:
    """Return whose limit it is: the pulse of the pleth and of the ECG are one matter."""
    return "heart_rate_bpm" if field == "pulse_bpm" else field


def _said(facet: Observation | None) -> str:
    return "" if facet is None else facet.value.strip().lower()


def _words(facet: Observation | None) -> frozenset[str]:
    return frozenset() if facet is None else frozenset({facet.value.strip().upper()})


def _limit(reference: str, *, is_low: bool) -> float | None:
    match = _RANGE.fullmatch(reference.strip())
    said = None if match is None else match[1 if is_low else 2]
    return None if said is None else float(said)
