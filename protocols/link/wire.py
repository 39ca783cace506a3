"""CBOR with a checksum: the outer form of every frame, ack and presence message.

A message is one CBOR map (RFC 8949, deterministic enough to splice, never re-ordered) whose last
entry is `"c"`, a 32-bit unsigned integer in its five-byte form. Its value is the CRC-32 (ISO 3309)
of every byte before those last four. So a message can be read by any CBOR reader, and checked by
`crc32(payload[:-4]) == payload[-4:]` without one.
"""

import io
import struct
import zlib
from collections.abc import Mapping
from typing import Final

import cbor2

from protocols.errors import RemoteProtocolError

Scalar = bool | int | float | str | bytes | None
Value = Scalar | list["Value"] | dict[str, "Value"]
"""What may stand in a message: the JSON types, and byte strings."""

MAX_MESSAGE_BYTES: Final = 256 * 1024
"""A frame, ack or presence message is never longer; the broker's own limit is higher."""

_CHECKSUM_KEY: Final = b"\x61c\x1a"  # text(1) "c", then the head of a uint32
_CHECKSUM: Final = struct.Struct(">I")


def seal(fields: Mapping[str, Value]) -> bytes:
    """Return `fields` (fewer than 23, none named `c`) as one sealed message."""
    body = cbor2.dumps({**fields, "c": 0})
    # cbor2 wrote the entry as "c": 0 in three bytes, last; give it its five-byte form
    head = body[:-3] + _CHECKSUM_KEY
    return head + _CHECKSUM.pack(zlib.crc32(head))


def unseal(payload: bytes) -> dict[str, Value]:
    """Return the fields of a sealed message, without the checksum.

    Raises:
        RemoteProtocolError: reason `oversized`, `truncated`, `damaged` (checksum) or `not-cbor`.
    """
    if len(payload) > MAX_MESSAGE_BYTES:
        raise RemoteProtocolError(reason="oversized", message_bytes=len(payload))
    if len(payload) < 8:  # noqa: PLR2004 -- the shortest: map head, key, checksum
        raise RemoteProtocolError(reason="truncated", message_bytes=len(payload))
    if zlib.crc32(payload[:-4]) != _CHECKSUM.unpack(payload[-4:])[0]:
        raise RemoteProtocolError(reason="damaged", message_bytes=len(payload))
    fields = load_map(payload)
    fields.pop("c", None)
    return fields


def load_map(data: bytes) -> dict[str, Value]:
    """Return the one CBOR map with text keys that `data` holds.

    Raises:
        RemoteProtocolError: reason `not-cbor`: anything else, or bytes left over.
    """
    decoded = load(data)
    if not isinstance(decoded, dict) or not all(isinstance(key, str) for key in decoded):
        raise RemoteProtocolError(reason="not-cbor", detail="not a map with text keys")
    return decoded


def load(data: bytes) -> Value:
    """Return the one CBOR item that `data` holds.

    Raises:
        RemoteProtocolError: reason `not-cbor`: damaged, or bytes left over.
    """
    stream = io.BytesIO(data)
    try:
        decoded: Value = cbor2.load(stream)
    except (
        cbor2.CBORError,
        ValueError,
        OverflowError,
        RecursionError,
        UnicodeError,
        TypeError,
    ) as err:
        raise RemoteProtocolError(reason="not-cbor", detail=str(err)[:120]) from err
    if stream.read(1):
        raise RemoteProtocolError(reason="not-cbor", detail="bytes left over")
    return decoded
