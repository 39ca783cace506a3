"""Faces: followed between two looks, hidden for good, and never shown where they cannot be."""

import shutil
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.media import facemodel
from edge_agent.media.facemodel import ARCHIVE, MEMBER, FaceModelError, read_model
from edge_agent.media.faces import FaceBlur, FaceFinder, boxes_of, pixelated
from edge_agent.media.guard import FaceGuard
from edge_agent.media.service import guard_of
from edge_agent.media.settings import MediaSettings
from edge_agent.media.tracks import Box, FaceTracks
from firmware_sim import recordings
from protocols.ids import CameraId

CABIN = CameraId("cabin")
MODELS = Path("var/models")
FACE = Box(100, 100, 140, 150)

needs_model = pytest.mark.skipif(
    not (MODELS / ARCHIVE).is_file(), reason="the face model is not here: goldenhour agent faces"
)


def film(count: int) -> list[VideoFrame]:
    """Return pictures of the recording of a face in a moving car."""
    data = recordings.carphone_file(recordings.FOLDER)
    if data is None:
        pytest.skip("the recording is not here: goldenhour sim recordings")
    with av.open(data, mode="r") as container:
        frames = [frame for _, frame in zip(range(count), container.decode(video=0), strict=False)]
        return [frame.reformat(width=640, height=524, format="yuv420p") for frame in frames]


def grey(width: int = 320, height: int = 180) -> VideoFrame:
    rng = np.random.default_rng(3)
    image = rng.integers(0, 255, (height * 3 // 2, width), dtype=np.uint8)
    return VideoFrame.from_ndarray(image, format="yuv420p")


def holds(outer: Box, inner: Box) -> bool:
    return (
        outer.left <= inner.left
        and outer.top <= inner.top
        and outer.right >= inner.right
        and outer.bottom >= inner.bottom
    )


def test_a_face_stays_covered_as_it_goes_on() -> None:
    tracks = FaceTracks()
    tracks.found([FACE], 0.0)
    tracks.found([FACE.moved(10, 0)], 0.2)
    for at_s in (0.25, 0.3, 0.35, 0.4):
        (covered,) = tracks.covered(at_s)
        assert holds(covered, FACE.moved(50 * at_s, 0))


def test_a_face_that_is_not_found_again_stays_covered_for_a_second() -> None:
    tracks = FaceTracks()
    tracks.found([FACE], 0.0)
    tracks.found([], 0.2)
    (covered,) = tracks.covered(0.9)
    assert holds(covered, FACE)
    assert tracks.covered(1.1) == []


def test_the_box_grows_while_nobody_looks() -> None:
    tracks = FaceTracks()
    tracks.found([FACE], 0.0)
    areas = [tracks.covered(at_s)[0].area for at_s in (0.0, 0.1, 0.2, 0.5)]
    assert areas == sorted(areas)
    assert areas[0] > FACE.area


@given(
    boxes=st.lists(
        st.builds(
            Box,
            st.floats(0, 500),
            st.floats(0, 300),
            st.floats(501, 640),
            st.floats(301, 360),
        ),
        max_size=100,
    )
)
def test_every_face_of_the_last_look_is_covered_at_that_moment(boxes: list[Box]) -> None:
    tracks = FaceTracks()
    tracks.found(boxes, 5.0)
    covered = tracks.covered(5.0)
    assert len(covered) <= 64
    assert all(any(holds(one, box) for one in covered) for box in boxes[:64])


@given(
    left=st.floats(-500, 500),
    top=st.floats(-500, 500),
    width=st.floats(0, 900),
    height=st.floats(0, 900),
)
def test_a_box_anywhere_never_harms_the_rest_of_the_picture(
    left: float, top: float, width: float, height: float
) -> None:
    frame = grey()
    before, box = frame.to_ndarray(), Box(left, top, left + width, top + height)
    after = pixelated(frame, [box]).to_ndarray()
    assert after.shape == before.shape
    changed = np.argwhere(after[:180] != before[:180])
    for row, column in changed[:: max(1, len(changed) // 50)]:
        assert top - 1 <= row <= top + height + 1
        assert left - 1 <= column <= left + width + 1
    assert np.array_equal(frame.to_ndarray(), before)  # what the camera gave is left alone


def test_what_is_hidden_cannot_be_told_from_another() -> None:
    frame = grey()
    hidden = pixelated(frame, [Box(100, 50, 160, 110)]).to_ndarray()[50:110, 100:160]
    assert len(np.unique(hidden)) <= 36


def test_a_peak_of_the_map_is_one_box_with_its_size() -> None:
    sure = np.zeros((1, 1, 40, 40), np.float32)
    size = np.zeros((1, 2, 40, 40), np.float32)
    sure[0, 0, 20, 10], sure[0, 0, 20, 11] = 0.9, 0.6
    size[0, 0], size[0, 1] = np.log(10), np.log(5)
    (box,) = boxes_of(sure, size, np.zeros((1, 2, 40, 40), np.float32))
    assert box.centre == pytest.approx((42.0, 82.0))
    assert (box.right - box.left, box.bottom - box.top) == pytest.approx((20.0, 40.0))


@needs_model
def test_no_face_is_left_in_what_leaves_the_vehicle() -> None:
    frames = film(40)
    blur = FaceBlur(MODELS, width_px=384, every=5)
    finder = FaceFinder(read_model(MODELS), width_px=512)
    shown = [blur.blurred(frame, index / 25) for index, frame in enumerate(frames)]
    assert all(finder.find(frame) for frame in frames[::8])
    assert not any(finder.find(frame) for frame in shown[::4])


@needs_model
def test_a_picture_without_faces_is_left_as_it_is() -> None:
    frame = grey(640, 360)
    assert FaceBlur(MODELS, width_px=384, every=1).blurred(frame, 0.0) is frame


def test_without_a_model_nothing_passes(tmp_path: Path) -> None:
    guard = FaceGuard(CABIN, tmp_path, width_px=384, every=5)
    guard.load()
    assert (guard.is_ready, guard.is_missing) == (False, True)
    assert guard.live(grey(), 0.0) is None
    assert guard.still(grey(), 0.0) is None


def test_another_model_is_no_model(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / ARCHIVE, "w") as archive:
        archive.writestr(MEMBER, b"not the model")
    with pytest.raises(FaceModelError) as refused:
        read_model(tmp_path)
    assert refused.value.facts["reason"] == "not the face model that was locked"


@pytest.mark.parametrize("damage", ["empty", "no zip", "without the member"])
def test_a_damaged_archive_is_no_model(tmp_path: Path, damage: str) -> None:
    file = tmp_path / ARCHIVE
    if damage == "without the member":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("other", b"x")
    else:
        file.write_bytes(b"" if damage == "empty" else b"no zip at all")
    guard = FaceGuard(CABIN, tmp_path, width_px=384, every=5)
    guard.load()
    assert guard.is_missing


@needs_model
def test_a_model_that_comes_later_is_taken(tmp_path: Path) -> None:
    guard = FaceGuard(CABIN, tmp_path, width_px=256, every=5)
    guard.load()
    assert not guard.is_ready
    shutil.copy(MODELS / ARCHIVE, tmp_path / ARCHIVE)
    guard.load()
    assert (guard.is_ready, guard.is_missing) == (True, False)
    assert guard.live(grey(), 0.0) is not None


def test_bytes_that_opencv_cannot_read_are_no_model() -> None:
    with pytest.raises(FaceModelError):
        FaceFinder(b"nonsense", width_px=384)


def test_the_policy_names_the_cameras() -> None:
    off, on = MediaSettings(), MediaSettings(blur_faces=True)
    assert guard_of(off, CABIN) is None
    assert guard_of(on, CameraId("patient")) is None
    assert guard_of(on, CABIN) is not None
    assert guard_of(MediaSettings(blur_faces=True, blur_exempt=("cabin",)), CABIN) is None


def test_the_lock_names_the_archive_that_is_read() -> None:
    name, version, _ = ARCHIVE.split("-", 2)
    assert f"{name}=={version} " in facemodel.LOCK.read_text()
