"""The WebSocket of the live feed: `/api/v1/live`."""

import asyncio
import contextlib
from importlib.metadata import version
from typing import Final

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from hub.access.desk import Desk
from hub.access.rights import Action, Principal
from hub.api.feed import MAX_VIEWERS, MAX_VIEWERS_EACH, Feed, Viewer, parse_watch
from hub.api.gate import COOKIE, signed_in_socket
from hub.consult import Rooms
from hub.store.database import DATABASE_ERRORS
from protocols.clock import Clock
from protocols.consult.seats import Left
from protocols.errors import AccessError, ConflictError, NotFoundError
from protocols.live import Hello

router = APIRouter(tags=["live"])

_MAX_MESSAGE: Final = 8_192
_SEND_TIMEOUT_S: Final = 15.0
_PAUSE_S: Final = 0.25
"""Between two questions of one screen: the whole fleet is a large answer."""

# Source: RFC 6455, 7.4.1, and the private range of 7.4.2
_TRY_AGAIN: Final = 1013
_BAD_DATA: Final = 1007
_NOT_SIGNED_IN: Final = 4401
_BROKEN: Final = 1006
_PAGE_CLOSED: Final = frozenset({1000, 1001})
"""The page was closed, or loaded again: who it was for comes back at once, or has left."""


@router.websocket("/api/v1/live")
async def live(socket: WebSocket) -> None:
    """Serve one screen until it leaves."""
    state = socket.app.state
    principal = await signed_in_socket(socket, state.origins)
    await socket.accept()
    if principal is None or not (principal.guest_of or principal.may(Action.SEE_FLEET)):
        await socket.close(_NOT_SIGNED_IN, "sign in first")
        return
    feed: Feed = state.feed
    is_full = feed.viewers >= MAX_VIEWERS
    if is_full or feed.viewers_of(principal.subject) >= MAX_VIEWERS_EACH:
        await socket.close(_TRY_AGAIN, "too many screens")
        return
    viewer = feed.join(principal)
    rooms: Rooms = state.consult.rooms
    going = Left.LOST
    try:
        going = await _serve(socket, viewer, principal)
    finally:
        feed.leave(viewer)
        with contextlib.suppress(*DATABASE_ERRORS):  # the next start finds the seat and clears it
            if going is Left.REVOKED:
                await rooms.leave(viewer, why=going)
            await rooms.screen_gone(viewer, going=going)


async def _serve(socket: WebSocket, viewer: Viewer, principal: Principal) -> Left:
    """Serve until it is over; return why whoever watched is no longer here."""
    clock: Clock = socket.app.state.clock
    hello = Hello(now_utc_us=clock.utc_us(), server="hub", software=version("goldenhour"))
    await socket.send_text(hello.model_dump_json())

    async def send(message: str | bytes) -> None:
        async with asyncio.timeout(_SEND_TIMEOUT_S):  # a screen that takes nothing is let go
            if isinstance(message, bytes):
                await socket.send_bytes(message)
            else:
                await socket.send_text(message)

    sending = asyncio.create_task(viewer.run(send, clock), name="live.send")
    hearing = asyncio.create_task(_hear(socket, viewer, principal), name="live.hear")
    lasting = asyncio.create_task(_outlast(socket, viewer), name="live.session")
    tasks = {sending, hearing, lasting}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if lasting.done():
            return Left.REVOKED
        said_good_bye = hearing.done() and not hearing.cancelled() and hearing.exception() is None
        return Left.CLOSED if said_good_bye and hearing.result() in _PAGE_CLOSED else Left.LOST
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if socket.application_state is not WebSocketState.DISCONNECTED:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the client closed first
                await socket.close()


async def _sit(rooms: Rooms, viewer: Viewer, room: str | None) -> None:
    """Have the viewer in the room that it asks for, if it may be there, and in no other."""
    if viewer.seat is not None and viewer.seat != room:
        await rooms.leave(viewer)
    if room is not None:
        with contextlib.suppress(NotFoundError, ConflictError, AccessError):
            await rooms.enter(viewer, room)


async def _outlast(socket: WebSocket, viewer: Viewer) -> None:
    """Close the socket when the session, or the guest's link, that opened it ends."""
    desk: Desk = socket.app.state.desk
    principal = viewer.principal
    if principal.guest_of is None:
        await desk.wait_ended(principal, socket.cookies[COOKIE])
    else:
        waits = {
            asyncio.create_task(desk.guests.wait_ended(principal)),
            asyncio.create_task(viewer.over.wait()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
    await socket.close(_NOT_SIGNED_IN, "the session has ended")


async def _hear(socket: WebSocket, viewer: Viewer, principal: Principal) -> int:
    """Follow what the screen asks for until it goes; return the code with which it closed."""
    desk: Desk = socket.app.state.desk
    clock: Clock = socket.app.state.clock
    rooms: Rooms = socket.app.state.consult.rooms
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return int(message.get("code") or _BROKEN)
        text = message.get("text")
        try:
            if text is None or len(text) > _MAX_MESSAGE:
                raise ValueError("binary, or too long")  # noqa: TRY301 -- one answer for all that is wrong
            watch = parse_watch(text)
        except ValueError:
            await socket.close(_BAD_DATA, "not a watch message")
            return _BAD_DATA
        for unit in watch.units:
            if principal.may(Action.SEE_PATIENT, unit=unit):
                await desk.looked(principal, unit, "live")
        viewer.follow(watch)
        await _sit(rooms, viewer, watch.room)
        await clock.sleep(_PAUSE_S)
