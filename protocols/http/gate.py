"""The gate before every route: bounds bodies, refuses foreign pages, adds the security headers."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from protocols.errors import AccessError
from protocols.http.problems import problem

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

    def __init__(
        self, app: ASGIApp, *, origins: frozenset[str] = frozenset(), open_to_all: str = "-"
    ) -> None:
        """`origins`: further pages that may ask; `open_to_all`: a path that any page may use."""
        self._app = app
        self._origins = origins
        self._open = open_to_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            await _too_large(scope, receive, send)
            return
        is_open = request.url.path.startswith(self._open)
        if request.method not in SAFE and not is_open:
            try:
                check_origin(request.headers, self._origins)
            except AccessError as err:
                await problem(403, err.code, str(err), err.facts)(scope, receive, send)
                return

        bounded = _Bounded(receive)

        async def send_with_headers(message: Message) -> None:
            if bounded.is_over:
                return  # the answer is ours
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

        await self._app(scope, bounded, send_with_headers)
        if bounded.is_over:
            await _too_large(scope, receive, send)


_too_large = problem(413, "http.413", f"more than {MAX_BODY_BYTES} bytes")


class _Bounded:
    """Cuts off a body that was sent in chunks and passes the bound."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._seen_bytes = 0

    @property
    def is_over(self) -> bool:
        """The body was too long, whatever was made of it."""
        return self._seen_bytes > MAX_BODY_BYTES

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen_bytes += len(message.get("body", b""))
            if self.is_over:
                return {"type": "http.disconnect"}
        return message
