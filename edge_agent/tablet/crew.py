"""Who asks the tablet's API, and what every request has in common."""

from typing import Annotated, Final

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict

from edge_agent.tablet.sign_in import CrewMember, SignIn
from edge_agent.tablet.state import Vehicle
from protocols.errors import SignInError

COOKIE: Final = "gh_tablet"


class Body(BaseModel):
    """What every request body has in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")


async def signed_in(request: Request) -> CrewMember:
    """Return who holds the tablet.

    Raises:
        SignInError: nobody has entered the PIN here.
    """
    sign_in: SignIn = request.app.state.sign_in
    member = sign_in.who(request.cookies.get(COOKIE))
    if member is None:
        raise SignInError(reason="enter the PIN first")
    return member


Crew = Annotated[CrewMember, Depends(signed_in)]


def vehicle_of(request: Request) -> Vehicle:
    """Return the vehicle that this tablet is of."""
    vehicle: Vehicle = request.app.state.vehicle
    return vehicle
