"""`goldenhour bench`: parse, measure, print; no logic lives here."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from goldenhour.exits import EXIT_FAILED

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="""Measure, print the figures, and hold them against their bars.

    Example: goldenhour bench latency --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """,
)


@app.callback()
def bench() -> None:
    """Keep `latency` a sub-command while it is the only one."""


@app.command("latency")
def latency(
    *,
    seconds: Annotated[float, typer.Option(min=5, help="How long to measure.")] = 60,
    units: Annotated[int, typer.Option(min=0, help="Light units beside the full ones.")] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Only the line of JSON.")] = False,
) -> None:
    """Measure how old live vital signs are when a doctor sees them, in a demo of its own.

    Example: goldenhour bench latency --seconds 30 --json

    Exit status: 0 every bar holds; 1 one does not; 2 wrong usage; 78 something is not installed.
    """
    from goldenhour.bench.city import running_city  # noqa: PLC0415 -- for a quick --help
    from goldenhour.bench.figures import Figure, line_of  # noqa: PLC0415
    from goldenhour.bench.latency import measure  # noqa: PLC0415
    from goldenhour.bench.machine import machine  # noqa: PLC0415

    async def run() -> list[Figure]:
        with tempfile.TemporaryDirectory(prefix="goldenhour-bench-") as folder:
            async with running_city(Path(folder) / "demo", light_units=units) as card:
                return await measure(card, duration_s=seconds)

    figures = asyncio.run(run())
    if not as_json:
        table = Table("figure", "value", "bar", "holds", title=machine(), title_justify="left")
        for one in figures:
            bar = "" if one.bar is None else f"{one.bar:g} {one.unit}"
            holds = "" if one.bar is None else ("yes" if one.holds else "NO")
            unit = "" if one.unit == "1" else one.unit
            table.add_row(one.name, f"{one.value:.3g} {unit}", bar, holds)
        Console().print(table)
    typer.echo(line_of("latency", machine(), figures))
    if not all(figure.holds for figure in figures):
        raise typer.Exit(EXIT_FAILED)
