"""`goldenhour demo`: parse, run, print; no logic lives here."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from goldenhour.exits import EXIT_INTERRUPTED

app = typer.Typer(add_completion=False)


@app.command("demo")
def demo(  # noqa: PLR0913 -- the options that a person may give
    *,
    for_s: Annotated[
        float | None,
        typer.Option("--for", min=0, help="End by itself this many seconds after ready."),
    ] = None,
    units: Annotated[int, typer.Option(min=0, max=2000, help="Light units that drive about.")] = 40,
    ecg: Annotated[
        str | None, typer.Option(help="WFDB record (no ending) that A-001's monitor plays.")
    ] = None,
    nmea: Annotated[
        Path | None, typer.Option(help="NMEA 0183 log that A-001's GNSS receiver replays.")
    ] = None,
    camera: Annotated[
        str | None, typer.Option(help="Video file or device that is A-001's camera.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Folder of the demo's data and logs.")] = Path(
        "var/demo"
    ),
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65_500,
            help="Port of the hub; those of tablets, hospital and broker follow. 0: any free.",
        ),
    ] = 8080,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the table as one line of JSON once all is ready.")
    ] = False,
) -> None:
    """Run a whole small city on this machine: hub, vehicles, devices and a hospital.

    Every program is started by its own command and reached over its own wires. Ctrl-C ends all of
    them; the data stay in the folder, and the next demo there finds them.

    Example: goldenhour demo --for 120 --units 100

    Exit status: 0 it was ready and has ended; 1 a program failed or was not healthy in time;
    2 wrong usage; 78 a port in use, a missing file or a wrong setting; 130 ended before ready.
    """
    from goldenhour.demo.city import Recordings  # noqa: PLC0415 -- for a quick --help
    from goldenhour.demo.run import Options, run_demo  # noqa: PLC0415
    from goldenhour.demo.table import show  # noqa: PLC0415

    steps, result = Console(stderr=True, highlight=False), Console()

    def on_ready(card: dict[str, Any]) -> None:
        if as_json:
            typer.echo(json.dumps(card, ensure_ascii=False))
        else:
            show(result, card)
            ending = "Ctrl-C ends it." if for_s is None else f"It ends by itself in {for_s:g} s."
            result.print(f"[bold green]ready[/] · {ending}")

    options = Options(
        data_dir=data,
        port=port,
        light_units=units,
        for_s=for_s,
        recordings=Recordings(ecg=ecg, nmea=nmea, camera=camera),
    )
    was_ready = asyncio.run(
        run_demo(options, on_step=lambda step: steps.print(f"· {step}"), on_ready=on_ready)
    )
    if not was_ready:
        raise typer.Exit(EXIT_INTERRUPTED)
