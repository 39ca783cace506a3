"""The command explains itself quickly, and fails in one sentence."""

import subprocess
import sys

import pytest

from goldenhour.__main__ import COMMANDS
from goldenhour.exits import exit_status_of, sentence_of
from protocols.errors import ConfigError, LinkDownError


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, *words], capture_output=True, text=True, timeout=30, check=False
    )


def test_help_names_every_command_and_imports_no_program() -> None:
    heavy = "{m for m in sys.modules if m.split('.')[0] in ('hub', 'edge_agent', 'firmware_sim')}"
    done = run(
        "-c",
        "import sys; from goldenhour.__main__ import main\n"
        "try: main(['--help'])\n"
        f"finally: print('LOADED', sorted({heavy}))",
    )
    assert done.returncode == 0
    assert "LOADED []" in done.stdout
    for command in COMMANDS:
        assert command.name in done.stdout


def test_an_unknown_command_is_wrong_usage() -> None:
    done = run("-m", "goldenhour", "fly")
    assert done.returncode == 2
    assert "fly" in done.stderr


def test_a_broken_setting_is_one_sentence_and_status_78() -> None:
    err = ConfigError(reason="no such setting", variable="GOLDENHOUR_HUB_DATADIR")
    assert sentence_of(err) == "no such setting (variable GOLDENHOUR_HUB_DATADIR)."
    assert exit_status_of(err) == 78


def test_a_configuration_error_speaks_before_the_others_of_its_group() -> None:
    group = ExceptionGroup("", [LinkDownError(), ExceptionGroup("", [ConfigError(reason="no")])])
    assert sentence_of(group) == "no."
    assert exit_status_of(group) == 78


@pytest.mark.parametrize("bug", [KeyError("x"), ExceptionGroup("", [ValueError()])])
def test_a_bug_is_not_dressed_up_as_a_sentence(bug: BaseException) -> None:
    assert sentence_of(bug) is None
