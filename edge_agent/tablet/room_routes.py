"""Whom the crew rings and what it writes to the room: `/api/v1/room`."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Request
from pydantic import Field, model_validator

from edge_agent.tablet.crew import Body, Crew, vehicle_of
from protocols.ids import TopicSafe
from protocols.messages.room import Name

room_router = APIRouter(prefix="/api/v1/room")


class RingEntry(Body):
    """One team, one person, or every doctor of one hospital; and when one expects to be there."""

    team_id: TopicSafe | None = None
    username: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    organisation: Name | None = None
    eta_s: Annotated[float, Field(ge=0, le=6 * 3600, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _rings_one(self) -> Self:
        if [self.team_id, self.username, self.organisation].count(None) != 2:  # noqa: PLR2004
            raise ValueError("ring a team, a person or a hospital")
        return self


class Words(Body):
    """What the crew writes to the room."""

    text: Annotated[
        str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")
    ]


@room_router.post("/rings")
async def ring(entry: RingEntry, member: Crew, request: Request) -> dict[str, Any]:
    """Ring; where no encounter is open, one is opened."""
    vehicle = vehicle_of(request)
    await vehicle.orders.room.ring(
        by=member.name,
        team_id=entry.team_id,
        username=entry.username,
        organisation=entry.organisation,
        eta_s=entry.eta_s,
    )
    return vehicle.state()


@room_router.post("/rings/{ring_id}/cancel")
async def cancel(ring_id: str, member: Crew, request: Request) -> dict[str, Any]:
    """Need nobody any more."""
    vehicle = vehicle_of(request)
    await vehicle.orders.room.cancel(ring_id, by=member.name)
    return vehicle.state()


@room_router.post("/texts")
async def say(entry: Words, member: Crew, request: Request) -> dict[str, Any]:
    """Write to the room."""
    vehicle = vehicle_of(request)
    await vehicle.orders.room.say(entry.text, by=member.name)
    return vehicle.state()
