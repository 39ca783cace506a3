"""What the crew says to advice and to orders of drugs: `/api/v1/advice`."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from edge_agent.tablet.crew import Body, Crew, vehicle_of
from protocols.consult import AdviceEvent
from protocols.ids import UUID_PATTERN
from protocols.messages.medication import Dose, DoseUnit, Route

advice_router = APIRouter(prefix="/api/v1/advice")


class ReadBack(Body):
    """What the crew read back of a drug: the dose typed again, its unit and the way it goes."""

    dose: Dose
    unit: DoseUnit
    route: Route


class Administered(Body):
    """When the drug was given, and how much where it was not the dose that was ordered."""

    ago_s: Annotated[float, Field(ge=0, le=86_400)] = 0
    dose: Dose | None = None


class Declined(Body):
    """Why the crew does not do it."""

    reason: Annotated[str, Field(min_length=1, max_length=400)]


@advice_router.post("/{order_id}/seen")
async def seen(order_id: str, member: Crew, request: Request) -> dict[str, Any]:
    """Say that the advice has been seen."""
    vehicle = vehicle_of(request)
    await vehicle.orders.advice.answer(order_id, AdviceEvent.SEE, by=member.name)
    return vehicle.state()


@advice_router.post("/{order_id}/read_back")
async def read_back(
    order_id: str, entry: ReadBack, member: Crew, request: Request
) -> dict[str, Any]:
    """Read an ordered drug back; what was not ordered is refused and put on record."""
    vehicle = vehicle_of(request)
    await vehicle.orders.advice.read_back(
        order_id, dose=entry.dose, unit=entry.unit, route=entry.route, by=member.name
    )
    return vehicle.state()


@advice_router.post("/{order_id}/confirm")
async def confirm(order_id: str, member: Crew, request: Request) -> dict[str, Any]:
    """Confirm the advice; a drug once it has been read back."""
    vehicle = vehicle_of(request)
    await vehicle.orders.advice.answer(order_id, AdviceEvent.CONFIRM, by=member.name)
    return vehicle.state()


@advice_router.post("/{order_id}/administered")
async def administered(
    order_id: str, entry: Administered, member: Crew, request: Request
) -> dict[str, Any]:
    """Say that the drug was given, and when."""
    vehicle = vehicle_of(request)
    await vehicle.orders.advice.administered(
        order_id, by=member.name, ago_s=entry.ago_s, dose=entry.dose
    )
    return vehicle.state()


@advice_router.get(
    "/{order_id}/picture",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)
async def picture(
    order_id: Annotated[str, Path(pattern=UUID_PATTERN)], _member: Crew, request: Request
) -> Response:
    """Return the picture that a doctor sent, as JPEG."""
    jpeg = vehicle_of(request).orders.advice.pictures.jpeg(order_id)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})


@advice_router.post("/{order_id}/decline")
async def decline(order_id: str, entry: Declined, member: Crew, request: Request) -> dict[str, Any]:
    """Decline the advice, with a reason."""
    vehicle = vehicle_of(request)
    await vehicle.orders.advice.answer(
        order_id, AdviceEvent.DECLINE, by=member.name, reason=entry.reason
    )
    return vehicle.state()
