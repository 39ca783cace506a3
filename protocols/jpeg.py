"""JPEG as a picture may travel here: strictly read, and cleared of all that is not the picture.

Pure. Nothing is decoded: the segments are walked (ITU-T T.81, annex B), so that a reader knows
before any decoder sees it how large the picture is, that it is one, and that nothing hides before,
inside or behind it. Cameras and browsers write where and by what a picture was made; that goes.
"""

from dataclasses import dataclass
from typing import Final

from protocols.errors import LocalProtocolError

MAX_SIDE_PX: Final = 1920
MIN_SIDE_PX: Final = 16

_START: Final = 0xD8
_END: Final = 0xD9
_SCAN: Final = 0xDA
_FRAMES: Final = frozenset({0xC0, 0xC2})
"""Baseline and progressive, which every browser shows."""

_TABLES: Final = frozenset({0xC4, 0xDB, 0xDD})  # Huffman, quantisation, restart interval
_ASIDE: Final = frozenset({*range(0xE0, 0xF0), 0xFE})  # APPn, comments
_RESTARTS: Final = frozenset(range(0xD0, 0xD8))
_EIGHT_BITS: Final = 8
_FRAME_BYTES: Final = 8  # before its components, the length counted
_COLOURS: Final = frozenset({1, 3})


@dataclass(frozen=True, slots=True)
class Jpeg:
    """A picture, `data` cleared of what is beside it."""

    data: bytes
    width_px: int
    height_px: int


def read_jpeg(data: bytes) -> Jpeg:
    """Return the picture in `data`.

    Raises:
        LocalProtocolError: it is none, is damaged, or is larger than 1920 pixels a side; `reason`
            says which.
    """
    if data[:2] != bytes([0xFF, _START]):
        raise LocalProtocolError(reason="not-a-jpeg")
    kept, at, size = [data[:2]], 2, None
    has_scan = False
    while True:
        marker, end = _segment(data, at)
        if marker == _END:
            break
        if marker in _FRAMES and size is None:
            size = _size(data[at + 2 : end])
        elif marker == _SCAN and size is not None:
            end, has_scan = _after_scan(data, end), True
        elif marker not in _TABLES and marker not in _ASIDE:
            raise LocalProtocolError(reason="damaged")
        if marker not in _ASIDE:
            kept.append(data[at:end])
        at = end
    if size is None or not has_scan or at + 2 != len(data):
        raise LocalProtocolError(reason="damaged")
    kept.append(data[at:])
    return Jpeg(b"".join(kept), *size)


def _segment(data: bytes, at: int) -> tuple[int, int]:
    """Return the marker at `at` and where its segment ends."""
    if len(data) < at + 2 or data[at] != 0xFF:  # noqa: PLR2004 -- what a marker begins with
        raise LocalProtocolError(reason="damaged")
    marker = data[at + 1]
    if marker == _END:
        return marker, at + 2
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    if length < 2 or at + 2 + length > len(data):  # noqa: PLR2004 -- the length counts itself
        raise LocalProtocolError(reason="damaged")
    return marker, at + 2 + length


def _size(frame: bytes) -> tuple[int, int]:
    if len(frame) < _FRAME_BYTES or frame[2] != _EIGHT_BITS or frame[7] not in _COLOURS:
        raise LocalProtocolError(reason="damaged")
    height_px, width_px = int.from_bytes(frame[3:5], "big"), int.from_bytes(frame[5:7], "big")
    if not (MIN_SIDE_PX <= width_px <= MAX_SIDE_PX and MIN_SIDE_PX <= height_px <= MAX_SIDE_PX):
        raise LocalProtocolError(reason="size", width_px=width_px, height_px=height_px)
    return width_px, height_px


def _after_scan(data: bytes, at: int) -> int:
    """Return where the marker stands that ends the entropy-coded data at `at`."""
    while True:
        at = data.find(0xFF, at)
        if at < 0 or at + 1 >= len(data):
            raise LocalProtocolError(reason="damaged")
        if data[at + 1] != 0 and data[at + 1] not in _RESTARTS:
            return at
        at += 2
