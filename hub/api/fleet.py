"""Fleet health: how every vehicle is, what is wrong first: `/api/v1/fleet/health`."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from hub.access.rights import Action
from hub.api.feed import for_eyes_of
from hub.api.gate import SignedIn
from hub.fleet.health import UnitHealth, health_of, worst_first
from hub.store import ledgers
from protocols.clinical.alarms import RANK
from protocols.ids import UnitId
from protocols.live import AlarmView
from protocols.messages import AlarmPriority

router = APIRouter(prefix="/api/v1/fleet", tags=["fleet"])


class FleetHealth(BaseModel):
    """Every unit, what is wrong first."""

    now_utc_us: int
    units: list[UnitHealth]


class UnitAlarm(BaseModel):
    """One standing alarm of one unit, and whether that unit is heard now."""

    unit: str
    call_sign: str
    is_heard: bool
    last_heard_utc_us: int | None
    alarm: AlarmView


class FleetAlarms(BaseModel):
    """Every standing alarm, the worst first; of a unit that is not heard, the last known."""

    now_utc_us: int
    alarms: list[UnitAlarm]


@router.get("/alarms", summary="See every standing alarm")
async def alarms(principal: SignedIn, request: Request) -> FleetAlarms:
    """Return what stands anywhere; without a right to the patient, only how urgent it is."""
    principal.require(Action.SEE_FLEET)
    state = request.app.state
    now_utc_us = state.clock.utc_us()
    views = [for_eyes_of(principal, v) for v in state.fleet.views(now_utc_us=now_utc_us)]
    found = [
        UnitAlarm(
            unit=view.unit,
            call_sign=view.call_sign,
            is_heard=view.link.state not in {"lost", "unknown"},
            last_heard_utc_us=view.link.last_heard_utc_us,
            alarm=alarm,
        )
        for view in views
        for alarm in view.alarms
    ]
    return FleetAlarms(now_utc_us=now_utc_us, alarms=sorted(found, key=_worst_first))


def _worst_first(one: UnitAlarm) -> tuple[bool, int, int, str]:
    alarm = one.alarm
    rank = RANK[AlarmPriority(alarm.priority)]
    return alarm.state == "acknowledged", -rank, -alarm.raised_utc_us, one.unit


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
