"""Figures for people and for programs."""

from collections.abc import Sequence

import typer
from rich.console import Console
from rich.table import Table

from goldenhour.bench.figures import Figure, line_of
from goldenhour.bench.machine import machine


def report(name: str, figures: Sequence[Figure], *, as_json: bool) -> bool:
    """Print a table for a person and the line for a program; say whether every bar holds."""
    if not as_json:
        columns = ("figure", "value", "bar", "holds", "peer")
        table = Table(*columns, title=machine(), title_justify="left")
        for one in figures:
            unit = "" if one.unit == "1" else one.unit
            bar = "" if one.bar is None else f"{one.bar:.3g} {unit}"
            holds = "" if one.bar is None else ("yes" if one.holds else "NO")
            peer = "" if one.peer is None else f"{one.peer:.3g} {unit}"
            table.add_row(one.name, f"{one.value:.3g} {unit}", bar, holds, peer)
        Console().print(table)
    typer.echo(line_of(name, machine(), figures))
    return all(figure.holds for figure in figures)
