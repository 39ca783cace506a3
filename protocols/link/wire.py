"""CBOR with a checksum: the outer form of every frame, ack and presence message.

A message is one CBOR map (RFC 8949, deterministic enough to splice, never re-ordered) whose last
entry is `"c"`, a 32-bit unsigned integer in its five-byte form. Its value is the CRC-32 (ISO 3309)
of every byte before those last four. So a message can be read by any CBOR reader, and checked by
`crc32(payload[:-4]) == payload[-4:]` without one.

No message of ours has a tag (RFC 8949, 3.4). A reader that follows them can be made to build, from
some hundred bytes, a value that shares its parts and prints as gigabytes: they are refused unread.
So is a map, at any depth, whose keys are neither text nor bytes: Python hashes numbers and arrays
without a secret, and eight thousand keys that collide would keep a reader for a second.
"""

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Final, NoReturn, cast

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
_SECRET_BYTES: Final = 16
_BYTES: Final = 0x40  # major type 2, a length of up to 23. Source: RFC 8949, 3.1
_ARRAY_OF_UINT32: Final = 0x9A  # major type 4, the length in the next four bytes


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
    return Loader().unseal(payload)


def load_map(data: bytes) -> dict[str, Value]:
    """Return the one CBOR map with text keys that `data` holds.

    Raises:
        RemoteProtocolError: reason `not-cbor`: anything else, or bytes left over.
    """
    return Loader().load_map(data)


def load(data: bytes) -> Value:
    """Return the one CBOR item that `data` holds; `undefined` and simple values come as they are.

    Raises:
        RemoteProtocolError: reason `not-cbor`: damaged, a tag, too deep, or bytes left over.
    """
    return Loader().load(data)


class Loader:
    """Reads one message after another, for those who read many; not for two threads at once.

    Making a decoder costs as much as reading a message does: this one is kept. `…_many` reads
    messages by the hundred in one call, as one CBOR array. What stands between two of them is
    secret, so that none can be written that reaches into its neighbour unnoticed; where something
    is not as it should be, each half is read by itself, down to the one that is at fault.
    """

    def __init__(self, *, secret: bytes = bytes(_SECRET_BYTES)) -> None:
        """`secret`: 16 random bytes, wherever messages of different senders are read together."""
        self._secret = secret
        self._between = bytes([_BYTES | len(secret)]) + secret
        self._source = _Source()
        self._decoder = cbor2.CBORDecoder(
            cast("IO[bytes]", self._source),
            tag_hook=_refuse_tag,
            semantic_decoders=_NO_TAGS,
            max_depth=MAX_DEPTH,
            strict_hashable_types=True,
        )

    def unseal(self, payload: bytes) -> dict[str, Value]:
        """Do as the function `unseal`."""
        fault = _sealing_fault(payload)
        if fault is not None:
            raise fault
        fields = self.load_map(payload)
        fields.pop("c", None)
        return fields

    def unseal_many(
        self, payloads: Sequence[bytes]
    ) -> list[dict[str, Value] | RemoteProtocolError]:
        """Return of each of `payloads` what `unseal` returns or raises."""
        faults = [_sealing_fault(payload) for payload in payloads]
        sound = [payload for payload, fault in zip(payloads, faults, strict=True) if not fault]
        read = iter(self.load_maps(sound))
        found = [fault or next(read) for fault in faults]
        for fields in found:
            if type(fields) is dict:
                fields.pop("c", None)
        return found

    def load_map(self, data: bytes) -> dict[str, Value]:
        """Do as the function `load_map`."""
        decoded = self.load(data)
        if not _is_text_map(decoded):
            raise RemoteProtocolError(reason="not-cbor", detail="not a map with text keys")
        return cast("dict[str, Value]", decoded)

    def load_maps(self, items: Sequence[bytes]) -> list[dict[str, Value] | RemoteProtocolError]:
        """Return of each of `items` what `load_map` returns or raises."""
        values = self._load_many(items)
        if values is not None:
            return [
                cast("dict[str, Value]", value)
                if _is_text_map(value)
                else RemoteProtocolError(reason="not-cbor", detail="not a map with text keys")
                for value in values
            ]
        if len(items) == 1:
            try:
                return [self.load_map(items[0])]
            except RemoteProtocolError as err:
                return [err]
        half = len(items) // 2
        return self.load_maps(items[:half]) + self.load_maps(items[half:])

    def _load_many(self, items: Sequence[bytes]) -> list[Value] | None:
        """Return the one value of each of `items`; None where some of them is not just that."""
        if not items:
            return []
        head = bytes([_ARRAY_OF_UINT32]) + struct.pack(">I", 2 * len(items))
        try:
            values = self.load(b"".join([head, self._between.join(items), self._between]))
        except RemoteProtocolError:
            return None
        if type(values) is not list or len(values) != 2 * len(items):
            return None
        between = values[1::2]
        return values[::2] if between.count(self._secret) == len(between) else None

    def load(self, data: bytes) -> Value:
        """Do as the function `load`."""
        source = self._source
        source.data, source.left_bytes = data, 0
        try:
            decoded: Value = self._decoder.decode()
        except _NOT_CBOR as err:
            self._decoder.fp = cast("IO[bytes]", source)  # forgets what it had read
            raise RemoteProtocolError(reason="not-cbor", detail=str(err)[:120]) from err
        if source.left_bytes:
            raise RemoteProtocolError(reason="not-cbor", detail="bytes left over")
        return decoded


def _sealing_fault(payload: bytes) -> RemoteProtocolError | None:
    """Return what is wrong with a message's length or checksum, if anything."""
    if len(payload) > MAX_MESSAGE_BYTES:
        return RemoteProtocolError(reason="oversized", message_bytes=len(payload))
    if len(payload) < 8:  # noqa: PLR2004 -- the shortest: map head, key, checksum
        return RemoteProtocolError(reason="truncated", message_bytes=len(payload))
    if zlib.crc32(payload[:-4]) != int.from_bytes(payload[-4:], "big"):
        return RemoteProtocolError(reason="damaged", message_bytes=len(payload))
    return None


def _is_text_map(value: Value) -> bool:
    if type(value) is not dict:
        return False
    try:
        "".join(value)  # the shortest way to see that every key is text
    except TypeError:
        return False
    return True


class _Source:
    """The file that a decoder reads: a whole message at once, and what is left is handed back."""

    __slots__ = ("data", "left_bytes")

    def __init__(self) -> None:
        self.data = b""
        self.left_bytes = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, _least_bytes: int) -> bytes:
        data, self.data = self.data, b""
        return data

    def seek(self, offset: int, _whence: int) -> None:
        self.left_bytes = -offset


def shown(value: Value) -> str:
    """Return what an error may say of a value that somebody sent: short, whatever it is."""
    return repr(value)[:40] if isinstance(value, int | float) else type(value).__name__


_NOT_CBOR: Final = (
    cbor2.CBORError,
    ValueError,
    OverflowError,
    RecursionError,
    UnicodeError,
    TypeError,
)
"""What the decoder raises of damaged bytes."""


def _refuse_tag(*_of: object) -> NoReturn:
    raise ValueError("a message has no tags")


class _NoTags(dict[int, Callable[..., NoReturn]]):
    """Answers for every tag, those too that cbor2 would follow by itself."""

    def __missing__(self, _tag: int) -> Callable[..., NoReturn]:
        return _refuse_tag


_NO_TAGS: Final = _NoTags()
