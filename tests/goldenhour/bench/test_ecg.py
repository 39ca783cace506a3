"""The bench reads back what it wrote, counts every cell, and its bars are what the peers need."""

from pathlib import Path

import numpy as np
import pytest

from firmware_sim import recordings
from goldenhour.bench import ecg
from goldenhour.bench.codecs import flac_bytes
from protocols.errors import ConfigError

SHARED = Path(__file__).parents[3].parent / "shared" / "data" / "ecg"


@pytest.mark.skipif(recordings.twelve_lead() is None, reason="pydicom's ECG is not installed")
@pytest.mark.timeout(180)
def test_pydicom_s_ecg_is_shorter_than_its_peers_make_it_in_every_cell() -> None:
    cells = ecg.measure([], seconds=2)
    assert {len(cell.played.leads) for cell in cells} == {1, 3, 12}
    assert {cell.block_s for cell in cells} == set(ecg.BLOCKS_S)
    found = [figure for figure in ecg.figures(cells) if figure.unit in {"kbit/s", "1"}]
    assert len(found) == len(cells) + 4
    assert all(figure.holds for figure in found), [f.name for f in found if not f.holds]
    unbarred = [figure.name for figure in found if figure.bar is None]
    assert all(name.endswith(("blocks of 10 s", ecg.OF_DOCUMENTS)) for name in unbarred)
    assert "<svg" in ecg.picture(cells, "note")


@pytest.mark.skipif(not SHARED.exists(), reason="no ../shared/data/ecg")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("record", ["s0010_re", "v102s"])
def test_a_record_of_patients_is_shorter_than_its_peers_make_it_in_every_live_cell(
    record: str,
) -> None:
    """One lead in blocks of 10 s is no live length: there FLAC may be a hundredth shorter."""
    measured = ecg.measure([SHARED / record], seconds=2)
    cells = [cell for cell in measured if cell.played.record.endswith(record)]
    assert {cell.block_s for cell in cells} == set(ecg.BLOCKS_S)
    live = [cell for cell in cells if cell.is_live]
    assert not [cell.name for cell in live if cell.ours >= min(cell.flac, cell.zstd)]
    assert not [cell.name for cell in cells if cell.ours >= 1.02 * min(cell.flac, cell.zstd)]


def test_a_bar_that_a_peer_beats_does_not_hold() -> None:
    played = ecg.Played(record="r", leads=("II",), step_uv=5.0, rate_hz=500.0,
                        samples=np.zeros((1, 500), np.int32))  # fmt: skip
    cell = ecg.Cell(played=played, block_s=1.0, ours=2.0, flac=3.0, zstd=1.5, writing_ms=[1.0],
                    reading_ms=[1.0])  # fmt: skip
    first, flac, zstd = ecg.figures([cell])
    assert (first.bar, first.holds) == (1.5, False)
    assert (flac.holds, zstd.holds) == (True, False)


@pytest.mark.parametrize("leads", range(1, 9))
def test_flac_has_no_channel_more_than_it_is_given(leads: int) -> None:
    noise = np.random.default_rng(1).integers(-2000, 2000, (leads, 1000)).astype(np.int32)
    raw = leads * 1000 * 12 / 8
    assert 0.95 * raw < flac_bytes(noise, block=500) < 1.15 * raw


def test_a_record_that_is_not_there_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        ecg.measure([tmp_path / "nothing"], seconds=2)
