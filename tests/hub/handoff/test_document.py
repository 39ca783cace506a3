"""The document: valid FHIR R4 by somebody else's word, honest about what is not known."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fhir.resources.R4B import bundle as r4b
from pydantic import ValidationError
from pyfhircheck import Validator

from hub.consult.alarms import AlarmEpisode
from hub.consult.record import Entry
from hub.handoff.case import Case
from hub.handoff.document import document_of
from hub.handoff.hospitals import Hospital
from hub.store.advice import Advice
from hub.store.encounters import Encounter
from hub.store.handoffs import HandoffRow
from hub.store.units import Unit
from protocols.clinical import News2Inputs, Reading, news2, shock_index
from protocols.consult import AdviceState
from protocols.dispatch.time_nodes import NodeSource, TimeNode
from protocols.ids import EncounterId, HospitalId, JournalId, OrderId, UnitId
from protocols.messages import (
    AlarmPriority,
    Channel,
    Medication,
    PatientNote,
    TimeNodeStamp,
    VitalsReading,
    WaveformBlock,
)
from protocols.messages.samples import ENCODING, encode_samples
from tests.hub.room import new_id
from tests.hub.vehicle import NOON_US

HOSPITAL = Hospital(hospital_id="gz", name="广州 First", fhir_url="http://127.0.0.1:1/fhir")
SECOND_US = 1_000_000
ASPIRIN = Medication(
    drug="aspirin", name_en="Aspirin", name_zh="阿司匹林", dose=300.0, unit="mg", route="oral",
    patient_class="adult", usual="150-300 mg", source="ESC 2023",
)  # fmt: skip


def encounter() -> Encounter:
    return Encounter(
        encounter_id=EncounterId(new_id()),
        unit=UnitId("A-001"),
        opened_utc_us=NOON_US,
        opened_by="unit:A-001",
        run_id="r1",
        closed_utc_us=None,
        since_utc_us=NOON_US,
        aliases=(),
    )


def handoff(of: Encounter) -> HandoffRow:
    return HandoffRow(
        handover_id=new_id(),
        encounter_id=of.encounter_id,
        unit=of.unit,
        hospital_id=HospitalId("gz"),
        signed_by="李雷",
        asked_utc_us=NOON_US + 60 * SECOND_US,
        queued_utc_us=NOON_US + 61 * SECOND_US,
        state="queued",
        attempts=0,
        next_try_utc_us=0,
        updated_utc_us=0,
        detail=None,
    )


def unit() -> Unit:
    return Unit(
        unit=UnitId("A-001"),
        call_sign="越秀 1 & <co>",
        profile="ambulance",
        organisation="120 Centre",
        password_bcrypt="",
        order_journal=JournalId(new_id()),
        light=False,
        presence=None,
    )


def ecg_block(at: int) -> WaveformBlock:
    samples = (np.arange(500 * 2).reshape(2, 500) % 200 - 100 + at).astype(np.int32)
    samples[0, 3] = -32768
    return WaveformBlock(
        group="ecg",
        rate_hz=500.0,
        sample_count=500,
        first_sample_index=at * 500,
        channels=tuple(
            Channel(code=f"MDC_ECG_LEAD_{lead}", unit="uV", gain=5.0) for lead in ("I", "II")
        ),
        encoding=ENCODING,
        data=encode_samples(samples),
        missing=-32768,
    )


def full_case() -> Case:
    here = encounter()
    readings = [
        (
            NOON_US + i * SECOND_US,
            VitalsReading(
                heart_rate_bpm=100.0 + i % 7, spo2_pct=93.5, respiratory_rate_bpm=22.0,
                body_temp_c=38.2, systolic_mmhg=95.0, diastolic_mmhg=60.0,
                nibp_measured_utc_us=NOON_US + i // 400 * 400 * SECOND_US, source="model",
            ),
        )
        for i in range(900)
    ]  # fmt: skip
    pulse, systolic = Reading(104.0, NOON_US), Reading(95.0, NOON_US)
    return Case(
        encounter=here,
        unit=unit(),
        patient=PatientNote(
            encounter_id=here.encounter_id, family_name="王", given_name="芳", sex="female",
            age_years=62, complaint="胸痛 40 分钟 <chest pain>", by="李雷",
        ),
        vitals=readings,
        scores=[
            (NOON_US, news2(News2Inputs(pulse_bpm=pulse, systolic_mmhg=systolic))),
            (NOON_US, shock_index(pulse, systolic)),
        ],
        ecg=[(NOON_US + at * SECOND_US, ecg_block(at)) for at in range(10)],
        nodes=[
            TimeNodeStamp(
                node=TimeNode.ON_SCENE, source=NodeSource.BUTTON, run_id="r1", at_utc_us=NOON_US
            )
        ],
        advice=[
            Advice(
                advice_id=OrderId(new_id()), encounter_id=here.encounter_id, unit=here.unit,
                text="阿司匹林 300 mg", given_by="Dr Chen", given_utc_us=NOON_US,
                expires_utc_us=NOON_US + 600 * SECOND_US, state=AdviceState(state),
                answered_utc_us=NOON_US + 1,
                answered_by="李雷", reason="allergic" if state == "declined" else None,
                read_back=None, medication=drug, administered_utc_us=given_us,
            )
            for state, drug, given_us in (
                *((state, None, None) for state in ("confirmed", "declined", "expired", "sent")),
                ("administered", ASPIRIN, NOON_US + 90 * SECOND_US),
                ("declined", ASPIRIN, None),
                ("withdrawn", ASPIRIN, None),
            )
        ],
        alarms=[
            AlarmEpisode(
                alarm_id="limit.spo2_pct.low-1", code="limit.spo2_pct.low",
                priority=AlarmPriority.HIGH, nature="physiological", origin="agent",
                raised_utc_us=NOON_US, value=84, limit=85, acknowledged_utc_us=NOON_US + 9,
                acknowledged_by="李雷", cleared_utc_us=NOON_US + 60 * SECOND_US, cause="ended",
            ),
            AlarmEpisode(
                alarm_id="not_measured.spo2_pct-2", code="not_measured.spo2_pct",
                priority=AlarmPriority.MEDIUM, nature="technical", origin="agent",
                raised_utc_us=NOON_US + 90 * SECOND_US,
            ),
            AlarmEpisode(
                alarm_id="link.lost-3", code="link.lost", priority=AlarmPriority.LOW,
                nature="technical", origin="agent", raised_utc_us=NOON_US,
            ),
        ],
    )  # fmt: skip


RECORD = [
    Entry(number=1, at_utc_us=NOON_US, kind="rung", by="Dr Chen", facts={"target": "胸痛中心"}),
    Entry(number=2, at_utc_us=NOON_US + 5, kind="joined", by="Dr Chen", facts={}),
    Entry(number=3, at_utc_us=NOON_US + 9, kind="said", by="李雷", facts={"text": "<青霉素>过敏"}),
    Entry(number=None, at_utc_us=NOON_US + 12, kind="advice.sent", by="Dr Chen",
          facts={"advice": "x", "text": "Oxygen"}),
    Entry(number=4, at_utc_us=NOON_US + 20, kind="left", by="Dr Chen", facts={"why": "closed"}),
]  # fmt: skip


def bare_case() -> Case:
    return Case(
        encounter=encounter(), unit=unit(), patient=None, vitals=[], scores=[], ecg=[], nodes=[],
        advice=[],
    )  # fmt: skip


def made(case: Case) -> dict[str, Any]:
    return document_of(case, handoff(case.encounter), HOSPITAL, now_utc_us=NOON_US + 99 * SECOND_US)


@pytest.mark.parametrize("case", [full_case(), bare_case()], ids=["full", "bare"])
def test_an_independent_validator_finds_nothing_wrong(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # it writes its evidence where it stands
    assert errors(made(case)) == []
    spoilt = made(case)
    spoilt["entry"][2]["resource"]["status"] = "bogus"
    assert errors(spoilt) != []


_TEXTS = (
    r"Composition\.section\[\d+\]\.text|MedicationAdministration\.dosage\.text"
    r"|MedicationRequest\.dosageInstruction\[\d+\]\.text"
)


def errors(bundle: dict[str, Any]) -> list[str]:
    """What the validator finds wrong.

    It does not know the narrative of a section (R4, Composition.section.text, 0..1) or a dosage in
    words, for it takes `text` away from every element; the next test has that checked by another.
    """
    report = Validator().validate_resource(bundle)
    return [
        f"{issue.path} {issue.code} {issue.message}"
        for issue in report.errors
        if not re.fullmatch(_TEXTS, issue.path or "")
    ]


@pytest.mark.parametrize("case", [full_case(), bare_case()], ids=["full", "bare"])
def test_another_library_knows_every_element_and_type(case: Case) -> None:
    bundle = made(case)
    r4b.Bundle.model_validate(bundle)
    bundle["entry"][0]["resource"]["section"][0]["txet"] = {}
    with pytest.raises(ValidationError):
        r4b.Bundle.model_validate(bundle)


def test_every_reference_leads_to_a_resource_of_the_bundle() -> None:
    bundle = made(full_case())
    there = {entry["fullUrl"] for entry in bundle["entry"]}
    assert len(there) == len(bundle["entry"])
    assert set(_references(bundle)) <= there
    assert bundle["entry"][0]["resource"]["resourceType"] == "Composition"


def test_a_second_try_names_everything_as_the_first_did() -> None:
    case = full_case()
    row = handoff(case.encounter)
    first = document_of(case, row, HOSPITAL, now_utc_us=NOON_US)
    second = document_of(case, row, HOSPITAL, now_utc_us=NOON_US + SECOND_US)
    assert [e["fullUrl"] for e in first["entry"]] == [e["fullUrl"] for e in second["entry"]]
    assert first["identifier"] == second["identifier"]


def test_every_sample_of_the_ecg_is_there_and_missing_ones_say_so() -> None:
    [ecg] = [
        entry["resource"]
        for entry in made(full_case())["entry"]
        if entry["resource"].get("code", {}).get("text") == "EKG study"
    ]
    words = ecg["component"][0]["valueSampledData"]["data"].split()
    assert (len(words), words[3], words[0], words[500]) == (5000, "E", "-100", "-99")
    assert ecg["component"][0]["valueSampledData"]["period"] == 2.0


def test_a_score_with_parts_missing_is_a_range() -> None:
    scores = [
        entry["resource"]
        for entry in made(full_case())["entry"]
        if str(entry["resource"].get("code", {}).get("text")).startswith("news2")
    ]
    assert [score["valueRange"]["low"]["value"] for score in scores] == [3]
    assert [score["valueRange"]["high"]["value"] for score in scores] == [17]


def test_an_ordered_drug_is_a_request_and_one_that_was_given_an_administration() -> None:
    resources = [entry["resource"] for entry in made(full_case())["entry"]]
    requests = [one for one in resources if one["resourceType"] == "MedicationRequest"]
    assert [one["status"] for one in requests] == ["completed", "cancelled", "cancelled"]
    [given] = [one for one in resources if one["resourceType"] == "MedicationAdministration"]
    assert given["dosage"]["dose"] | {"value": 300} == given["dosage"]["dose"]
    assert given["effectiveDateTime"].startswith("2027-01-15T08:01:30")
    assert given["request"]["reference"] == f"urn:uuid:{requests[0]['id']}"


def test_what_happened_in_the_room_is_told_and_what_was_said_is_a_communication() -> None:
    bundle = made(dataclasses.replace(full_case(), record=RECORD))
    resources = [entry["resource"] for entry in bundle["entry"]]
    [note] = [one for one in resources[0]["section"] if one["title"] == "Consult note"]
    assert note["text"]["div"].count("<p>") == len(RECORD)
    assert "&lt;青霉素&gt;过敏" in note["text"]["div"]
    said = [one for one in resources if one["resourceType"] == "Communication"]
    assert [one["payload"][0]["contentString"] for one in said][-1] == "<青霉素>过敏"
    r4b.Bundle.model_validate(bundle)


def test_vital_signs_are_thinned_to_one_in_five_minutes() -> None:
    rates = [
        entry["resource"]["valueQuantity"]["value"]
        for entry in made(full_case())["entry"]
        if entry["resource"].get("code", {}).get("text") == "Heart rate"
    ]
    assert 3 <= len(rates) <= 4


def test_text_of_people_is_never_markup() -> None:
    text = json.dumps(made(full_case()), ensure_ascii=False)
    assert "<chest pain>" not in text.replace('"text": "胸痛 40 分钟 <chest pain>"', "")
    assert "&lt;chest pain&gt;" in text


def _references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [one for inner in value.values() for one in _references(inner)]
    if isinstance(value, list):
        return [one for inner in value for one in _references(inner)]
    return []


def test_an_alarm_is_a_flag_that_stands_or_says_when_it_ended() -> None:
    flags = [
        entry["resource"]
        for entry in made(full_case())["entry"]
        if entry["resource"]["resourceType"] == "Flag"
    ]
    ended, stands = flags  # what concerns the vehicle alone is none of the hospital's
    assert (ended["status"], stands["status"]) == ("inactive", "active")
    assert ended["period"]["end"] > ended["period"]["start"]
    assert "end" not in stands["period"]
    assert "84 (limit 85), high priority" in ended["code"]["text"]
    assert "acknowledged by 李雷" in ended["code"]["text"]
