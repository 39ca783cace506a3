"""A range coder over whole numbers: asymmetric numeral systems, one byte at a time. Pure.

What is written is a row of places: each has a start and a size among `tables.ONE`. The encoder goes
through them from the last to the first, so that the decoder reads them from the first to the last.
Source: J. Duda, Asymmetric numeral systems, arXiv 1311.2540 (2013), the range variant.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from protocols.messages.interlead3.tables import ONE, PRECISION

LOW: Final = 1 << 15
"""The state before the first place and after the last; in between it is this at least."""

_FIRST_BYTES: Final = 3
_MASK: Final = ONE - 1

Places = npt.NDArray[np.int64]
"""Shape (2, n): starts and sizes."""


def field(value: int, bits: int) -> list[tuple[int, int]]:
    """Return the places that say `value` in so many bits, whatever it is."""
    places = []
    while bits > 0:
        part = min(bits, PRECISION)
        bits -= part
        room = PRECISION - part
        places.append((((value >> bits) & ((1 << part) - 1)) << room, 1 << room))
    return places


def write(places: Places) -> bytes:
    """Return `places` as bytes."""
    state = LOW
    out = bytearray()
    for start, size in zip(*places[:, ::-1].tolist(), strict=True):
        most = size << 11
        while state >= most:
            out.append(state & 255)
            state >>= 8
        ahead, rest = divmod(state, size)
        state = (ahead << PRECISION) + rest + start
    out += state.to_bytes(_FIRST_BYTES, "little")
    out.reverse()
    return bytes(out)


class Reader:
    """Reads places from the first to the last; `state` and `at` are for those who read in a loop.

    Raises:
        ValueError: there are no more.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) < _FIRST_BYTES:
            raise ValueError("the block is truncated")
        self.data = data
        self.state = int.from_bytes(data[:_FIRST_BYTES], "big")
        self.at = _FIRST_BYTES
        if not LOW <= self.state < LOW << 8:
            raise ValueError("the block is damaged")

    def field(self, bits: int) -> int:
        """Return what `field` wrote in so many bits."""
        value = 0
        while bits > 0:
            part = min(bits, PRECISION)
            bits -= part
            value = (value << part) | ((self.state & _MASK) >> (PRECISION - part))
            room = (1 << (PRECISION - part)) - 1
            self.state = ((self.state >> PRECISION) << (PRECISION - part)) + (self.state & room)
            self.fill()
        return value

    def fill(self) -> None:
        """Take bytes until the state is large enough."""
        while self.state < LOW:
            if self.at >= len(self.data):
                raise ValueError("the block is truncated")
            self.state = (self.state << 8) | self.data[self.at]
            self.at += 1

    def end(self) -> None:
        """Make sure that all was read.

        Raises:
            ValueError: more stands there, or what was read is not what was written.
        """
        if self.state != LOW or self.at != len(self.data):
            raise ValueError("the block is damaged or too long")
