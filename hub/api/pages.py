"""The screens: built by `web/` into `static/`, served with the right to be cached."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from protocols.errors import NotFoundError

router = APIRouter(include_in_schema=False)

STATIC: Final = Path(__file__).parent / "static"
APPS: Final = ("doctor", "operator")

_MISSING: Final = """<!doctype html><meta charset="utf-8"><title>Golden Hour</title>
<p>This screen has not been built. In the checkout, run <code>make setup</code>.</p>
<p lang="zh">此界面尚未构建。请在源码目录运行 <code>make setup</code>。</p>"""


@router.get("/")
async def start() -> Response:
    """Send people to the doctor's screen; operators find theirs from the sign-in page."""
    return RedirectResponse("/doctor/")


@router.get("/{app}/{path:path}")
async def page(app: str, path: str) -> Response:
    """Return a file of a screen; paths without a file are the screen's own pages."""
    if app not in APPS:
        raise NotFoundError(what="page", path=f"/{app}")
    folder = (STATIC / app).resolve()
    index = folder / "index.html"
    if not index.is_file():
        return HTMLResponse(_MISSING, 503)
    asked = (folder / path).resolve()
    if path and asked.is_relative_to(folder) and asked.is_file():
        hashed = path.startswith("assets/")  # the build puts a digest into these names
        age = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return FileResponse(asked, headers={"Cache-Control": age})
    if path.startswith("assets/"):
        raise NotFoundError(what="file", path=path[:120])
    return FileResponse(index, headers={"Cache-Control": "no-cache"})
