"""Every generated document: its path under `docs/`, and what makes it."""

from collections.abc import Iterator
from pathlib import Path


def pages() -> Iterator[tuple[str, str]]:
    """Yield each document's path under `docs/` and its text."""
    # imported here: each of these loads a program, and the command's help must not
    from goldenhour.docs import (  # noqa: PLC0415
        advice,
        alarms,
        asyncapi,
        cli,
        openapi,
        schemas,
        settings,
        status,
    )

    yield from schemas.schema_files()
    yield "asyncapi.json", asyncapi.asyncapi()
    yield "openapi-hub.json", openapi.hub_openapi()
    yield "openapi-tablet.json", openapi.tablet_openapi()
    yield "CLI.md", cli.cli_page()
    yield "SETTINGS.md", settings.settings_page()
    yield "UNIT-STATUS.md", status.status_page()
    yield "ALARMS.md", alarms.alarms_page()
    yield "ADVICE.md", advice.advice_page()


def write_all(folder: Path) -> list[str]:
    """Write what differs below `folder`; return the paths that did."""
    stale = out_of_date(folder)
    for path, text in pages():
        if path in stale:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    return stale


def out_of_date(folder: Path) -> list[str]:
    """Return the documents below `folder` that the code no longer says, and forgotten schemas."""
    made = dict(pages())
    differ = [path for path, text in made.items() if _read(folder / path) != text]
    kept = {str(path.relative_to(folder)) for path in (folder / "schemas").glob("*.json")}
    return differ + sorted(kept - made.keys())


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None
