"""docs/FAILURE-MODES.md has one row for every error that the system raises on purpose."""

import importlib
import pkgutil
import re
from pathlib import Path

import edge_agent
import firmware_sim
import goldenhour
import hub
import protocols
from protocols.errors import FleetError

PAGE = Path(__file__).parents[2] / "docs" / "FAILURE-MODES.md"


PACKAGES = (protocols, edge_agent, hub, firmware_sim, goldenhour)
OURS = {package.__name__ for package in PACKAGES}


def codes() -> set[str]:
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.rpartition(".")[2] != "__main__":
                importlib.import_module(module.name)
    found: set[str] = set()
    waiting: list[type[FleetError]] = [FleetError]
    while waiting:
        error = waiting.pop()
        if error.__module__.partition(".")[0] in OURS:
            found.add(error.code)
        waiting += error.__subclasses__()
    return found


def test_every_error_code_has_a_row_and_every_row_a_code() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(codes())
