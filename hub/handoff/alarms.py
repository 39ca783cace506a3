"""The encounter's alarms as FHIR R4 Flags. Pure.

A Flag says what whoever takes over must know: that an alarm stands (`active`), or stood and for how
long (`inactive` with its end). Source: HL7 FHIR R4 (4.0.1), Flag.
"""

from collections.abc import Iterator
from typing import Final

from hub.consult.alarms import AlarmEpisode
from hub.handoff.case import Case
from hub.handoff.fhir import OURS, Ids, Json, coded, instant
from protocols.clinical.alarms import is_of_patient

_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/flag-category"
_MOST: Final = 60
"""The newest; the hub keeps all."""


def alarm_flags(case: Case, ids: Ids) -> Iterator[tuple[str, Json]]:
    """Yield (name, Flag) of each alarm of the patient's, oldest first."""
    for one in _shown(case):
        period = {"start": instant(one.raised_utc_us)}
        if one.cleared_utc_us is not None:
            period["end"] = instant(max(one.raised_utc_us, one.cleared_utc_us))
        is_clinical = one.nature == "physiological"
        kind = ("clinical", "Clinical") if is_clinical else ("admin", "Administrative")
        yield (
            f"alarm/{one.alarm_id}",
            {
                "resourceType": "Flag",
                "status": "active" if one.cleared_utc_us is None else "inactive",
                "category": [coded(_CATEGORY, *kind)],
                "code": coded(OURS, f"alarm.{one.code}", line_of(one)),
                "subject": ids.reference("patient"),
                "encounter": ids.reference("encounter"),
                "period": period,
                "author": ids.reference("service", case.unit.organisation),
            },
        )


def alarm_lines(case: Case) -> list[str]:
    """Return the alarms as sentences, oldest first."""
    return [line_of(one) for one in _shown(case)]


def line_of(one: AlarmEpisode) -> str:
    """Return one alarm as a sentence."""
    words = [one.code]
    if one.value is not None:
        words.append(f"{one.value:g}")
    if one.limit is not None:
        words.append(f"(limit {one.limit:g})")
    if one.text:
        words.append(f"[{one.text}]")
    said = [
        " ".join(words),
        f"{one.priority.value} priority",
        f"from {instant(one.raised_utc_us)}",
    ]
    if one.acknowledged_utc_us is not None:
        said.append(f"acknowledged by {one.acknowledged_by or 'the crew'}")
    if one.cleared_utc_us is None:
        said.append("stands")
    else:
        said.append(f"until {instant(one.cleared_utc_us)}, {one.cause or 'ended'}")
    return ", ".join(said)


def _shown(case: Case) -> list[AlarmEpisode]:
    return [one for one in case.alarms if is_of_patient(one)][-_MOST:]
