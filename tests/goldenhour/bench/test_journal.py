"""The journal's benchmark measures each way, and its picture shows every rate."""

from pathlib import Path

from goldenhour.bench.journal import ALONE, CEILING, LATENCY, OURS, PLAIN, measure, picture


async def test_every_rate_is_measured_and_drawn(tmp_path: Path) -> None:
    figures = await measure(tmp_path, records=400)
    by_name = {figure.name: figure for figure in figures}
    for name in (OURS, ALONE, PLAIN, CEILING, LATENCY):
        assert by_name[name].value > 0
    assert by_name[OURS].peer == by_name[PLAIN].value
    assert by_name[OURS].at_least
    drawn = picture(figures, "400 records")
    assert drawn.startswith("<svg")
    assert all(name in drawn for name in (OURS, ALONE, PLAIN, CEILING))
