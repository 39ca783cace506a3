"""What screens are told of encounters, advice and hand-overs."""

from hub.store.advice import Advice
from hub.store.encounters import Encounter
from hub.store.handoffs import HandoffRow
from protocols.live import (
    AdviceChanged,
    AdviceStep,
    EncounterChanged,
    HandoffChanged,
    MedicationView,
    PictureView,
)


def encounter_event(encounter: Encounter) -> EncounterChanged:
    """Return what screens are told of an encounter."""
    return EncounterChanged(
        unit=encounter.unit,
        encounter_id=encounter.encounter_id,
        state=encounter.state,
        opened_utc_us=encounter.opened_utc_us,
        closed_utc_us=encounter.closed_utc_us,
    )


def advice_event(advice: Advice) -> AdviceChanged:
    """Return what screens are told of an advice."""
    drug, picture = advice.medication, advice.picture
    return AdviceChanged(
        unit=advice.unit,
        encounter_id=advice.encounter_id,
        advice_id=advice.advice_id,
        text=advice.text,
        by=advice.given_by,
        state=advice.state.value,
        given_utc_us=advice.given_utc_us,
        expires_utc_us=advice.expires_utc_us,
        answered_utc_us=advice.answered_utc_us,
        answered_by=advice.answered_by,
        reason=advice.reason,
        read_back=advice.read_back,
        administered_utc_us=advice.administered_utc_us,
        administered_dose=advice.administered_dose,
        withdraw_asked_utc_us=advice.withdraw_asked_utc_us,
        medication=None
        if drug is None
        else MedicationView.model_validate(drug.model_dump(exclude={"kind"})),
        picture=None
        if picture is None
        else PictureView(
            width_px=picture.width_px,
            height_px=picture.height_px,
            captured_utc_us=picture.captured_utc_us,
            source=picture.source,
            standing="here",
        ),
        steps=[
            AdviceStep(said=step.said, at_utc_us=step.at_utc_us, by=step.by, detail=step.detail)
            for step in advice.steps
        ],
    )


def handoff_event(row: HandoffRow) -> HandoffChanged:
    """Return what screens are told of a hand-over."""
    return HandoffChanged(
        unit=row.unit,
        encounter_id=row.encounter_id,
        handover_id=row.handover_id,
        hospital_id=row.hospital_id,
        state=row.state,
        attempts=row.attempts,
        detail=row.detail,
        updated_utc_us=row.updated_utc_us,
    )
