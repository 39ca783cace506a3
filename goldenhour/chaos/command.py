"""`goldenhour chaos`: parse, run, print; no logic lives here."""

import asyncio
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from goldenhour.exits import EXIT_FAILED

app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def chaos(
    *,
    faults: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same faults.")] = 1,
    folder: Annotated[
        Path | None, typer.Option(help="Keep data and logs there. Default: a passing folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Only the line of JSON.")] = False,
) -> None:
    """Break a small city again and again, and compare every record that its vehicles accepted.

    Links are cut, thinned, delayed and made lossy; programs are killed; the broker loses its store,
    the database restarts, a vehicle's disk fills, its clock jumps, its journal is cut off. At the
    end everything that the devices were told is safe must be at the hub once, or declared as gone.

    Example: goldenhour chaos --faults 60 --seed 7 --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """
    from goldenhour.bench.report import report  # noqa: PLC0415 -- for a quick --help
    from goldenhour.chaos.run import run  # noqa: PLC0415

    def say(line: str) -> None:
        if not as_json:
            typer.echo(f"· {line}", err=True)

    # SIGTERM as Ctrl-C: the programs are stopped and the vehicles' disks unmounted
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="goldenhour-chaos-") as passing:
        where = folder or Path(passing) / "city"
        figures = asyncio.run(run(where, faults=faults, seed=seed, say=say))
    if not report("chaos", figures, as_json=as_json):
        raise typer.Exit(EXIT_FAILED)
