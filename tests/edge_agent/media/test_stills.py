"""Stills: how long, of which form, and in parts."""

import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.media.stills import PART_BYTES, budget_bytes, jpeg_of, parts_of
from protocols.ids import CameraId
from protocols.messages import Still

CABIN = CameraId("cabin")


def frame(width: int = 1280, height: int = 720) -> VideoFrame:
    rng = np.random.default_rng(7)
    image = cv2.GaussianBlur(rng.integers(0, 255, (height, width, 3), dtype=np.uint8), (0, 0), 4)
    return VideoFrame.from_ndarray(np.asarray(image, np.uint8), format="bgr24").reformat(
        format="yuv420p"
    )


@pytest.mark.parametrize("most_bytes", [3_000, 8_000, 60_000])
def test_a_still_fits_its_budget_and_opens_as_a_jpeg(most_bytes: int) -> None:
    size, jpeg = jpeg_of(frame(), most_bytes)
    assert len(jpeg) <= most_bytes
    opened = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert opened is not None
    assert (opened.shape[1], opened.shape[0]) == size


def test_more_room_gives_a_better_still() -> None:
    picture = frame()
    sizes = [len(jpeg_of(picture, most)[1]) for most in (2_500, 6_000, 24_000)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_a_small_camera_is_not_blown_up() -> None:
    size, _ = jpeg_of(frame(176, 144), 60_000)
    assert size == (176, 144)


@given(jpeg=st.binary(min_size=1, max_size=100_000))
def test_the_parts_joined_are_the_still(jpeg: bytes) -> None:
    parts = [Still.from_body(part.to_body()) for part in parts_of(CABIN, (320, 180), jpeg)]
    assert b"".join(part.jpeg for part in parts) == jpeg
    assert [part.part or 1 for part in parts] == list(range(1, len(parts) + 1))
    assert {part.parts or 1 for part in parts} == {len(parts)}


def test_a_part_is_short_enough_for_a_thin_link() -> None:
    parts = parts_of(CABIN, (320, 180), bytes(20_000))
    assert max(len(part.jpeg) for part in parts) <= PART_BYTES


def test_stills_use_half_of_what_is_left() -> None:
    assert budget_bytes(20_000, every_s=5) == 6_250
    assert budget_bytes(None, every_s=5) == 3_125
    assert budget_bytes(0, every_s=5) < budget_bytes(1e9, every_s=5) < 60 * 1024
