"""A JPEG is strictly read: its size, that it is whole, and nothing beside it."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError
from protocols.jpeg import read_jpeg
from tests.drawing import drawn, with_segment


def pixels(data: bytes) -> npt.NDArray[np.generic]:
    """Return what a real decoder makes of it."""
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    return shown


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize("colours", [1, 3])
def test_a_picture_of_a_real_encoder_is_read_with_its_size(progressive: int, colours: int) -> None:
    picture = np.full((48, 64, colours), 90, np.uint8)
    flags = [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive, cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    _, data = cv2.imencode(".jpg", picture, flags)
    jpeg = read_jpeg(bytes(data))
    assert (jpeg.width_px, jpeg.height_px) == (64, 48)
    assert pixels(jpeg.data).shape[:2] == (48, 64)


def test_what_is_beside_the_picture_goes_and_the_picture_stays() -> None:
    plain = read_jpeg(drawn()).data
    place = with_segment(drawn(), 0xE1, b"Exif\0\0 23.13N 113.26E")
    noted = with_segment(place, 0xFE, b"Zhou, 62")
    assert read_jpeg(noted).data == plain
    assert read_jpeg(plain).data == plain
    assert np.array_equal(pixels(noted), pixels(plain))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not-a-jpeg"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "not-a-jpeg"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not-a-jpeg"),
        (drawn()[:-2], "damaged"),
        (drawn() + b"<script>", "damaged"),
        (drawn(1921, 16), "size"),
        (drawn(16, 1921), "size"),
        (drawn(15, 16), "size"),
        (b"\xff\xd8\xff\xd9", "damaged"),
        (b"\xff\xd8\xff\xe0\x00\x00", "damaged"),
    ],
)
def test_anything_else_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(LocalProtocolError) as refused:
        read_jpeg(data)
    assert refused.value.facts["reason"] == reason


WHOLE = drawn(64, 48)


@given(at=st.integers(0, len(WHOLE) - 1), value=st.integers(0, 255), cut=st.integers(0, 40))
@example(at=0, value=0, cut=0)
def test_a_damaged_one_is_read_or_refused_and_nothing_else(at: int, value: int, cut: int) -> None:
    damaged = bytearray(WHOLE[: len(WHOLE) - cut])
    damaged[min(at, len(damaged) - 1)] = value
    try:
        jpeg = read_jpeg(bytes(damaged))
    except LocalProtocolError:
        return
    assert read_jpeg(jpeg.data) == jpeg
