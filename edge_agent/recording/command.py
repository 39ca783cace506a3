"""`goldenhour recording`: parse, call, print; no logic lives here."""

import dataclasses
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

FOLDER: Final = Path("var/agent/recordings")
_NOW: Final = 2**53 - 1

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Look at what a vehicle recorded of its cameras, while its agent runs or not.\n\n"
    "Example: goldenhour recording list var/agent/recordings\n\n"
    "Exit status: 0 done; 1 something is wrong with it; 2 wrong usage; 78 no such folder.",
)

Folder = Annotated[Path, typer.Argument(help="The folder of the recordings.")]
From = Annotated[int, typer.Option(min=0, help="Only what was taken after this, UTC µs.")]
To = Annotated[int, typer.Option(min=0, help="Only what was taken before this, UTC µs.")]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON a segment.")]


@app.command("list")
def list_command(
    folder: Folder = FOLDER, *, from_us: From = 0, to_us: To = _NOW, as_json: AsJson = False
) -> None:
    """List segments by time: how long, how large, and whether the hub has them.

    Example: goldenhour recording list var/demo/units/A-001/agent/recordings

    Exit status: 0 done; 1 the index cannot be read; 78 no such folder.
    """
    from edge_agent.recording.shelf import look  # noqa: PLC0415 -- for a quick --help

    for one in look(folder, from_utc_us=from_us, to_utc_us=to_us):
        if as_json:
            typer.echo(json.dumps(dataclasses.asdict(one)))
            continue
        begun = datetime.fromtimestamp(one.first_utc_us / 1e6, UTC).isoformat(timespec="seconds")
        hub = "at the hub" if one.at_hub else "for the hub" if one.is_wanted else "stays here"
        seen = "not seen live" if one.was_missed else ""
        length_s = (one.last_utc_us - one.first_utc_us) / 1e6
        typer.echo(
            f"{begun}  {length_s:5.1f} s  {one.size_bytes / 1024:8.0f} KiB  {one.camera:<12}"
            f"  {one.segment}  {hub:<11}  {seen}".rstrip()
        )


@app.command("export")
def export_command(
    target: Annotated[Path, typer.Argument(help="A folder, made if it is not there.")],
    folder: Folder = FOLDER,
    *,
    from_us: From = 0,
    to_us: To = _NOW,
) -> None:
    """Copy segments to a folder, each named after its camera and time; each plays by itself.

    Example: goldenhour recording export /media/stick var/agent/recordings

    Exit status: 0 done; 1 a segment is damaged or cannot be copied; 78 no such folder.
    """
    from edge_agent.recording.shelf import digest_of, look  # noqa: PLC0415 -- for a quick --help

    target.mkdir(parents=True, exist_ok=True)
    damaged = 0
    for one in look(folder, from_utc_us=from_us, to_utc_us=to_us):
        source = folder / f"{one.segment}.mp4"
        if digest_of(source) != one.sha256:
            damaged += 1
            typer.echo(f"damaged: {one.segment}", err=True)
            continue
        begun = datetime.fromtimestamp(one.first_utc_us / 1e6, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        shutil.copyfile(source, target / f"{one.camera}-{begun}.mp4")
        typer.echo(f"{one.camera}-{begun}.mp4")
    if damaged:
        raise typer.Exit(1)
