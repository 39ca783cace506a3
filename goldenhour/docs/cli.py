"""The command-line reference, walked from the commands themselves."""

from collections.abc import Iterator

import typer.core

from goldenhour.__main__ import COMMANDS, build

AnyCommand = typer.core.TyperCommand | typer.core.TyperGroup


def cli_page() -> str:
    """Return the page as Markdown."""
    lines = [
        "# Command line",
        "",
        "Generated from the commands by `goldenhour docs`; `--help` says the same.",
    ]
    for path, command in walk():
        lines += ["", f"## `{' '.join(path)}`", "", *_help_lines(command), *_option_lines(command)]
    return "\n".join(lines) + "\n"


def walk() -> Iterator[tuple[tuple[str, ...], AnyCommand]]:
    """Yield every command and group with the words that reach it, the root first."""
    root = build(None)
    yield ("goldenhour",), root
    for row in COMMANDS:
        yield from _below(("goldenhour", row.name), build(row.name).commands[row.name])


def _below(path: tuple[str, ...], command: object) -> Iterator[tuple[tuple[str, ...], AnyCommand]]:
    if not isinstance(command, typer.core.TyperCommand | typer.core.TyperGroup) or command.hidden:
        return
    yield path, command
    if isinstance(command, typer.core.TyperGroup):
        for name, inner in command.commands.items():
            yield from _below((*path, name), inner)


def _help_lines(command: AnyCommand) -> list[str]:
    """Return the help with its example as code and each paragraph on its own."""
    paragraphs = [part.strip() for part in (command.help or "").split("\n\n")]
    lines: list[str] = []
    for paragraph in paragraphs:
        text = " ".join(paragraph.split())
        word, colon, example = text.partition("Example: ")
        lines += [f"Example: `{example}`" if colon and not word else text, ""]
    return lines


def _option_lines(command: AnyCommand) -> list[str]:
    rows = []
    for parameter in command.params:
        names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
        if "--help" in names:
            continue
        text = " ".join((getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
        default = _default(getattr(parameter, "default", None))
        rows.append(f"| {names} | {text} | {default} |")
    return ["| option | what | default |", "| --- | --- | --- |", *rows] if rows else []


def _default(value: object) -> str:
    if value is None or value is False or callable(value) or value in ("", ()):
        return ""
    return f"`{value}`"
