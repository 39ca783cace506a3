"""Chaos in small: sixty faults, and nothing that a vehicle accepted is lost or doubled."""

import json
import subprocess
import sys

import pytest


@pytest.mark.timeout(420)
def test_sixty_faults_lose_nothing_and_double_nothing() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "goldenhour", "chaos", "--faults", "60", "--seed", "1", "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    line = json.loads(ran.stdout.splitlines()[-1])
    figures = {figure["name"]: figure for figure in line["figures"]}
    assert line["name"] == "chaos"
    assert figures["faults"]["value"] == 60
    assert figures["accepted reports and entries compared"]["value"] > 500
    assert figures["times compared"]["value"] > 500
    assert figures["advice given"]["value"] > 5
    assert [figure["bar"] for figure in line["figures"]].count(0) == 9
