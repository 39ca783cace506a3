"""Orders of drugs over HTTP, what may be ordered, and advice that is taken back."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import Field

from hub.access.desk import Desk
from hub.access.rights import Action
from hub.api.gate import SignedIn
from hub.consult.consult import Consult
from hub.consult.events import advice_event
from hub.consult.formulary import Formulary, Wanted
from protocols.ids import UUID_PATTERN
from protocols.live import AdviceChanged

order_router = APIRouter(prefix="/api/v1", tags=["encounters"])

_Id = Annotated[str, Path(pattern=UUID_PATTERN)]


class DrugOrder(Wanted):
    """A drug to be given, and for how long the order holds."""

    valid_for_s: Annotated[float, Field(ge=30, le=86_400, allow_inf_nan=False)] = 600


@order_router.get("/formulary", summary="See what may be ordered")
async def formulary(principal: SignedIn, request: Request) -> Formulary:
    """Return the drugs, the ways in which each may be given, and whose word each range is."""
    principal.require(Action.ADVISE)
    consult: Consult = request.app.state.consult
    return consult.advising.formulary


@order_router.post("/encounters/{encounter_id}/orders", status_code=201, summary="Order a drug")
async def order(
    encounter_id: _Id, body: DrugOrder, principal: SignedIn, request: Request
) -> AdviceChanged:
    """Send an order to the crew, who read it back; one that the formulary refuses is not sent."""
    principal.require(Action.ADVISE)
    consult: Consult = request.app.state.consult
    wanted = Wanted.model_validate(body.model_dump(exclude={"valid_for_s"}))
    given = await consult.advising.order(
        encounter_id, wanted, valid_for_s=body.valid_for_s, who=principal
    )
    desk: Desk = request.app.state.desk
    await desk.note(
        principal, "encounter.order", given.unit, advice=given.advice_id, drug=wanted.drug
    )
    return advice_event(given)


@order_router.post(
    "/encounters/{encounter_id}/advice/{advice_id}/withdraw", summary="Take an advice back"
)
async def withdraw(
    encounter_id: _Id, advice_id: _Id, principal: SignedIn, request: Request
) -> AdviceChanged:
    """Take an advice or order back; its state says whether that reached the vehicle in time."""
    principal.require(Action.ADVISE)
    consult: Consult = request.app.state.consult
    asked = await consult.advising.withdraw(encounter_id, advice_id, who=principal)
    desk: Desk = request.app.state.desk
    await desk.note(principal, "encounter.withdraw", asked.unit, advice=asked.advice_id)
    return advice_event(asked)
