"""Pieces of CBOR, for what is put together or read by where its bytes stand. Pure.

Source: RFC 8949, 3.1 (heads and their lengths), 3.3 (null), 4.2.1 (the shortest form is the one).
"""

import struct
from typing import Final

import cbor2

NULL: Final = b"\xf6"
UINT_PATTERN: Final = rb"[\x00-\x17]|\x18.|\x19..|\x1a.{4}|\x1b.{8}"
"""An unsigned integer, as a regular expression with DOTALL."""

SHORT: Final = 24
"""Lengths and numbers below it stand in the head itself."""

MOST_8: Final = 255
"""The most that one byte after the head can say."""

LEAST_64: Final = 2**32
"""From here on a number takes eight bytes."""

_UINT_64: Final = struct.Struct(">BQ")


def text(value: str) -> bytes:
    """Return a text string."""
    return bytes(cbor2.dumps(value))


def uint(value: int) -> bytes:
    """Return a whole number; a time in microseconds the quick way."""
    if value >= LEAST_64:
        return _UINT_64.pack(0x1B, value)
    return bytes(cbor2.dumps(value))


def uint_of(coded: bytes) -> int:
    """Return the whole number that `UINT_PATTERN` matched."""
    return coded[0] if len(coded) == 1 else int.from_bytes(coded[1:], "big")


def head_of_bytes(count: int) -> bytes:
    """Return the head of a byte string of `count` bytes."""
    if SHORT <= count <= MOST_8:
        return bytes((0x58, count))
    head = bytearray(uint(count))
    head[0] |= 0x40  # major type 2 in the place of 0
    return bytes(head)
