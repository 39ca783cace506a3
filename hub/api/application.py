"""The API put together: every route, the gate before them, errors in one shape."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request

from hub.access.desk import Desk
from hub.access.rights import Principal
from hub.api import audit, fleet, health, live, pages, records, session, units
from hub.api.feed import Feed
from hub.api.gate import anybody
from hub.consult import (
    Consult,
    consult_router,
    guest_router,
    order_router,
    picture_router,
    room_router,
)
from hub.fleet import FleetPicture
from hub.handoff import Handoff, handoff_router
from hub.media import (
    Claims,
    Lasting,
    MediaClient,
    MediaPrincipal,
    MediaSettings,
    MediaTokens,
    SourceId,
    media_router,
)
from hub.recordings import Recordings, recordings_router
from hub.store.database import DATABASE_ERRORS, Pool
from protocols.clock import Clock
from protocols.errors import AccessError
from protocols.http import problems
from protocols.http.gate import Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the routes stand on; each is an attribute of `app.state`."""

    clock: Clock
    pool: Pool
    desk: Desk
    fleet: FleetPicture
    feed: Feed
    consult: Consult
    handoff: Handoff
    lasting: Lasting
    recordings: Recordings
    health: Callable[[], Awaitable[dict[str, bool]]]
    addresses: dict[str, Any]  # what an enrolled unit needs to reach the hub
    origins: frozenset[str]
    session_s: float


def build_api(
    parts: Parts, *, media: MediaClient, tokens: MediaTokens, media_settings: MediaSettings
) -> FastAPI:
    """Return the application.

    Raises:
        ConfigError: the TURN password file cannot be read.
    """
    app = routes_alone(
        media=media,
        tokens=tokens,
        media_settings=media_settings,
        lasting=parts.lasting,
        desk=parts.desk,
    )
    for name in Parts.__slots__:
        setattr(app.state, name, getattr(parts, name))
    app.state.guests = parts.desk.guests
    # WHIP and WHEP obey a bearer token, which no page's browser adds by itself
    app.add_middleware(Gate, origins=parts.origins, open_to_all="/api/v1/media/wh")
    return app


def routes_alone(
    *,
    media: MediaClient,
    tokens: MediaTokens,
    media_settings: MediaSettings,
    lasting: Lasting,
    desk: Desk | None = None,
) -> FastAPI:
    """Return the application without what it stands on: enough for its OpenAPI document."""
    app = FastAPI(
        title="Golden Hour hub",
        version=version("goldenhour"),
        docs_url=None,
        redoc_url=None,
        description="Errors are problem+json (RFC 9457). Sign in at `/api/v1/session` first.",
    )

    async def looked(claims: Claims) -> None:
        if desk is not None and claims.act == "play":
            await desk.looked_by(claims.sub, claims.unit, f"camera/{claims.camera}")
        elif desk is not None and claims.act == "talk" and claims.sub != f"unit:{claims.unit}":
            await desk.looked_by(claims.sub, claims.unit, "voice")

    async def talking(request: Request, who: MediaPrincipal, source: SourceId) -> SourceId:
        consult: Consult = request.app.state.consult
        if not isinstance(who, Principal):
            raise AccessError(action="room.talk")
        return await consult.voices.admit(who, source)

    for one in (session, units, fleet, records, live, audit, health):
        app.include_router(one.router)
    app.include_router(consult_router)
    app.include_router(order_router)
    app.include_router(picture_router)
    app.include_router(room_router)
    app.include_router(guest_router)
    app.include_router(handoff_router)
    app.include_router(recordings_router)
    app.include_router(
        media_router(
            client=media,
            tokens=tokens,
            settings=media_settings,
            authorise=anybody,
            looked=looked,
            lasting=lasting,
            talking=talking,
        )
    )
    app.include_router(pages.router)
    problems.install(app, refused=_note_refusal, away=DATABASE_ERRORS)
    return app


async def _note_refusal(request: Request, error: AccessError) -> None:
    """Put into the audit who was refused what; nobody knows who has not signed in."""
    who: Principal | None = getattr(request.state, "principal", None)
    if who is not None:
        desk: Desk = request.app.state.desk
        action = str(error.facts.get("action", "access"))
        await desk.note(who, action, request.url.path[:200], refused=True)
