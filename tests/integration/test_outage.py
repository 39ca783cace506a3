"""What an outage hid of the video is in the doctor's timeline afterwards, byte for byte."""

import shutil
from pathlib import Path

import pytest

from goldenhour.bench import outage


@pytest.mark.timeout(400)
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium")
async def test_the_film_of_an_outage_is_whole_and_the_same_after_it(tmp_path: Path) -> None:
    figures = await outage.measure(tmp_path / "city", cut_s=15, patience_s=200)
    found = {figure.name: figure.value for figure in figures}
    assert found[outage.MISSING] == 0
    assert found[outage.OTHER] == 0
    assert found["segments of the missed time"] >= 2
    assert found[outage.VITALS] < 30
