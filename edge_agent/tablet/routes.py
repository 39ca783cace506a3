"""The tablet's API: `/api/v1/…`, and the crew's screen at `/`. Routes only."""

import asyncio
import contextlib
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi import Path as InPath
from pydantic import Field
from starlette.websockets import WebSocketState

from edge_agent.journal import Journal
from edge_agent.tablet import alarm_routes
from edge_agent.tablet.advice_routes import advice_router
from edge_agent.tablet.crew import COOKIE, Body, Crew, vehicle_of
from edge_agent.tablet.feed import MAX_SCREENS, TabletFeed
from edge_agent.tablet.room_routes import room_router
from edge_agent.tablet.sign_in import CrewMember, SignIn
from edge_agent.tablet.state import Vehicle
from edge_agent.tablet.voice_routes import voice_router
from edge_agent.vehicle_clock import VehicleClock
from protocols.dispatch.unit_status import CrewEvent
from protocols.errors import AccessError, NotFoundError
from protocols.http import problems
from protocols.http.gate import Gate, check_origin
from protocols.http.pages import page_of
from protocols.ids import ID_PATTERN, TopicSafe
from protocols.link import Stream
from protocols.live import Hello
from protocols.messages import ConsciousnessNote, PatientNote

STATIC: Final = Path(__file__).parent / "static"
_SEND_TIMEOUT_S: Final = 15.0
_SESSION_LOOK_S: Final = 1.0
_MAX_MESSAGE: Final = 8_192
# Source: RFC 6455, 7.4.1, and the private range of 7.4.2
_TRY_AGAIN: Final = 1013
_NOT_SIGNED_IN: Final = 4401
_NO_ENCOUNTER: Final = "00000000-0000-0000-0000-000000000000"
"""Stands in a request; the run puts the encounter that is open in its place."""

router = APIRouter(prefix="/api/v1")


class PinEntry(Body):
    """A crew member's name and the vehicle's PIN."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    pin: Annotated[str, Field(min_length=1, max_length=12)]


class Pressed(Body):
    """What the crew says happened."""

    event: CrewEvent


class PatientEntry(Body):
    """What is known of the patient; what is left out is unknown."""

    family_name: Annotated[str, Field(max_length=80)] | None = None
    given_name: Annotated[str, Field(max_length=80)] | None = None
    sex: Literal["female", "male", "other", "unknown"] | None = None
    age_years: Annotated[int, Field(ge=0, le=130)] | None = None
    age_days: Annotated[int, Field(ge=0, le=366)] | None = None
    complaint: Annotated[str, Field(max_length=400)] | None = None


class ConsciousnessEntry(Body):
    """Level of consciousness and oxygen, for NEWS2."""

    acvpu: Literal["A", "C", "V", "P", "U"]
    on_oxygen: bool
    spo2_scale: Literal[1, 2] = 1


class HandoverEntry(Body):
    """To which hospital."""

    hospital_id: TopicSafe


class ShutterEntry(Body):
    """Whether the camera's shutter is to be closed."""

    closed: bool


@router.post("/session")
async def sign_in(entry: PinEntry, request: Request, response: Response) -> dict[str, str]:
    """Open a session by name and PIN."""
    desk: SignIn = request.app.state.sign_in
    address = request.client.host if request.client else "-"
    token = desk.open(entry.name, entry.pin, address=address)
    response.set_cookie(
        COOKIE,
        token,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )
    return {"name": entry.name}


@router.get("/session")
async def who(member: Crew) -> dict[str, str]:
    """Return who holds the tablet."""
    return {"name": member.name}


@router.delete("/session", status_code=204)
async def sign_out(request: Request, response: Response) -> None:
    """End the session of this tablet."""
    desk: SignIn = request.app.state.sign_in
    desk.close(request.cookies.get(COOKIE))
    response.delete_cookie(COOKIE, path="/")


@router.get("/state")
async def state(_member: Crew, request: Request) -> dict[str, Any]:
    """Return everything but the readings."""
    return vehicle_of(request).state()


@router.post("/status")
async def press(entry: Pressed, _member: Crew, request: Request) -> dict[str, Any]:
    """Move the run on."""
    vehicle = vehicle_of(request)
    await vehicle.run.press(entry.event)
    return vehicle.state()


@router.post("/status/undo")
async def undo(_member: Crew, request: Request) -> dict[str, Any]:
    """Take the last press back, within ten seconds."""
    vehicle = vehicle_of(request)
    await vehicle.run.undo()
    return vehicle.state()


@router.post("/patient")
async def patient(entry: PatientEntry, member: Crew, request: Request) -> dict[str, Any]:
    """Record what is known of the patient."""
    vehicle = vehicle_of(request)
    note = PatientNote(encounter_id=_NO_ENCOUNTER, by=member.name, **entry.model_dump())
    await vehicle.run.note_patient(note)
    return vehicle.state()


@router.post("/consciousness")
async def consciousness(
    entry: ConsciousnessEntry, member: Crew, request: Request
) -> dict[str, Any]:
    """Record consciousness and oxygen."""
    vehicle, journal = vehicle_of(request), _journal(request)
    stamp = request.app.state.clock.stamp()
    await journal.append(
        Stream.CHART,
        ConsciousnessNote(by=member.name, **entry.model_dump()),
        captured_utc_us=stamp.utc_us,
        clock=stamp.source,
        clock_error_us=stamp.error_us,
    )
    return vehicle.state()


@router.post("/handover")
async def hand_over(entry: HandoverEntry, member: Crew, request: Request) -> dict[str, str]:
    """Hand the patient over to a hospital of the list."""
    vehicle = vehicle_of(request)
    if entry.hospital_id not in {one.hospital_id for one in vehicle.orders.hospitals}:
        raise NotFoundError(what="hospital", hospital_id=entry.hospital_id)
    return {"handover_id": await vehicle.run.hand_over(entry.hospital_id, by=member.name)}


@router.post("/cameras/{camera}/shutter")
async def shutter(
    camera: Annotated[str, InPath(pattern=ID_PATTERN)],
    entry: ShutterEntry,
    _member: Crew,
    request: Request,
) -> dict[str, Any]:
    """Close a camera's shutter, or open it; while it is closed nothing is filmed or recorded."""
    vehicle = vehicle_of(request)
    await vehicle.shutter(camera, is_shut=entry.closed)
    return vehicle.state()


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    """Serve one screen until it leaves."""
    member = _member_of(socket)
    await socket.accept()
    feed: TabletFeed = socket.app.state.feed
    if member is None:
        await socket.close(_NOT_SIGNED_IN, "enter the PIN first")
        return
    if feed.screens >= MAX_SCREENS:
        await socket.close(_TRY_AGAIN, "too many screens")
        return
    hello = Hello(
        now_utc_us=socket.app.state.vehicle.clock.utc_us(),
        server="vehicle",
        software=version("goldenhour"),
    )
    screen = feed.join()

    async def send(message: str | bytes) -> None:
        async with asyncio.timeout(_SEND_TIMEOUT_S):  # a screen that takes nothing is let go
            if isinstance(message, bytes):
                await socket.send_bytes(message)
            else:
                await socket.send_text(message)

    async def serve() -> None:
        await send(hello.model_dump_json())
        await screen.run(send)

    tasks = {
        asyncio.create_task(serve()),
        asyncio.create_task(_hear(socket)),
        asyncio.create_task(_outlast(socket)),
    }
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        feed.leave(screen)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if socket.application_state is not WebSocketState.DISCONNECTED:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the client closed first
                await socket.close()


async def _outlast(socket: WebSocket) -> None:
    """Close the socket when the session that opened it has ended."""
    while _member_of(socket) is not None:
        await socket.app.state.clock.sleep(_SESSION_LOOK_S)
    await socket.close(_NOT_SIGNED_IN, "the session has ended")


async def _hear(socket: WebSocket) -> None:
    """Read what the screen says, a `watch` that changes nothing here, until it leaves."""
    with contextlib.suppress(WebSocketDisconnect, KeyError):
        while len(await socket.receive_text()) <= _MAX_MESSAGE:
            pass


def _member_of(socket: WebSocket) -> CrewMember | None:
    try:
        check_origin(socket.headers, frozenset())
    except AccessError:
        return None
    sign_in: SignIn = socket.app.state.sign_in
    return sign_in.who(socket.cookies.get(COOKIE))


def _journal(request: Request) -> Journal:
    journal: Journal = request.app.state.journal
    return journal


def tablet_app(
    vehicle: Vehicle, *, journal: Journal, feed: TabletFeed, sign_in: SignIn, clock: VehicleClock
) -> FastAPI:
    """Return the application."""
    app = routes_alone()
    app.state.vehicle, app.state.journal, app.state.feed = vehicle, journal, feed
    app.state.sign_in, app.state.clock = sign_in, clock
    app.add_middleware(Gate)
    problems.install(app)
    return app


def routes_alone() -> FastAPI:
    """Return the application without what it stands on: enough for its OpenAPI document."""
    app = FastAPI(
        title="Golden Hour tablet",
        version=version("goldenhour"),
        openapi_url=None,  # a crew has no use for it; docs/openapi-tablet.json is this document
        description="The vehicle's own API, for its tablet. Enter the PIN at `/api/v1/session`.",
    )
    app.include_router(router)
    app.include_router(alarm_routes.router)
    app.include_router(advice_router)
    app.include_router(room_router)
    app.include_router(voice_router)

    @app.get("/{path:path}", include_in_schema=False)
    async def page(path: str) -> Response:
        if path.startswith("api/"):
            raise NotFoundError(what="path", path=f"/{path[:120]}")
        return page_of(STATIC, path)

    return app
