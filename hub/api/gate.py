"""Who asks: a person by session cookie, a guest by their link, a unit by its credential."""

import base64
import binascii
from typing import Annotated, Final

from fastapi import Depends, Path, Request, WebSocket

from hub.access.desk import Desk
from hub.access.guests import Guests
from hub.access.rights import Principal
from protocols.errors import AccessError, SignInError
from protocols.http.gate import check_origin
from protocols.ids import ID_PATTERN, UnitId

COOKIE: Final = "gh_session"
GUEST_COOKIE: Final = "gh_guest"


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


async def guest(request: Request | WebSocket) -> Principal | None:
    """Return which guest asks, by the cookie of their link; None for nobody."""
    token = request.cookies.get(GUEST_COOKIE)
    guests: Guests | None = getattr(request.app.state, "guests", None)
    return await guests.who(token) if token and guests is not None else None


async def signed_in_or_guest(request: Request) -> Principal:
    """Return who asks: somebody with a session, or else a guest by their link.

    Only for routes that require a right in one encounter or unit, for a guest has it there alone.

    Raises:
        SignInError: nobody.
    """
    try:
        return await signed_in(request)
    except SignInError:
        principal = await guest(request)
        if principal is None:
            raise
        request.state.principal = principal
        return principal


SignedInOrGuest = Annotated[Principal, Depends(signed_in_or_guest)]


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
    known = await desk.who(token) if token else None
    return known or await guest(request)


async def vehicle(unit: Annotated[str, Path(pattern=ID_PATTERN)], request: Request) -> UnitId:
    """Return the unit that asks, by its own credential.

    Raises:
        SignInError: nobody known.
        AccessError: a person, or another unit.
    """
    principal = await anybody(request)
    if principal is None:
        raise SignInError(reason="sign in as the unit")
    request.state.principal = principal
    if not principal.may_publish(UnitId(unit)):
        raise AccessError(action="vehicle", actor=principal.subject)
    return UnitId(unit)


Vehicle = Annotated[UnitId, Depends(vehicle)]


async def signed_in_socket(socket: WebSocket, origins: frozenset[str]) -> Principal | None:
    """Return who opens `socket`, or None: nobody known, or another origin's page."""
    try:
        check_origin(socket.headers, origins)
    except AccessError:
        return None
    token = socket.cookies.get(COOKIE)
    desk: Desk = socket.app.state.desk
    known = await desk.who(token) if token else None
    return known or await guest(socket)
