"""The demo's table: what one signs in with stands there whole, however narrow the terminal."""

import io
import shlex
import shutil
from typing import Any, Final

import pytest
from rich.console import Console

from goldenhour.demo.table import show

CARD: Final[dict[str, Any]] = {
    "hub_url": "http://127.0.0.1:18080",
    "operator_url": "http://127.0.0.1:18080/operator/",
    "doctor_url": "http://127.0.0.1:18080/doctor/",
    "hospital_url": "http://127.0.0.1:18084/fhir",
    "units": [
        {
            "unit": "A-001",
            "call_sign": "Yuexiu 1",
            "tablet_url": "http://127.0.2.1:18081/",
            "pin": "514541",
        },
    ],
    "accounts": [
        {"username": "operator", "role": "operator", "password": "vVCm_9AdhNxQ2w7LkPz0"},
        {"username": "cardiologist", "role": "doctor", "password": "lOo4ygUe0RtB8sVn3HcY"},
        {"username": "admin", "role": "administrator", "password": "lzjCQDXCvWm5pJ1uKd6E"},
    ],
    "data_dir": "/var/demo",
}


@pytest.mark.parametrize("columns", [40, 80, 160])
def test_no_address_and_no_password_is_cut_short(columns: int) -> None:
    printed = io.StringIO()
    show(Console(file=printed, width=columns), CARD)
    for one in CARD["accounts"]:
        assert one["password"] in printed.getvalue()
    assert CARD["operator_url"] in printed.getvalue()
    assert "…" not in printed.getvalue()


def test_a_unit_stands_there_by_call_sign_and_by_the_name_that_commands_take() -> None:
    printed = io.StringIO()
    show(Console(file=printed, width=80), CARD)
    assert "Yuexiu 1 (A-001)" in printed.getvalue()


def test_the_command_that_it_shows_is_one_that_a_shell_finds() -> None:
    printed = io.StringIO()
    show(Console(file=printed, width=80), CARD | {"data_dir": "/srv/a demo/[1]"})
    (command,) = (
        line.removeprefix("cut a link: ")
        for line in printed.getvalue().splitlines()
        if line.startswith("cut a link: ")
    )
    words = shlex.split(command)
    assert shutil.which(words[0]) is not None
    assert words[-1] == "/srv/a demo/[1]/sim"
