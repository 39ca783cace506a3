"""The hub's screens, built by `web/` into `static/`."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from protocols.errors import NotFoundError
from protocols.http.pages import page_of

router = APIRouter(include_in_schema=False)

STATIC: Final = Path(__file__).parent / "static"
APPS: Final = ("doctor", "operator")


@router.get("/")
async def start() -> Response:
    """Send people to the doctor's screen; operators find theirs from the sign-in page."""
    return RedirectResponse("/doctor/")


@router.get("/{app}/{path:path}")
async def page(app: str, path: str) -> Response:
    """Return a file of a screen; paths without a file are the screen's own pages."""
    if app not in APPS:
        raise NotFoundError(what="page", path=f"/{app}")
    return page_of(STATIC / app, path)
