"""The gate: who asks, whether their page may, and how much they may send."""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request, WebSocket
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.access.desk import Desk
from hub.access.rights import Principal
from hub.api.problems import SignInError, problem
from protocols.errors import AccessError

COOKIE: Final = "gh_session"
MAX_BODY_BYTES: Final = 64 * 1024
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

SECURITY_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self' blob:;"
        " connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), microphone=(self), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
}


async def signed_in(request: Request) -> Principal:
    """Return who asks, by session cookie.

    Raises:
        SignInError: nobody, or the session has ended.
    """
    token = request.cookies.get(COOKIE)
    desk: Desk = request.app.state.desk
    principal = await desk.who(token) if token and len(token) <= 128 else None  # noqa: PLR2004
    if principal is None:
        raise SignInError(reason="sign in first")
    request.state.principal = principal
    return principal


SignedIn = Annotated[Principal, Depends(signed_in)]


async def anybody(request: Request) -> Principal | None:
    """Return who asks, by session cookie or as a unit by HTTP Basic (RFC 7617); None for nobody."""
    header = request.headers.get("authorization", "")
    desk: Desk = request.app.state.desk
    if header.lower().startswith("basic "):
        try:
            text = base64.b64decode(header[6:], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        name, _, password = text.partition(":")
        return await desk.unit_of(name[:64], password[:256])
    token = request.cookies.get(COOKIE)
    return await desk.who(token) if token else None


def check_origin(headers: Mapping[str, str], allowed: frozenset[str]) -> None:
    """Return if the page that asks is ours, or no page asks at all.

    Raises:
        AccessError: it is somebody else's (cross-site request forgery).
    """
    origin = headers.get("origin")
    if origin is None or origin in allowed:
        return
    if urlsplit(origin).netloc != headers.get("host"):
        raise AccessError(reason="a page of another origin may not do this")


class Gate:
    """ASGI middleware: bounds bodies, refuses foreign pages, adds the security headers."""

    def __init__(self, app: ASGIApp, *, origins: frozenset[str]) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            await problem(413, "http.413", f"more than {MAX_BODY_BYTES} bytes")(
                scope, receive, send
            )
            return
        media = request.url.path.startswith("/api/v1/media/wh")  # bearer tokens, open to all
        if request.method not in SAFE and not media:
            try:
                check_origin(request.headers, self._origins)
            except AccessError as err:
                await problem(403, err.code, str(err), err.facts)(scope, receive, send)
                return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.encode(), value.encode())
                        for name, value in SECURITY_HEADERS.items()
                        if name.encode() not in present
                    ),
                ]
            await send(message)

        await self._app(scope, _bounded(receive), send_with_headers)


def _bounded(receive: Receive) -> Receive:
    """Cut off a body that was sent in chunks and passes the bound."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > MAX_BODY_BYTES:
                return {"type": "http.disconnect"}
        return message

    return bounded


async def signed_in_socket(socket: WebSocket, origins: frozenset[str]) -> Principal | None:
    """Return who opens `socket`, or None: nobody known, or another origin's page."""
    try:
        check_origin(socket.headers, origins)
    except AccessError:
        return None
    token = socket.cookies.get(COOKIE)
    desk: Desk = socket.app.state.desk
    return await desk.who(token) if token else None
