"""The encounter as a FHIR R4 document: one Bundle, Composition first. Pure.

Source: HL7 FHIR R4 (4.0.1), documents and Composition; IHE PCC mPSC for what a hand-over from an
ambulance holds. What is not known is said to be unknown, never left to be guessed.
"""

from collections.abc import Sequence
from typing import Final

from hub.handoff.alarms import alarm_flags, alarm_lines
from hub.handoff.case import Case
from hub.handoff.consultation import record_lines, texts
from hub.handoff.ecg import ecg_observation
from hub.handoff.fhir import (
    LOINC,
    OURS,
    Ids,
    Json,
    category,
    coded,
    entry,
    instant,
    narrative,
    quantity,
    unknown,
)
from hub.handoff.hospitals import Hospital
from hub.handoff.medication import administrations, drug_lines, order_lines, requests
from hub.handoff.observations import node_observation, score_observations, vital_observations
from hub.handoff.resources import (
    communication,
    devices,
    organization,
    practitioner,
    sources,
    vehicle,
)
from hub.store.handoffs import HandoffRow
from protocols.messages import PatientNote

_ACT: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_ENCOUNTERS: Final = "urn:goldenhour:encounter"


def document_of(case: Case, handoff: HandoffRow, hospital: Hospital, *, now_utc_us: int) -> Json:
    """Return the Bundle; its id is the hand-over's, and so are its resources' from try to try."""
    ids = Ids(handoff.handover_id)
    measured = list(vital_observations(case, ids))
    scored = list(score_observations(case, ids))
    alarms = list(alarm_flags(case, ids))
    ecg, nodes = ecg_observation(case, ids), node_observation(case, ids)
    age = _age(case, ids)
    words = [one for one in case.advice if one.medication is None]
    said = [(f"advice/{one.advice_id}", communication(one, ids)) for one in words]
    talk = list(texts(case, ids))
    ordered, administered = list(requests(case, ids)), list(administrations(case, ids))
    sections = [
        _section(ids, "10154-3", "Chief complaint", _complaint(case), [age]),
        _section(ids, "8716-3", "Vital signs", _newest_vitals(case), measured),
        _section(ids, "51848-0", "Scores", _scores(case), scored),
        _section(ids, "alarms", "Alarms", alarm_lines(case), alarms, system=OURS),
        _section(ids, "11524-6", "EKG study", _ecg_lines(case), [ecg]),
        _section(ids, "67660-4", "Times of the run", _times(case), [nodes]),
        _section(ids, "11488-4", "Consult note", record_lines(case), talk),
        _section(ids, "18776-5", "Advice", [one.text for one in words], said),
        _section(ids, "29549-3", "Medication administered", drug_lines(case), administered),
        _section(ids, "57828-6", "Prescription list", order_lines(case), ordered),
    ]
    resources = [
        ("composition", _composition(case, handoff, ids, sections, now_utc_us)),
        ("patient", _patient(case)),
        ("encounter", _encounter(case, ids)),
        ("crew", practitioner(handoff.signed_by)),
        ("service", organization(case.unit.organisation)),
        ("hospital", organization(hospital.name)),
        ("vehicle", vehicle(case, ids)),
        *devices(case, ids),
        *(one for one in (age, ecg, nodes) if one is not None),
        *measured,
        *scored,
        *alarms,
        *said,
        *talk,
        *ordered,
        *administered,
    ]
    return {
        "resourceType": "Bundle",
        "id": handoff.handover_id,
        "type": "document",
        "identifier": {
            "system": "urn:ietf:rfc:3986",
            "value": f"urn:uuid:{handoff.handover_id}",
        },
        "timestamp": instant(now_utc_us),
        "entry": [entry(ids, name, resource) for name, resource in resources],
    }


def _composition(
    case: Case, handoff: HandoffRow, ids: Ids, sections: Sequence[Json], now_utc_us: int
) -> Json:
    return {
        "resourceType": "Composition",
        "status": "final",
        "type": coded(LOINC, "67796-3", "EMS patient care report"),
        "subject": ids.reference("patient"),
        "encounter": ids.reference("encounter"),
        "date": instant(now_utc_us),
        "author": [ids.reference("crew", handoff.signed_by)],
        "title": f"Hand-over from {case.unit.call_sign}",
        "attester": [
            {
                "mode": "professional",
                "time": instant(handoff.asked_utc_us),
                "party": ids.reference("crew", handoff.signed_by),
            }
        ],
        "custodian": ids.reference("service", case.unit.organisation),
        "section": [section for section in sections if section],
    }


def _section(  # noqa: PLR0913 -- what a section holds
    ids: Ids,
    code: str,
    title: str,
    lines: list[str],
    parts: Sequence[tuple[str, Json] | None],
    *,
    system: str = LOINC,
) -> Json:
    """Return a section; an empty one says that it is empty, and why."""
    names = [part[0] for part in parts if part is not None]
    section: Json = {
        "title": title,
        "code": coded(system, code, title),
        "text": narrative(lines or ["Nothing recorded."]),
    }
    if names:
        section["entry"] = [ids.reference(name) for name in names]
    elif not lines:
        system = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
        section["emptyReason"] = coded(system, "unavailable", "Unavailable")
    return section


def _patient(case: Case) -> Json:
    note = case.patient
    patient: Json = {
        "resourceType": "Patient",
        "identifier": [{"system": _ENCOUNTERS, "value": case.encounter.encounter_id}],
        "name": [_name(note)],
    }
    if note is not None and note.sex is not None:
        patient["gender"] = note.sex
    else:
        patient["gender"] = "unknown"
    patient["_birthDate"] = unknown()  # the crew notes an age; it is an observation
    return patient


def _name(note: PatientNote | None) -> Json:
    if note is None or not (note.family_name or note.given_name):
        return unknown()
    name: Json = {"use": "usual"}
    if note.family_name:
        name["family"] = note.family_name
    if note.given_name:
        name["given"] = [note.given_name]
    return name


def _age(case: Case, ids: Ids) -> tuple[str, Json] | None:
    if case.patient is None or case.patient.age_years is None:
        return None
    return "age", {
        "resourceType": "Observation",
        "status": "final",
        "category": category("survey", "Survey"),
        "code": coded(LOINC, "30525-0", "Age"),
        "subject": ids.reference("patient"),
        "encounter": ids.reference("encounter"),
        "effectiveDateTime": instant(case.encounter.since_utc_us),
        "valueQuantity": quantity(case.patient.age_years, "years", "a"),
    }


def _encounter(case: Case, ids: Ids) -> Json:
    period = {"start": instant(case.encounter.since_utc_us)}
    if case.encounter.closed_utc_us is not None:
        period["end"] = instant(case.encounter.closed_utc_us)
    is_open = case.encounter.closed_utc_us is None
    return {
        "resourceType": "Encounter",
        "identifier": [{"system": _ENCOUNTERS, "value": case.encounter.encounter_id}],
        "status": "in-progress" if is_open else "finished",
        "class": {"system": _ACT, "code": "FLD", "display": "field"},
        "subject": ids.reference("patient"),
        "period": period,
        "location": [{"location": ids.reference("vehicle", case.unit.call_sign)}],
        "serviceProvider": ids.reference("service", case.unit.organisation),
    }


def _complaint(case: Case) -> list[str]:
    if case.patient is None or not case.patient.complaint:
        return ["Complaint not recorded."]
    return [case.patient.complaint]


def _newest_vitals(case: Case) -> list[str]:
    if not case.vitals:
        return []
    at_utc_us, newest = case.vitals[-1]
    fields = newest.model_dump(
        exclude={"kind", "source", "nibp_measured_utc_us"}, exclude_none=True
    )
    lines = [f"At {instant(at_utc_us)}:"]
    lines += [f"{name.replace('_', ' ')}: {value}" for name, value in fields.items()]
    return [*lines, f"Source: {', '.join(sources(case)) or 'not stated by the device'}"]


def _scores(case: Case) -> list[str]:
    return [
        f"{score.score} ({score.edition}): "
        + (f"{score.low:g}" if score.low == score.high else f"{score.low:g} to {score.high:g}")
        + f", {score.band}"
        + (f"; not measured: {', '.join(score.missing)}" if score.missing else "")
        for _, score in case.scores
    ]


def _ecg_lines(case: Case) -> list[str]:
    if not case.ecg:
        return []
    at_utc_us, first = case.ecg[0]
    leads = ", ".join(channel.code.rpartition("_")[2] for channel in first.channels)
    return [f"Leads {leads} at {first.rate_hz:g} Hz from {instant(at_utc_us)}."]


def _times(case: Case) -> list[str]:
    return [
        f"{node.node.value}: {instant(node.at_utc_us)} ({node.source.value})" for node in case.nodes
    ]
