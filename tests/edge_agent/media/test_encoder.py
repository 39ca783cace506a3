"""Encoded once, decodable anywhere: what leaves the encoder."""

import random

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.backoff import Backoff
from edge_agent.media.camera import Pace, Subscription
from edge_agent.media.encoder import EncodedPicture, Encoder, output_size
from edge_agent.media.settings import MediaSettings
from edge_agent.media.state import CameraState, judge


def noise(width: int, height: int, seed: int) -> av.VideoFrame:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 255, (height * 3 // 2, width), dtype=np.uint8)
    return av.VideoFrame.from_ndarray(image, format="yuv420p")


def encoded(encoder: Encoder, count: int, *, keys: tuple[int, ...] = ()) -> list[EncodedPicture]:
    found = []
    for index in range(count):
        width, height = encoder.input_size
        picture = encoder.encode(noise(width, height, index), index / 15, force_key=index in keys)
        assert picture is not None  # no picture is held back
        found.append(picture)
    return found


def test_a_key_frame_comes_when_asked_for_and_carries_its_parameter_sets() -> None:
    encoder = Encoder(MediaSettings(), width_px=320, height_px=180)
    found = encoded(encoder, 30, keys=(7, 20))
    assert [index for index, picture in enumerate(found) if picture.is_key] == [0, 7, 20]
    for index in (0, 7, 20):
        kinds = [nal[0] & 0x1F for nal in bytes(found[index].packet).split(b"\x00\x00\x01")[1:]]
        assert {7, 8, 5} <= set(kinds)


def test_a_decoder_may_begin_at_any_key_frame() -> None:
    encoder = Encoder(MediaSettings(), width_px=320, height_px=180)
    found = encoded(encoder, 12, keys=(6,))
    decoder = av.CodecContext.create("h264", "r")
    shown = [frame for p in found[6:] for frame in decoder.decode(av.Packet(bytes(p.packet)))]
    shown += decoder.decode(None)
    assert len(shown) == 6
    assert (shown[0].width, shown[0].height) == (320, 180)


def test_the_stream_is_constrained_baseline() -> None:
    encoder = Encoder(MediaSettings(), width_px=640, height_px=360)
    (first,) = encoded(encoder, 1)
    at = bytes(first.packet).index(b"\x00\x00\x01\x67") + 4
    profile, constraints = bytes(first.packet)[at], bytes(first.packet)[at + 1]
    assert profile == 66
    assert constraints & 0x40  # constraint_set1: no tools beyond the browsers' profile


def test_the_bit_rate_is_kept_for_hard_pictures() -> None:
    settings = MediaSettings(bitrate_bps=300_000, max_fps=15)
    found = encoded(Encoder(settings, width_px=320, height_px=180), 90)
    after_start = found[15:]
    rate_bps = sum(picture.packet.size for picture in after_start) * 8 / (len(after_start) / 15)
    assert rate_bps < 300_000 * 1.25


def test_times_rise_though_the_camera_stands_still() -> None:
    encoder = Encoder(MediaSettings(), width_px=64, height_px=64)
    stamps = []
    for captured_s in (1.0, 1.0, 0.5, 2.0):
        picture = encoder.encode(noise(64, 64, 1), captured_s, force_key=False)
        assert picture is not None
        assert picture.packet.pts is not None
        stamps.append(picture.packet.pts)
    assert stamps == sorted(set(stamps))


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        (MediaSettings(), (1281, 721)),
        (MediaSettings(width=640), (640, 360)),
        (MediaSettings(height=180), (320, 180)),
        (MediaSettings(width=200, height=200), (200, 200)),
    ],
)
def test_the_size_is_the_cameras_own_unless_set(
    settings: MediaSettings, size: tuple[int, int]
) -> None:
    width_px, height_px = output_size(settings, 1281, 721)
    assert (width_px, height_px) == (size[0] // 2 * 2, size[1] // 2 * 2)


def test_a_picture_of_the_right_size_is_encoded_as_it_is() -> None:
    """No scaling, no conversion: a burnt-in time code keeps its edges."""
    encoder = Encoder(MediaSettings(), width_px=320, height_px=180)
    frame = noise(320, 180, 1)
    assert encoder._fitted(frame) is frame


def test_a_camera_in_another_pixel_format_is_converted() -> None:
    encoder = Encoder(MediaSettings(width=160, height=90), width_px=320, height_px=180)
    frame = av.VideoFrame.from_ndarray(np.zeros((180, 320, 3), dtype=np.uint8), format="rgb24")
    picture = encoder.encode(frame, 0.0, force_key=False)
    assert picture is not None
    (shown, *_) = [
        *av.CodecContext.create("h264", "r").decode(av.Packet(bytes(picture.packet))),
        None,
    ]
    assert shown is None or (shown.width, shown.height) == (160, 90)


@given(st.lists(st.floats(0, 0.2), min_size=40, max_size=80), st.sampled_from([5, 10, 15, 30]))
def test_pictures_are_thinned_to_the_pace(steps_s: list[float], fps: int) -> None:
    pace, now_s, kept = Pace(1 / fps), 0.0, 0
    for step_s in steps_s:
        now_s += step_s
        kept += pace.admits(now_s)
    assert kept <= now_s * fps + 2.5


def test_a_camera_at_the_pace_loses_no_picture_to_jitter() -> None:
    pace, rng = Pace(1 / 30), random.Random(5)
    assert all(pace.admits(n / 30 + rng.uniform(-0.012, 0.012)) for n in range(300))


def test_a_faster_camera_is_thinned_evenly() -> None:
    pace = Pace(1 / 15)
    kept = [n for n in range(100) if pace.admits(n / 25)]
    assert abs(len(kept) - 60) <= 1


async def test_a_reader_that_falls_behind_begins_again_at_a_key_frame() -> None:
    asked = []
    subscription = Subscription(lambda: asked.append(True), is_live=True)
    found = encoded(Encoder(MediaSettings(), width_px=64, height_px=64), 13, keys=(12,))
    for picture in found[:12]:
        subscription.put(picture)
    assert asked == [True]
    subscription.put(found[12])
    assert (await subscription.get()) is found[12]


def test_waits_double_up_to_a_cap_and_are_spread() -> None:
    backoff = Backoff(base_s=0.5, cap_s=4, rng=random.Random(1))
    waits_s = [backoff.next_s() for _ in range(40)]
    ceilings_s = [0.5, 1, 2] + [4] * 37
    assert all(c / 2 <= w <= c for w, c in zip(waits_s, ceilings_s, strict=True))
    assert len({round(wait_s, 3) for wait_s in waits_s[3:]}) > 20
    backoff.reset()
    assert backoff.next_s() <= 0.5


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ((False, True, True), CameraState.CAMERA_FAULT),
        ((True, True, True), CameraState.PUBLISHING),
        ((True, False, True), CameraState.LOST),
        ((True, False, False), CameraState.CONNECTING),
    ],
)
def test_a_state_is_made_of_three_facts(facts: tuple[bool, bool, bool], state: CameraState) -> None:
    gives, published, before = facts
    assert judge(gives_pictures=gives, is_published=published, was_published=before) is state
