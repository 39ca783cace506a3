"""The command line of Golden Hour: find the command, hand over, turn errors into one sentence.

`goldenhour --help` imports no program: each command's module is loaded when that command is named.
"""

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import typer
import typer.core
import typer.main

from goldenhour.exits import EXITS_HELP, exit_status_of, sentence_of
from protocols.errors import FleetError


@dataclass(frozen=True, slots=True)
class Command:
    """One sub-command: `module`'s attribute `app` is a Typer, loaded when the command is named."""

    name: str
    module: str
    summary: str


COMMANDS: Final = (
    Command("demo", "goldenhour.demo.command", "Run a whole small city on this machine."),
    Command("hub", "hub.command", "Run the hub, and look after its units and accounts."),
    Command("agent", "edge_agent.command", "Run the agent of one vehicle."),
    Command("journal", "edge_agent.journal.command", "Look into a vehicle's journal."),
    Command(
        "recording", "edge_agent.recording.command", "Look at what a vehicle's cameras recorded."
    ),
    Command("sim", "firmware_sim.command", "Simulate devices and vehicles on their own wires."),
    Command("bench", "goldenhour.bench.command", "Measure, print the figures, and judge them."),
    Command(
        "chaos", "goldenhour.chaos.command", "Break a small city, and see that nothing is lost."
    ),
    Command("docs", "goldenhour.docs.command", "Write the generated documents anew."),
)

HELP: Final = f"""Golden Hour connects ambulances and patrol units with the people who can help.

It is not a certified medical device.

Example: goldenhour demo --for 60

{EXITS_HELP}"""


def build(asked: str | None) -> typer.core.TyperGroup:
    """Return the command line, with the command named `asked` loaded and the others as names."""
    root = typer.Typer(
        name="goldenhour",
        help=HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    root.callback()(_nothing)
    for command in COMMANDS:
        root.command(command.name, help=command.summary)(_nothing)
    group = typer.main.get_command(root)
    assert isinstance(group, typer.core.TyperGroup)  # noqa: S101 -- a callback makes a group
    for command in COMMANDS:
        if command.name == asked:
            loaded = typer.main.get_command(importlib.import_module(command.module).app)
            loaded.name = command.name
            group.add_command(loaded, command.name)
    return group


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, and end the process with the documented status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    asked = next((word for word in words if not word.startswith("-")), None)
    try:
        build(asked)(args=words, prog_name="goldenhour")
    except (FleetError, BaseExceptionGroup) as err:
        sentence = sentence_of(err)
        if sentence is None:
            raise
        typer.echo(f"goldenhour: {sentence}", err=True)
        sys.exit(exit_status_of(err))


def _nothing() -> None:
    """Stand where a command will be."""


if __name__ == "__main__":
    main()
