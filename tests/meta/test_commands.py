"""Every command explains itself, every setting is documented, and the README's commands exist."""

import re
from pathlib import Path

import pytest
import typer.core

from goldenhour.docs.cli import walk
from goldenhour.docs.pages import out_of_date
from goldenhour.docs.settings import SOURCES, Source, settings_of

ROOT = Path(__file__).parents[2]
COMMANDS = list(walk())


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: " ".join(row[0]))
def test_a_command_shows_an_example_and_its_exit_statuses(
    row: tuple[tuple[str, ...], typer.core.TyperCommand],
) -> None:
    path, command = row
    text = " ".join((command.help or "").split())
    assert re.search(rf"Example: .*{' '.join(path)}", text), text
    assert re.search(r"Exit (status|codes?):", text), text


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: " ".join(row[0]))
def test_every_option_of_a_command_says_what_it_does(
    row: tuple[tuple[str, ...], typer.core.TyperCommand],
) -> None:
    silent = [one.name for one in row[1].params if not getattr(one, "help", None)]
    assert silent == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.program)
def test_every_setting_is_described(source: Source) -> None:
    rows = settings_of(source)
    assert len(rows) > 5
    assert [row.variable for row in rows if not row.description] == []


def test_the_generated_documents_are_what_the_code_says_today() -> None:
    assert out_of_date(ROOT / "docs") == []


def test_the_readme_s_two_commands_are_targets_and_ci_runs_the_same() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for readme in ("README.md", "README.zh-CN.md"):
        wanted = re.findall(r"^make (\w+)", (ROOT / readme).read_text(), re.MULTILINE)
        assert {"demo", "test"} <= set(wanted) <= targets
    last = (ROOT / ".ci" / "run").read_text().strip().splitlines()[-1]
    assert last == "exec make test"


def test_both_readmes_show_the_same_pages_and_pictures() -> None:
    english, chinese = (
        set(re.findall(r"docs/pictures/[\w.-]+", (ROOT / name).read_text()))
        for name in ("README.md", "README.zh-CN.md")
    )
    assert english == chinese
