"""Hospitals and hand-overs over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from hub.access.desk import Desk
from hub.access.rights import Action
from hub.api.gate import SignedIn
from hub.consult.events import handoff_event
from hub.handoff.case import case_of
from hub.handoff.client import without_words
from hub.handoff.document import document_of
from hub.handoff.service import Handoff
from hub.store import encounters, handoffs
from protocols.errors import NotFoundError
from protocols.ids import UUID_PATTERN, HospitalId
from protocols.live import HandoffChanged

handoff_router = APIRouter(prefix="/api/v1", tags=["hand-off"])

EncounterPath = Annotated[str, Path(pattern=UUID_PATTERN)]


class HospitalOut(BaseModel):
    """One hospital to which crews can hand over."""

    hospital_id: str
    name: str


class HandoffLine(BaseModel):
    """How one hand-over stands; those who may not see patients see no words of the hospital's."""

    handover_id: str
    encounter_id: str | None
    unit: str
    hospital_id: str
    state: Literal["queued", "accepted", "failed"]
    attempts: int
    detail: str | None
    asked_utc_us: int
    updated_utc_us: int


@handoff_router.get("/hospitals", summary="See the hospitals")
async def see_hospitals(principal: SignedIn, request: Request) -> list[HospitalOut]:
    """Return the hospitals, in the order of the configuration."""
    principal.require(Action.SEE_FLEET)
    handoff: Handoff = request.app.state.handoff
    return [
        HospitalOut(hospital_id=one.hospital_id, name=one.name)
        for one in handoff.hospitals.values()
    ]


@handoff_router.get("/handoffs", summary="See how hand-overs stand")
async def see_all_handoffs(
    principal: SignedIn,
    request: Request,
    state: Literal["queued", "accepted", "failed", "all"] = "all",
) -> list[HandoffLine]:
    """Return hand-overs of all units, the last changed first, at most 500."""
    principal.require(Action.SEE_HANDOFFS)
    is_clinical = principal.may(Action.SEE_PATIENT)
    return [
        HandoffLine(
            handover_id=row.handover_id,
            encounter_id=row.encounter_id if is_clinical else None,
            unit=row.unit,
            hospital_id=row.hospital_id,
            state=row.state,
            attempts=row.attempts,
            detail=row.detail if is_clinical else without_words(row.detail),
            asked_utc_us=row.asked_utc_us,
            updated_utc_us=row.updated_utc_us,
        )
        for row in await handoffs.listed(request.app.state.pool, state=state)
    ]


@handoff_router.get("/encounters/{encounter_id}/handoffs", summary="See an encounter's hand-overs")
async def see_handoffs(
    encounter_id: EncounterPath, principal: SignedIn, request: Request
) -> list[HandoffChanged]:
    """Return the hand-overs, oldest first, each with its newest state."""
    principal.require(Action.SEE_PATIENT)
    pool = request.app.state.pool
    encounter = await encounters.find(pool, encounter_id)
    desk: Desk = request.app.state.desk
    await desk.looked(principal, encounter.unit, "handoffs")
    found = await handoffs.of_encounter(pool, encounter.encounter_id)
    return [handoff_event(one) for one in found]


@handoff_router.get(
    "/encounters/{encounter_id}/document", summary="Read a hand-over's FHIR document"
)
async def see_document(
    encounter_id: EncounterPath,
    principal: SignedIn,
    request: Request,
    handover_id: Annotated[str | None, Query(pattern=UUID_PATTERN)] = None,
) -> JSONResponse:
    """Return the Bundle as it would be sent now; of the newest hand-over unless one is named."""
    principal.require(Action.SEE_PATIENT)
    state = request.app.state
    desk: Desk = state.desk
    handoff: Handoff = state.handoff
    encounter = await encounters.find(state.pool, encounter_id)
    await desk.looked(principal, encounter.unit, "document")
    rows = await handoffs.of_encounter(state.pool, encounter.encounter_id)
    row = next((one for one in reversed(rows) if handover_id in {None, one.handover_id}), None)
    hospital = handoff.hospitals.get(HospitalId(row.hospital_id)) if row else None
    if row is None or hospital is None:
        raise NotFoundError(what="handover", encounter_id=encounter_id)
    case = await case_of(state.pool, encounter)
    bundle = document_of(case, row, hospital, now_utc_us=state.clock.utc_us())
    return JSONResponse(bundle, media_type="application/fhir+json")
