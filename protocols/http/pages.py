"""A built web app, served: files with the right to be cached, and the app's own pages."""

from pathlib import Path
from typing import Final

from fastapi import Response
from fastapi.responses import FileResponse, HTMLResponse

from protocols.errors import NotFoundError

_MISSING: Final = """<!doctype html><meta charset="utf-8"><title>Golden Hour</title>
<p>This screen has not been built. In the checkout, run <code>make setup</code>.</p>
<p lang="zh">此界面尚未构建。请在源码目录运行 <code>make setup</code>。</p>"""


def page_of(folder: Path, path: str) -> Response:
    """Return the file `path` of the app built into `folder`; any other path is a page of the app.

    Raises:
        NotFoundError: an asset that is not there.
    """
    folder = folder.resolve()
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
