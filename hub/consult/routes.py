"""Encounters and advice over HTTP: `/api/v1/encounters`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from hub.access.desk import Desk
from hub.access.rights import Action, Principal
from hub.api.gate import SignedIn, SignedInOrGuest
from hub.consult.alarms import AlarmEpisode, alarms_of
from hub.consult.consult import Consult
from hub.consult.events import advice_event, handoff_event
from hub.consult.patient import newest_patient, nodes_of
from hub.store import advice, encounters, handoffs
from hub.store.encounters import Encounter
from protocols.ids import ID_PATTERN, UUID_PATTERN, TopicSafe, UnitId
from protocols.live import AdviceChanged, HandoffChanged
from protocols.live.feed import NodeView
from protocols.messages import PatientNote

consult_router = APIRouter(prefix="/api/v1/encounters", tags=["encounters"])

EncounterPath = Annotated[str, Path(pattern=UUID_PATTERN)]


class EncounterOut(BaseModel):
    """One patient in one unit's care."""

    encounter_id: str
    unit: str
    state: Literal["open", "closed"]
    opened_utc_us: int
    opened_by: str
    closed_utc_us: int | None


class Encounters(BaseModel):
    """Encounters, newest first."""

    encounters: list[EncounterOut]


class EncounterWhole(EncounterOut):
    """An encounter with all that belongs to it."""

    patient: PatientNote | None
    nodes: list[NodeView]
    alarms: list[AlarmEpisode]
    advice: list[AdviceChanged]
    handoffs: list[HandoffChanged]


class Opening(BaseModel):
    """Whose patient."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: TopicSafe


class AdviceText(BaseModel):
    """What the doctor advises, and for how long it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[
        str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")
    ]
    """Something that can be read; no NUL, which cannot be stored."""
    valid_for_s: Annotated[float, Field(ge=30, le=86_400)] = 600


@consult_router.get("", summary="See encounters")
async def listed(
    principal: SignedIn,
    request: Request,
    state: Literal["open", "closed", "all"] = "open",
    unit: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
) -> Encounters:
    """Return encounters, newest first, at most 500."""
    principal.require(Action.SEE_PATIENT)
    found = await encounters.listed(
        request.app.state.pool, state=state, unit=UnitId(unit) if unit else None
    )
    return Encounters(encounters=[_out(one) for one in found])


@consult_router.post("", status_code=201, summary="Open a unit's encounter")
async def open_one(
    body: Opening, principal: SignedIn, request: Request, response: Response
) -> EncounterOut:
    """Open an encounter (201), or return the one that is open (200)."""
    principal.require(Action.OPEN_ENCOUNTER)
    consult: Consult = request.app.state.consult
    encounter, is_new = await consult.open(UnitId(body.unit), principal)
    await _note(request, principal, "encounter.open", encounter)
    if not is_new:
        response.status_code = 200
    return _out(encounter)


@consult_router.get("/{encounter_id}", summary="See one encounter")
async def see(encounter_id: EncounterPath, principal: SignedIn, request: Request) -> EncounterWhole:
    """Return an encounter with its advice, hand-overs and what is known of the patient."""
    principal.require(Action.SEE_PATIENT)
    pool = request.app.state.pool
    encounter = await encounters.find(pool, encounter_id)
    desk: Desk = request.app.state.desk
    await desk.looked(principal, encounter.unit, "encounter")
    given = await advice.of_encounter(pool, encounter.encounter_id)
    sent = await handoffs.of_encounter(pool, encounter.encounter_id)
    return EncounterWhole(
        **_out(encounter).model_dump(),
        patient=await newest_patient(pool, encounter),
        nodes=[
            NodeView(node=one.node.value, at_utc_us=one.at_utc_us, source=one.source.value)
            for one in await nodes_of(pool, encounter)
        ],
        alarms=await alarms_of(pool, encounter),
        advice=[advice_event(one) for one in given],
        handoffs=[handoff_event(one) for one in sent],
    )


@consult_router.get("/{encounter_id}/advice", summary="See the advice given")
async def see_advice(
    encounter_id: EncounterPath, principal: SignedInOrGuest, request: Request
) -> list[AdviceChanged]:
    """Return the advice, oldest first, each with its newest state."""
    principal.require(Action.SEE_PATIENT, encounter_id=encounter_id)
    pool = request.app.state.pool
    encounter = await encounters.find(pool, encounter_id)
    desk: Desk = request.app.state.desk
    await desk.looked(principal, encounter.unit, "advice")
    found = await advice.of_encounter(pool, encounter.encounter_id)
    return [advice_event(one) for one in found]


@consult_router.post("/{encounter_id}/advice", status_code=201, summary="Give advice")
async def advise(
    encounter_id: EncounterPath, body: AdviceText, principal: SignedIn, request: Request
) -> AdviceChanged:
    """Send advice to the crew; it rings on the tablet until it is answered or expires."""
    principal.require(Action.ADVISE)
    consult: Consult = request.app.state.consult
    given = await consult.advise(
        encounter_id, body.text, valid_for_s=body.valid_for_s, who=principal
    )
    desk: Desk = request.app.state.desk
    await desk.note(principal, "encounter.advise", given.unit, advice=given.advice_id)
    return advice_event(given)


async def _note(request: Request, principal: Principal, action: str, encounter: Encounter) -> None:
    desk: Desk = request.app.state.desk
    await desk.note(principal, action, encounter.unit, encounter=encounter.encounter_id)


def _out(encounter: Encounter) -> EncounterOut:
    return EncounterOut(
        encounter_id=encounter.encounter_id,
        unit=encounter.unit,
        state=encounter.state,
        opened_utc_us=encounter.opened_utc_us,
        opened_by=encounter.opened_by,
        closed_utc_us=encounter.closed_utc_us,
    )
