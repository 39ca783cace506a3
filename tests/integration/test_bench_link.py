"""The link's benchmark in small: every part by the command, with real parts, each figure there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from goldenhour.bench.link import document, mosquitto, outage, paths, thin


def run(*options: str) -> tuple[dict[str, dict[str, object]], str]:
    ran = subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-m", "goldenhour", "bench", "link", "--json", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert ran.stdout, ran.stderr
    line = json.loads(ran.stdout.splitlines()[-1])
    assert line["name"] == "link"
    return {figure["name"]: figure for figure in line["figures"]}, ran.stdout


@pytest.mark.timeout(300)
def test_a_backlog_drains_a_document_arrives_and_two_paths_lose_nothing(tmp_path: Path) -> None:
    drawn = tmp_path / "link.svg"
    parts = ("--part", "outage", "--part", "document", "--part", "paths")
    figures, said = run(*parts, "--scale", "0.02", "--picture", str(drawn))
    assert figures[outage.DRAIN]["value"] is not None, said
    assert figures[outage.FIRST]["value"] is not None, said
    assert figures[paths.LEFT]["value"] == 0, said
    for rate_bps in document.BARS_S:
        assert figures[document.name_of(rate_bps)]["value"] is not None, said
    assert "<svg" in drawn.read_text()
    if mosquitto.executable() is not None:
        assert figures[f"outage: {mosquitto.NAME}, records lost"]["value"] is not None, said


@pytest.mark.timeout(300)
def test_on_a_thin_link_alarms_are_shown_beside_a_backlog() -> None:
    figures, said = run("--part", "thin", "--scale", "0.1")
    assert figures[thin.ALARM]["value"] is not None, said
    assert figures[thin.BACKLOG]["value"] > 1000, said  # type: ignore[operator]
