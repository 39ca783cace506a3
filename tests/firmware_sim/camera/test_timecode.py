"""The time in the picture, through real coding and scaling."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.camera import SyntheticScene, draw_timecode, read_timecode
from firmware_sim.camera.encoder import H264Encoder, split_nals


@given(st.integers(0, 2**44 - 1))
def test_what_is_written_is_read(utc_ms: int) -> None:
    plane = np.full((144, 176), 90, np.uint8)
    draw_timecode(plane, utc_ms)

    assert read_timecode(plane) == utc_ms
    assert read_timecode(np.repeat(plane[:, :, np.newaxis], 3, axis=2)) == utc_ms


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (320, 180), (176, 144), (853, 480)])
def test_it_survives_being_scaled(size: tuple[int, int]) -> None:
    plane = np.full((360, 640), 90, np.uint8)
    draw_timecode(plane, 1_763_000_000_123)

    scaled = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)

    assert read_timecode(np.asarray(scaled, np.uint8)) == 1_763_000_000_123


def _read(frame: av.VideoFrame) -> int | None:
    return read_timecode(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))


@pytest.mark.parametrize(("width", "height"), [(640, 360), (176, 144)])
def test_it_survives_h264_at_200_kbit_a_second(width: int, height: int) -> None:
    """Every one of 60 decoded pictures says the very millisecond that was drawn into it."""
    scene = SyntheticScene(name="A-001", width=width, height=height)
    encoder = H264Encoder(width=width, height=height, fps=15, bitrate_bps=200_000)
    decoder = av.CodecContext.create("h264", "r")
    drawn: list[int] = []
    read: list[int | None] = []
    for number in range(60):
        picture = scene.read()
        utc_ms = 1_763_000_000_000 + number * 6_667
        draw_timecode(picture[:height], utc_ms)
        drawn.append(utc_ms)
        for unit in encoder.encode(picture, pts=number * 6000, force_key=number == 30):
            packet = av.Packet(b"".join(b"\x00\x00\x00\x01" + nal for nal in unit.nals))
            packet.pts, packet.time_base = number * 6000, Fraction(1, 90_000)
            read += [_read(frame) for frame in decoder.decode(packet)]
    read += [_read(frame) for frame in decoder.decode(None)]

    assert read == drawn


def test_a_picture_without_a_code_says_nothing() -> None:
    rng = np.random.default_rng(1)

    assert read_timecode(np.zeros((360, 640), np.uint8)) is None
    assert read_timecode(np.zeros((16, 16), np.uint8)) is None
    assert all(
        read_timecode(rng.integers(0, 256, (360, 640), np.uint8).astype(np.uint8)) is None
        for _ in range(50)
    )


def test_a_damaged_code_is_not_believed() -> None:
    plane = np.full((360, 640), 90, np.uint8)
    draw_timecode(plane, 1_763_000_000_123)
    plane[0:14, 100:140] = 255 - plane[0:14, 100:140]

    assert read_timecode(plane) is None


def test_an_annex_b_stream_is_split_at_every_start_code() -> None:
    nals = [b"\x67\x01\x02", b"\x68\x03", b"\x65\x00\x00\x02\x04"]
    stream = (
        b"\x00\x00\x00\x01" + nals[0] + b"\x00\x00\x01" + nals[1] + b"\x00\x00\x00\x01" + nals[2]
    )

    assert split_nals(stream) == nals
