"""The benchmark of the ladder in small: a link that thins and comes back, by the command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(400)
def test_video_gives_way_to_vital_signs_and_comes_back(tmp_path: Path) -> None:
    drawn = tmp_path / "ladder.svg"
    ran = subprocess.run(  # noqa: S603 -- our own command
        [
            *(sys.executable, "-m", "goldenhour", "bench", "ladder", "--json"),
            *("--seconds", "25", "--picture", str(drawn)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=380,
    )
    assert ran.stdout, ran.stderr
    line = json.loads(ran.stdout.splitlines()[-1])
    figures = {figure["name"]: figure for figure in line["figures"]}
    assert line["name"] == "ladder"
    # how fast is the benchmark's to say, on a machine that does nothing else
    assert figures["link to 200 kbit/s: a lower step"]["value"] is not None, ran.stdout
    assert figures["stills at the doctor's"]["holds"], ran.stdout
    assert figures["vitals, readings"]["value"] > 50
    assert "to give way" in drawn.read_text()
