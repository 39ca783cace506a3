"""The ring keeps what is protected, lets go in the right order, and survives what it is told."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.recording.settings import RecordingSettings
from edge_agent.recording.shelf import Segment, Shelf
from protocols.errors import StorageError

MIB = 2**20
RING = RecordingSettings(max_bytes=16 * MIB, max_age_hours=1, min_free_bytes=0)
NOW_US = 1_800_000_000_000_000
OPEN = "5d3c0a52-90f1-4f5e-8a4e-6a1d0c9b7e21"
CLOSED = "6d3c0a52-90f1-4f5e-8a4e-6a1d0c9b7e22"


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path / "recordings", RING)
    yield made
    made.close()


def put(  # noqa: PLR0913 -- what a segment is
    shelf: Shelf,
    number: int,
    *,
    size: int = 4 * MIB,
    encounter: str | None = None,
    missed: bool = False,
    wanted: bool = False,
) -> Segment:
    return shelf.put(
        bytes([number]) * size,
        camera="patient",
        first_utc_us=NOW_US + number * 6_000_000,
        last_utc_us=NOW_US + (number + 1) * 6_000_000,
        encounter_id=encounter,
        was_missed=missed,
        is_wanted=wanted,
    )


def there(shelf: Shelf) -> list[int]:
    found = shelf.between(0, 2**53)
    assert all(shelf.path(one.segment).stat().st_size == one.size_bytes for one in found)
    return [(one.first_utc_us - NOW_US) // 6_000_000 for one in found]


def test_a_full_ring_lets_the_oldest_go(shelf: Shelf) -> None:
    for number in range(6):
        put(shelf, number)
    assert there(shelf) == [2, 3, 4, 5]


def test_what_the_hub_is_still_to_have_goes_after_what_nobody_wants(shelf: Shelf) -> None:
    put(shelf, 0, encounter=CLOSED, wanted=True)
    for number in range(1, 5):
        put(shelf, number)
    assert there(shelf) == [0, 2, 3, 4]


def test_what_the_hub_has_goes_like_any_other(shelf: Shelf) -> None:
    shelf.has_arrived(put(shelf, 0, encounter=CLOSED, wanted=True).segment)
    for number in range(1, 5):
        put(shelf, number)
    assert there(shelf) == [1, 2, 3, 4]


def test_an_open_encounter_is_never_taken_away_to_make_room(shelf: Shelf) -> None:
    for number in range(3):
        put(shelf, number, encounter=OPEN)
    put(shelf, 3)
    put(shelf, 4, encounter=OPEN)
    assert there(shelf) == [0, 1, 2, 4]
    with pytest.raises(StorageError):
        put(shelf, 5, encounter=OPEN)
    assert there(shelf) == [0, 1, 2, 4]


def test_what_is_old_goes_unless_its_encounter_is_open(shelf: Shelf) -> None:
    put(shelf, 0, size=10, encounter=OPEN)
    put(shelf, 1, size=10, encounter=CLOSED)
    put(shelf, 2, size=10)
    later_us = NOW_US + 2 * 3_600_000_000
    assert shelf.expire(now_utc_us=later_us, open_encounter=OPEN) == 2
    assert there(shelf) == [0]


def test_a_disk_that_others_fill_takes_no_segment(tmp_path: Path) -> None:
    more_than_any_disk = RecordingSettings(min_free_bytes=2**40)
    assert shutil.disk_usage(tmp_path).free < 2**40
    shelf = Shelf(tmp_path, more_than_any_disk)
    with pytest.raises(StorageError):
        put(shelf, 0, size=10)
    assert not list(tmp_path.glob("*.mp4*"))
    shelf.close()


def test_the_hub_is_to_have_first_what_it_did_not_see(shelf: Shelf) -> None:
    seen = put(shelf, 0, size=10, encounter=OPEN, wanted=True)
    missed = put(shelf, 1, size=10, encounter=OPEN, wanted=True, missed=True)
    put(shelf, 2, size=10)
    order = []
    while (found := shelf.next_wanted()) is not None:
        order.append(found.segment)
        shelf.has_arrived(found.segment)
    assert order == [missed.segment, seen.segment]


def test_a_link_found_dead_makes_what_was_kept_since_missed(shelf: Shelf) -> None:
    put(shelf, 0, size=10, encounter=OPEN)
    put(shelf, 1, size=10, encounter=OPEN)
    put(shelf, 2, size=10)
    shelf.were_missed("patient", since_utc_us=NOW_US + 7_000_000, want=True)
    found = shelf.between(0, 2**53)
    assert [one.was_missed for one in found] == [False, True, True]
    assert [one.is_wanted for one in found] == [False, True, False]
    shelf.were_missed("front", since_utc_us=0, want=True)
    assert [one.was_missed for one in shelf.between(0, 2**53)] == [False, True, True]


def test_a_shelf_opened_again_has_whole_segments_alone(shelf: Shelf, tmp_path: Path) -> None:
    whole, cut, lost = (put(shelf, number, size=100) for number in range(3))
    shelf.path(cut.segment).write_bytes(b"short")
    shelf.path(lost.segment).unlink()
    folder = tmp_path / "recordings"
    (folder / "stray.mp4").write_bytes(b"no row")
    (folder / f"{whole.segment}.mp4.new").write_bytes(b"half")
    shelf.close()
    again = Shelf(folder, RING)
    assert [one.segment for one in again.between(0, 2**53)] == [whole.segment]
    assert [path.name for path in folder.glob("*.mp4*")] == [f"{whole.segment}.mp4"]
    again.close()
