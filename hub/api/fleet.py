"""Fleet health: how every vehicle is, what is wrong first: `/api/v1/fleet/health`."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from hub.access.rights import Action
from hub.api.gate import SignedIn
from hub.fleet.health import UnitHealth, health_of, worst_first
from hub.store import ledgers
from protocols.ids import UnitId

router = APIRouter(prefix="/api/v1/fleet", tags=["fleet"])


class FleetHealth(BaseModel):
    """Every unit, what is wrong first."""

    now_utc_us: int
    units: list[UnitHealth]


@router.get("/health", summary="See how every vehicle is")
async def health(principal: SignedIn, request: Request) -> FleetHealth:
    """Return each vehicle's link, journal, disk, clock, cameras, devices, version and gaps."""
    principal.require(Action.SEE_FLEET)
    state = request.app.state
    now_utc_us = state.clock.utc_us()
    lost = await ledgers.losses(state.pool)
    return FleetHealth(
        now_utc_us=now_utc_us,
        units=worst_first(
            [
                health_of(
                    view,
                    state.fleet.reported(UnitId(view.unit)),
                    lost.get(UnitId(view.unit)),
                    now_utc_us=now_utc_us,
                )
                for view in state.fleet.views(now_utc_us=now_utc_us)
            ]
        ),
    )
