"""OpenAPI documents of the two HTTP APIs: the hub's, and that of the vehicle's tablet."""

import json
from collections.abc import Collection
from typing import Final

from fastapi import FastAPI

from edge_agent.tablet.routes import routes_alone as tablet_routes
from hub.api.application import routes_alone as hub_routes
from hub.media import Lasting, MediaClient, MediaSettings, MediaTokens
from protocols.runtime.clock import SystemClock

_NO_SECRET: Final = "-" * 32


def hub_openapi() -> str:
    """Return the hub's document as JSON."""
    tokens = MediaTokens(secret=_NO_SECRET, ttl_s=1, clock=SystemClock())
    media = MediaClient(token=_NO_SECRET)
    lasting = Lasting(media, SystemClock(), _none)
    settings = MediaSettings()
    return _text(hub_routes(media=media, tokens=tokens, media_settings=settings, lasting=lasting))


def tablet_openapi() -> str:
    """Return the tablet's document as JSON."""
    return _text(tablet_routes())


async def _none(_grants: Collection[str]) -> Collection[str]:
    return ()


def _text(app: FastAPI) -> str:
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"
