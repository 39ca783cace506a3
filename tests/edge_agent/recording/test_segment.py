"""A segment is the very bitstream in other boxes: each picture in its place, at its time."""

import io

import av
import pytest

from edge_agent.recording.segment import Kept, mp4_of
from protocols.errors import MediaError
from tests.edge_agent.recording.film import encoded, kept


def units(data: bytes) -> list[bytes]:
    """Return what stands in `data` as length-prefixed access units."""
    with av.open(io.BytesIO(data), "r") as read:
        return [bytes(packet) for packet in read.demux(video=0) if packet.size]


def nal_bodies(annex_b: bytes) -> bytes:
    return annex_b.replace(b"\0\0\0\1", b"\0\0\1").replace(b"\0\0\1", b"")


def test_every_picture_is_there_untouched_and_at_its_time() -> None:
    pictures = kept(encoded(30))
    data = mp4_of(pictures, last_s=1002.0)
    with av.open(io.BytesIO(data), "r") as read:
        times = [frame.time for frame in read.decode(video=0)]
        assert read.duration == pytest.approx(2_000_000, abs=1000)
    assert times == pytest.approx([number / 15 for number in range(30)], abs=1e-4)
    for unit, picture in zip(units(data), pictures, strict=True):
        bodies, left = b"", unit
        while left:
            length = int.from_bytes(left[:4], "big")
            bodies, left = bodies + left[4 : 4 + length], left[4 + length :]
        assert bodies == nal_bodies(picture.unit)


def test_pictures_of_one_moment_still_follow_one_another() -> None:
    first, second, third = kept(encoded(3))
    same = [
        first,
        Kept(second.unit, is_key=False, captured_s=first.captured_s, size=first.size),
        third,
    ]
    with av.open(io.BytesIO(mp4_of(same, last_s=999.0)), "r") as read:
        stamps = [packet.pts or 0 for packet in read.demux(video=0) if packet.size]
    assert stamps == sorted(set(stamps))


def test_what_begins_without_a_key_frame_is_refused() -> None:
    for pictures in ([], kept(encoded(3))[1:]):
        with pytest.raises(MediaError):
            mp4_of(pictures, last_s=1.0)


def test_what_is_no_video_is_refused() -> None:
    with pytest.raises(MediaError):
        mp4_of(
            [Kept(b"\0\0\0\1not a picture", is_key=True, captured_s=1.0, size=(160, 96))],
            last_s=2.0,
        )
