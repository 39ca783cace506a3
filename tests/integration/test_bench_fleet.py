"""The benchmark of a fleet in small: fifty units, by the command, every figure there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(300)
def test_fifty_units_are_acknowledged_and_come_back(tmp_path: Path) -> None:
    drawn = tmp_path / "fleet.svg"
    ran = subprocess.run(  # noqa: S603 -- our own command
        [
            *(sys.executable, "-m", "goldenhour", "bench", "fleet", "--json"),
            *("--units", "50", "--seconds", "5", "--picture", str(drawn)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert ran.stdout, ran.stderr
    line = json.loads(ran.stdout.splitlines()[-1])
    figures = {figure["name"]: figure for figure in line["figures"]}
    assert line["name"] == "fleet"
    assert figures["records acknowledged"]["holds"], ran.stdout
    assert figures["from captured to acknowledged, longest"]["value"] is not None
    assert figures["broker killed: 50 units live again"]["holds"], ran.stdout
    assert figures["processor time of a unit, of 50 units"]["value"] > 0
    assert "50 units, " in drawn.read_text()
