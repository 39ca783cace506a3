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
from protocols.clock import Clock
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


@router.websocket("/api/v1/live")
async def live(socket: WebSocket) -> None:
    """Serve one screen until it leaves."""
    state = socket.app.state
    principal = await signed_in_socket(socket, state.origins)
    await socket.accept()
    if principal is None or not principal.may(Action.SEE_FLEET):
        await socket.close(_NOT_SIGNED_IN, "sign in first")
        return
    feed: Feed = state.feed
    is_full = feed.viewers >= MAX_VIEWERS
    if is_full or feed.viewers_of(principal.subject) >= MAX_VIEWERS_EACH:
        await socket.close(_TRY_AGAIN, "too many screens")
        return
    viewer = feed.join(principal)
    try:
        await _serve(socket, viewer, principal)
    finally:
        feed.leave(viewer)


async def _serve(socket: WebSocket, viewer: Viewer, principal: Principal) -> None:
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
    lasting = asyncio.create_task(_outlast(socket, principal), name="live.session")
    tasks = {sending, hearing, lasting}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if socket.application_state is not WebSocketState.DISCONNECTED:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the client closed first
                await socket.close()


async def _outlast(socket: WebSocket, principal: Principal) -> None:
    """Close the socket when the session that opened it ends."""
    desk: Desk = socket.app.state.desk
    await desk.wait_ended(principal, socket.cookies[COOKIE])
    await socket.close(_NOT_SIGNED_IN, "the session has ended")


async def _hear(socket: WebSocket, viewer: Viewer, principal: Principal) -> None:
    desk: Desk = socket.app.state.desk
    clock: Clock = socket.app.state.clock
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        try:
            if text is None or len(text) > _MAX_MESSAGE:
                raise ValueError("binary, or too long")  # noqa: TRY301 -- one answer for all that is wrong
            watch = parse_watch(text)
        except ValueError:
            await socket.close(_BAD_DATA, "not a watch message")
            return
        if principal.may(Action.SEE_PATIENT):
            for unit in watch.units:
                await desk.looked(principal, unit, "live")
        viewer.follow(watch)
        await clock.sleep(_PAUSE_S)
