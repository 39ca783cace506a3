"""`goldenhour recording` shows what is on the shelf, and copies what is whole."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge_agent.recording.command import app
from edge_agent.recording.settings import RecordingSettings
from edge_agent.recording.shelf import Shelf
from protocols.errors import ConfigError

NOON_US = 1_800_000_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shelf = Shelf(tmp_path / "recordings", RecordingSettings(min_free_bytes=0))
    for number in range(3):
        shelf.put(
            b"film%d" % number, camera="patient", first_utc_us=NOON_US + number * 6_000_000,
            last_utc_us=NOON_US + (number + 1) * 6_000_000, encounter_id=None,
            was_missed=number == 1, is_wanted=number == 1,
        )  # fmt: skip
    shelf.close()
    return tmp_path / "recordings"


def test_segments_are_listed_by_time_for_people_and_for_programs(folder: Path) -> None:
    text = CliRunner().invoke(app, ["list", str(folder)]).stdout.splitlines()
    assert [("not seen live" in line, "for the hub" in line) for line in text] == [
        (False, False),
        (True, True),
        (False, False),
    ]
    rows = CliRunner().invoke(
        app, ["list", str(folder), "--json", "--from-us", str(NOON_US + 7_000_000)]
    )
    assert [json.loads(line)["size_bytes"] for line in rows.stdout.splitlines()] == [5, 5]


def test_whole_segments_are_copied_and_a_damaged_one_is_named(folder: Path, tmp_path: Path) -> None:
    first = json.loads(
        CliRunner().invoke(app, ["list", str(folder), "--json"]).stdout.splitlines()[0]
    )
    (folder / f"{first['segment']}.mp4").write_bytes(b"changed")
    ran = CliRunner().invoke(app, ["export", str(tmp_path / "out"), str(folder)])
    assert ran.exit_code == 1
    assert first["segment"] in ran.stderr
    assert sorted(path.read_bytes() for path in (tmp_path / "out").iterdir()) == [
        b"film1",
        b"film2",
    ]


def test_where_nothing_was_recorded_it_says_so(tmp_path: Path) -> None:
    assert isinstance(CliRunner().invoke(app, ["list", str(tmp_path)]).exception, ConfigError)
