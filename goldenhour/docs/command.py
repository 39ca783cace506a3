"""`goldenhour docs`: write the generated documents anew, or say which are out of date."""

from pathlib import Path
from typing import Annotated

import typer

from goldenhour.exits import EXIT_FAILED

app = typer.Typer(add_completion=False)


@app.command("docs")
def docs(
    *,
    folder: Annotated[Path, typer.Option(help="Where the documents are.")] = Path("docs"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; only compare.")] = False,
) -> None:
    """Write JSON Schemas, AsyncAPI, OpenAPI and the references from the code that they describe.

    Example: goldenhour docs --check

    Exit status: 0 up to date or written; 1 with --check, a document is out of date; 2 wrong usage.
    """
    from goldenhour.docs.pages import out_of_date, write_all  # noqa: PLC0415 -- loads every program

    stale = out_of_date(folder) if check else write_all(folder)
    for path in stale:
        typer.echo(f"{'out of date' if check else 'written'}: {folder / path}")
    if check and stale:
        raise typer.Exit(EXIT_FAILED)
