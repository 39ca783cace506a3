"""Alarms at the tablet: who has seen one, and the pause of the sound: `/api/v1/alarms/…`."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from edge_agent.tablet.crew import Crew, vehicle_of

router = APIRouter(prefix="/api/v1/alarms")

AlarmId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


@router.post("/{alarm_id}/acknowledge")
async def acknowledge(alarm_id: AlarmId, member: Crew, request: Request) -> dict[str, Any]:
    """Say that the alarm has been seen; a second time changes nothing."""
    vehicle = vehicle_of(request)
    await vehicle.alarms.acknowledge(alarm_id, by=member.name)
    return vehicle.state()


@router.post("/pause")
async def pause(member: Crew, request: Request) -> dict[str, Any]:
    """Silence the sound for two minutes; what begins meanwhile sounds again."""
    vehicle = vehicle_of(request)
    await vehicle.alarms.pause(by=member.name)
    return vehicle.state()


@router.delete("/pause")
async def sound(_member: Crew, request: Request) -> dict[str, Any]:
    """End the pause of the sound."""
    vehicle = vehicle_of(request)
    vehicle.alarms.sound_again()
    return vehicle.state()
