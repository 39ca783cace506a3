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
def chaos(  # noqa: PLR0913 -- a command's options
    *,
    faults: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same faults.")] = 1,
    seeds: Annotated[
        str | None, typer.Option(help="Several, one after another: 1-10, or 3,5,8-9.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Only these kinds: kill-agent,cut. Default: all of them.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Keep data and logs there. Default: a passing folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Only the line of JSON.")] = False,
) -> None:
    """Break a small city again and again, and compare every record that its vehicles accepted.

    Links are cut, thinned, delayed and made lossy; programs are killed; the broker loses its store,
    the database restarts, a vehicle's disk fills, its clock jumps or begins in 1970, its receiver
    tells a wrong time, its journal is cut off. Meanwhile crews work at their tablets and a doctor
    gives advice. At the end everything that devices and crews were told is safe must be at the hub
    once, or declared as gone; each time must be right within the error that it states; each advice
    must have been delivered once, in order, or be said to have expired.

    Example: goldenhour chaos --faults 60 --seed 7 --json

    Example: goldenhour chaos --faults 100 --seeds 1-10

    Example: goldenhour chaos --only journal-truncated,kill-agent --faults 40

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """
    from goldenhour.bench.report import report  # noqa: PLC0415 -- for a quick --help
    from goldenhour.chaos.plan import WEIGHTS, kinds_of, seeds_of  # noqa: PLC0415
    from goldenhour.chaos.run import run  # noqa: PLC0415

    def say(line: str) -> None:
        if not as_json:
            typer.echo(f"· {line}", err=True)

    numbers = [seed] if seeds is None else seeds_of(seeds)
    kinds = list(WEIGHTS) if only is None else kinds_of(only)
    # SIGTERM as Ctrl-C: the programs are stopped and the vehicles' disks unmounted
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="goldenhour-chaos-") as passing:
        where = folder or Path(passing) / "city"
        figures = asyncio.run(run(where, faults=faults, seeds=numbers, kinds=kinds, say=say))
    if not report("chaos", figures, as_json=as_json):
        raise typer.Exit(EXIT_FAILED)
