"""A light unit's position as a record's body: what `Position.to_body` makes of it, by splicing.

The body of a simulated fix differs from the last one in four numbers only, each a CBOR float of
eight bytes at the same place. A test holds the two ways to the same bytes.
"""

import struct
from typing import Final

from firmware_sim.gnss import Place
from protocols.messages.position import FixQuality, Position

_MARKS: Final = (81.25, 82.25, 83.25, 84.25)
"""Stand for the four numbers in the pattern; nothing else in it looks like them."""


def _pattern() -> struct.Struct:
    """Return the places of the four numbers."""
    return struct.Struct(">" + "".join(f"{len(part)}sd" for part in _FIXED))


def _fixed() -> tuple[bytes, ...]:
    """Return what stands before each of the four numbers."""
    latitude, longitude, speed, heading = _MARKS
    body = Position(
        latitude_deg=latitude,
        longitude_deg=longitude,
        fix=FixQuality.SIMULATED,
        speed_mps=speed,
        heading_deg=heading,
    ).to_body()
    parts: list[bytes] = []
    for mark in _MARKS:
        before, body = body.split(struct.pack(">d", mark), 1)
        parts.append(before)
    assert not body  # noqa: S101 -- the heading is the last field that a light unit has
    return tuple(parts)


_FIXED: Final = _fixed()
_PATTERN: Final = _pattern()
_A, _B, _C, _D = _FIXED


def position_body(place: Place) -> bytes:
    """Return the body of a simulated fix at `place`: 1 cm, 1 cm/s, a tenth of a degree."""
    return _PATTERN.pack(
        _A,
        round(place.latitude_deg, 7),
        _B,
        round(place.longitude_deg, 7),
        _C,
        round(place.speed_mps, 2),
        _D,
        round(place.heading_deg, 1) % 360,
    )
