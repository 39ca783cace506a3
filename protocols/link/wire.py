"""CBOR with a checksum: the outer form of every frame, ack and presence message.

A message is one CBOR map (RFC 8949, deterministic enough to splice, never re-ordered) whose last
entry is `"c"`, a 32-bit unsigned integer in its five-byte form. Its value is the CRC-32 (ISO 3309)
of every byte before those last four. So a message can be read by any CBOR reader, and checked by
`crc32(payload[:-4]) == payload[-4:]` without one.

No message of ours has a tag (RFC 8949, 3.4). A reader that follows them can be made to build, from
some hundred bytes, a value that shares its parts and prints as gigabytes: they are refused unread.
"""

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

import cbor2

from protocols.errors import RemoteProtocolError

Scalar = bool | int | float | str | bytes | None
Value = Scalar | list["Value"] | dict[str, "Value"]
"""What may stand in a message: the JSON types, and byte strings."""

MAX_MESSAGE_BYTES: Final = 256 * 1024
"""A frame, ack or presence message is never longer; the broker's own limit is higher."""

MAX_DEPTH: Final = 16
"""Arrays and maps within one another, at most; our deepest have five."""

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
    """Return the one CBOR item that `data` holds; `undefined` and simple values come as they are.

    Raises:
        RemoteProtocolError: reason `not-cbor`: damaged, a tag, too deep, or bytes left over.
    """
    stream = io.BytesIO(data)
    try:
        decoded: Value = cbor2.load(
            stream, tag_hook=_refuse_tag, semantic_decoders=_NO_TAGS, max_depth=MAX_DEPTH
        )
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


def shown(value: Value) -> str:
    """Return what an error may say of a value that somebody sent: short, whatever it is."""
    return repr(value)[:40] if isinstance(value, int | float) else type(value).__name__


def _refuse_tag(*_of: object) -> NoReturn:
    raise ValueError("a message has no tags")


class _NoTags(dict[int, Callable[..., NoReturn]]):
    """Answers for every tag, those too that cbor2 would follow by itself."""

    def __missing__(self, _tag: int) -> Callable[..., NoReturn]:
        return _refuse_tag


_NO_TAGS: Final = _NoTags()
