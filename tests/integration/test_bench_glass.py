"""The benchmark of glass to glass in small: a camera's own time, read in a browser."""

from pathlib import Path

import pytest

from goldenhour.bench import glass


@pytest.mark.timeout(240)
async def test_a_browser_reads_the_camera_s_time(tmp_path: Path) -> None:
    measured = await glass.measure(tmp_path / "city", duration_s=4, times=1, patience_s=10)
    figures = {each.name: each for each in measured}
    assert figures["pictures shown"].value > 10
    if figures["pictures shown"].holds:  # else the machine has other things to do
        assert 0 < figures[f"{glass.AGE}, p50"].value < 2_000
    assert figures["joined: first picture after the click, longest"].value < 20
    assert "<svg" in glass.picture(list(figures.values()), "note")
