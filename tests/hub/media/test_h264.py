"""Key frames, sizes and payloads of real H.264, with aiortc's depacketiser as the other opinion."""

import pytest
from aiortc.codecs.h264 import h264_depayload
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.media.h264 import (
    NAL_SPS,
    PictureSize,
    begins_mid_unit,
    fit,
    is_key_frame,
    nal_units,
    picture_size,
)
from tests.hub.media.pictures import access_units


def annex_b(payloads: list[bytes]) -> bytes:
    return b"".join(h264_depayload(payload) for payload in payloads)


def test_an_idr_picture_with_its_parameter_sets_is_a_key_frame() -> None:
    units = access_units(4, keys=frozenset({0, 2}))
    assert [is_key_frame(unit) for unit in units] == [True, False, True, False]


def test_an_idr_picture_without_parameter_sets_is_none() -> None:
    (unit,) = access_units(1)
    assert not is_key_frame(unit[1:])


@pytest.mark.parametrize("size", [(320, 180), (640, 360), (176, 144), (1280, 720), (1920, 1080)])
def test_the_size_is_that_of_the_picture_and_not_of_its_blocks(size: tuple[int, int]) -> None:
    (unit,) = access_units(1, width=size[0], height=size[1])
    assert picture_size(unit) == PictureSize(*size)


def test_a_parameter_set_cut_short_gives_no_size() -> None:
    (unit,) = access_units(1)
    (parameters,) = [nal for p in unit for kind, nal in nal_units(p) if kind == NAL_SPS]
    assert picture_size([parameters]) == PictureSize(320, 180)
    assert all(picture_size([parameters[:size]]) is None for size in range(6))


@pytest.mark.parametrize("limit_bytes", [60, 500, 1_000, 1_299, 1_300, 5_000])
def test_payloads_made_to_fit_hold_the_same_units(limit_bytes: int) -> None:
    for unit in access_units(3):
        fitted = fit(unit, limit_bytes)
        assert max(len(payload) for payload in fitted) <= limit_bytes
        assert annex_b(fitted) == annex_b(unit)


@given(st.binary(min_size=1, max_size=4_000), st.integers(40, 1_400))
@settings(max_examples=200)
def test_payloads_of_any_bytes_fit(body: bytes, limit_bytes: int) -> None:
    unit = bytes([0x65]) + body
    fitted = fit([unit], limit_bytes)
    assert all(len(payload) <= limit_bytes for payload in fitted)
    assert annex_b(fitted)[4:] == unit


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_nonsense_is_read_without_harm(payloads: list[bytes]) -> None:
    is_key_frame(payloads)
    picture_size(payloads)
    assert all(begins_mid_unit(p) in (True, False) for p in payloads)
    assert all(len(p) <= 30 for p in fit(payloads, 30))
