"""Pictures from files and network cameras, at their own pace."""

import asyncio
import statistics
import threading
import time
from itertools import islice, pairwise
from pathlib import Path

import pytest

from edge_agent.media.source import CameraLostError, Picture, is_live, read_pictures
from tests.edge_agent.media.cameras import LEVELS, grey, network_camera, write_film


def pictures(source: str, count: int, *, read_timeout_s: float = 5.0) -> list[Picture]:
    ended = threading.Event()
    reader = read_pictures(source, read_timeout_s=read_timeout_s, now_s=time.monotonic, ended=ended)
    found = list(islice(reader, count))
    ended.set()
    reader.close()  # type: ignore[attr-defined]
    return found


def level(picture: Picture) -> int:
    return round(float(picture.frame.to_ndarray()[: picture.frame.height].mean()))


def test_a_file_is_played_at_its_own_pace_and_again_from_its_beginning(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", fps=50, pictures=LEVELS)
    begun_s = time.monotonic()
    found = pictures(str(film), 2 * LEVELS + 5)
    took_s = time.monotonic() - begun_s

    assert [abs(level(p) - grey(i)) <= 2 for i, p in enumerate(found)] == [True] * len(found)
    steps_s = [later.captured_s - earlier.captured_s for earlier, later in pairwise(found)]
    assert all(abs(step_s - 0.02) < 0.001 for step_s in steps_s)
    assert took_s >= (len(found) - 1) * 0.02


async def test_a_network_camera_is_read_as_it_comes() -> None:
    async with network_camera(fps=30) as camera:
        found = await asyncio.to_thread(pictures, camera.url, 40)
    assert {(p.frame.width, p.frame.height) for p in found} == {(320, 180)}
    paces_s = [later.captured_s - earlier.captured_s for earlier, later in pairwise(found)]
    assert 0.02 < statistics.median(paces_s) < 0.05


async def test_a_camera_that_is_unplugged_is_lost() -> None:
    ended = threading.Event()
    async with network_camera() as camera:
        reader = read_pictures(camera.url, read_timeout_s=2, now_s=time.monotonic, ended=ended)
        await asyncio.to_thread(next, reader)
    with pytest.raises(CameraLostError):
        await asyncio.to_thread(list, reader)


@pytest.mark.parametrize("content", [None, b"", b"not a film" * 100])
def test_what_is_no_film_is_a_lost_camera(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "film.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CameraLostError):
        pictures(str(path), 1)


def test_a_camera_that_is_not_there_is_lost_soon() -> None:
    begun_s = time.monotonic()
    with pytest.raises(CameraLostError):
        pictures("tcp://127.0.0.1:9", 1, read_timeout_s=1)
    with pytest.raises(CameraLostError):
        pictures("/dev/video99", 1, read_timeout_s=1)
    assert time.monotonic() - begun_s < 5


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("rtsp://cam/1", True),
        ("/dev/video0", True),
        ("http://cam/mjpeg", True),
        ("tcp://cam:5000", True),
        ("/data/film.mp4", False),
        ("film.mkv", False),
    ],
)
def test_a_file_is_told_from_a_camera(source: str, *, expected: bool) -> None:
    assert is_live(source) is expected
