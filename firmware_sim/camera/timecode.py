"""A time that a machine can read out of a picture, after any lossy coding. Pure.

The code is a block of 16 × 4 cells in the upper left corner, half the picture wide and 16 % high,
whatever the picture's size, so that it survives scaling. White is 1, black 0, row by row: the
reference cells 1 0, then 44 bits of UTC milliseconds (highest first), 16 bits of checksum
(CRC-16/XMODEM of the six bytes), the reference cells 0 1. Only brightness counts.
"""

import binascii
from typing import Final

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]
"""Brightness, shape (height, width)."""

COLUMNS: Final = 16
ROWS: Final = 4
WIDTH_SHARE: Final = 0.5
HEIGHT_SHARE: Final = 0.16
MAX_UTC_MS: Final = 2**44 - 1
_WHITE, _BLACK = 235, 16
_LEAST_CONTRAST: Final = 60.0


def draw_timecode(plane: Plane, utc_ms: int) -> None:
    """Write `utc_ms` (0 … 2**44 − 1) into the brightness `plane`, in place."""
    payload = utc_ms.to_bytes(6, "big")
    word = (utc_ms << 16) | binascii.crc_hqx(payload, 0)
    bits = [1, 0, *((word >> shift) & 1 for shift in range(59, -1, -1)), 0, 1]
    xs, ys = _edges(plane.shape[1], plane.shape[0])
    for index, bit in enumerate(bits):
        row, column = divmod(index, COLUMNS)
        plane[ys[row] : ys[row + 1], xs[column] : xs[column + 1]] = _WHITE if bit else _BLACK


def read_timecode(image: npt.NDArray[np.uint8]) -> int | None:
    """Return the UTC milliseconds in `image`, or None where there is no sound code.

    `image` has shape (height, width), or (height, width, 3) in any order of colours.
    """
    plane = image.astype(np.float64)
    if image.ndim == 3:  # noqa: PLR2004
        plane = plane.mean(axis=2)
    height, width = plane.shape
    if width < 2 * COLUMNS / WIDTH_SHARE or height < 2 * ROWS / HEIGHT_SHARE:
        return None
    xs, ys = _edges(width, height)
    levels = np.array([
        _inner(plane, ys[row], ys[row + 1], xs[column], xs[column + 1])
        for row in range(ROWS)
        for column in range(COLUMNS)
    ])  # fmt: skip
    white, black = (levels[0] + levels[-1]) / 2, (levels[1] + levels[-2]) / 2
    if white - black < _LEAST_CONTRAST:
        return None
    bits = levels > (white + black) / 2
    if list(bits[[0, 1, -2, -1]]) != [True, False, False, True]:
        return None
    word = int("".join("1" if bit else "0" for bit in bits[2:-2]), 2)
    utc_ms, checksum = word >> 16, word & 0xFFFF
    return utc_ms if binascii.crc_hqx(utc_ms.to_bytes(6, "big"), 0) == checksum else None


def _edges(width: int, height: int) -> tuple[list[int], list[int]]:
    xs = [round(width * WIDTH_SHARE * column / COLUMNS) for column in range(COLUMNS + 1)]
    ys = [round(height * HEIGHT_SHARE * row / ROWS) for row in range(ROWS + 1)]
    return xs, ys


def _inner(plane: npt.NDArray[np.float64], top: int, bottom: int, left: int, right: int) -> float:
    """Return the mean of a cell's middle half: its rim is smeared by coding and scaling."""
    dy, dx = (bottom - top) // 4, (right - left) // 4
    return float(plane[top + dy : bottom - dy, left + dx : right - dx].mean())
