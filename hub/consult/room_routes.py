"""The room over HTTP: rings for whoever asks, who is there, what was said, and the whole record."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from hub.access.desk import Desk
from hub.access.rights import Action
from hub.api.gate import SignedIn, SignedInOrGuest, anybody
from hub.consult.consult import Consult
from hub.consult.record import Entry, record_of
from hub.store import encounters
from protocols.errors import AccessError, SignInError
from protocols.ids import UUID_PATTERN
from protocols.live.room import RingChanged, RoomChanged, VoicesChanged

room_router = APIRouter(prefix="/api/v1", tags=["room"])

_Id = Annotated[str, Path(pattern=UUID_PATTERN)]


class Rung(BaseModel):
    """The rings that last for whoever asks, oldest first."""

    rings: list[RingChanged]


class Joining(BaseModel):
    """Where a ring leads to."""

    unit: str
    encounter_id: str


class Words(BaseModel):
    """What is said to the room."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[
        str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")
    ]


class Record(BaseModel):
    """Everything that happened in an encounter's room, as it fell."""

    entries: list[Entry]


@room_router.get("/rings", summary="See who rings for you")
async def rings(principal: SignedIn, request: Request) -> Rung:
    """Return the rings that last for whoever asks."""
    principal.require(Action.JOIN_ROOM)
    consult: Consult = request.app.state.consult
    return Rung(rings=await consult.rings.of(principal))


@room_router.post("/rings/{ring_id}/join", summary="Answer a ring")
async def join(ring_id: _Id, principal: SignedIn, request: Request) -> Joining:
    """Say where the ring leads; whoever opens that room with a screen has answered it."""
    principal.require(Action.JOIN_ROOM)
    consult: Consult = request.app.state.consult
    encounter = await consult.rings.encounter_of(ring_id, principal)
    desk: Desk = request.app.state.desk
    await desk.note(principal, "ring.join", encounter.unit, ring=ring_id)
    return Joining(unit=encounter.unit, encounter_id=encounter.encounter_id)


@room_router.post("/rings/{ring_id}/decline", status_code=204, summary="Decline a ring")
async def decline(ring_id: _Id, principal: SignedIn, request: Request) -> None:
    """Say that you cannot come: the next of the list rings as soon as nobody else of yours does."""
    principal.require(Action.JOIN_ROOM)
    consult: Consult = request.app.state.consult
    await consult.rings.decline(ring_id, principal)


@room_router.get("/encounters/{encounter_id}/room", summary="See who is in the room")
async def room(encounter_id: _Id, principal: SignedInOrGuest, request: Request) -> RoomChanged:
    """Return who is there and how the rings stand."""
    principal.require(Action.SEE_PATIENT, encounter_id=encounter_id)
    state = request.app.state
    encounter = await encounters.find(state.pool, encounter_id)
    consult: Consult = state.consult
    return await consult.rooms.view(encounter.encounter_id, encounter.unit)


@room_router.get("/encounters/{encounter_id}/voices", summary="See who is heard and who speaks")
async def voices(
    encounter_id: _Id,
    request: Request,
    since: Annotated[int | None, Query(ge=0)] = None,
    crew_bps: Annotated[int | None, Query(ge=0, le=510_000)] = None,
) -> VoicesChanged:
    """Return the room's conversation; with `since`, once it is another than in that version.

    The vehicle that asks may say what its link carries of one voice.
    """
    principal = await anybody(request)
    if principal is None:
        raise SignInError(reason="sign in first")
    request.state.principal = principal
    state, is_crew = request.app.state, principal.unit is not None
    if not is_crew:
        principal.require(Action.SEE_PATIENT, encounter_id=encounter_id)
    encounter = await encounters.find(state.pool, encounter_id)
    if is_crew and principal.unit != encounter.unit:
        raise AccessError(action="room.voices", unit=encounter.unit)
    consult: Consult = state.consult
    if since is None:
        return consult.voices.view(encounter.encounter_id, encounter.unit)
    return await consult.voices.next_view(
        encounter.encounter_id,
        encounter.unit,
        since=since,
        crew_bps=crew_bps if is_crew else None,
    )


@room_router.post("/encounters/{encounter_id}/texts", status_code=204, summary="Say something")
async def say(encounter_id: _Id, body: Words, principal: SignedInOrGuest, request: Request) -> None:
    """Say something to everybody in the room and to the crew."""
    principal.require(Action.JOIN_ROOM, encounter_id=encounter_id)
    consult: Consult = request.app.state.consult
    desk: Desk = request.app.state.desk
    desk.count_words(principal)
    await consult.rooms.say(encounter_id, body.text, principal)


@room_router.get("/encounters/{encounter_id}/record", summary="See the room's record")
async def record(encounter_id: _Id, principal: SignedInOrGuest, request: Request) -> Record:
    """Return everything that happened: rung, joined, left, said, ordered, read back, given."""
    principal.require(Action.SEE_PATIENT, encounter_id=encounter_id)
    state = request.app.state
    encounter = await encounters.find(state.pool, encounter_id)
    desk: Desk = state.desk
    await desk.looked(principal, encounter.unit, "record")
    return Record(entries=await record_of(state.pool, encounter.encounter_id))
