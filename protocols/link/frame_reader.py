"""Frames read: any that the protocol allows, and the usual one by where its bytes stand.

Law: the usual way takes a message only where the general one would, and finds the same in it; of
any other it says nothing, and the general way reads it. A property test holds the two together.

The usual frame is what our own writers write: the fields in one order, the records packed. Its head
is matched by one pattern, for a decoder that makes a map of it takes five times as long.
"""

import re
import struct
import zlib
from collections.abc import Sequence
from typing import Final, cast

from protocols.clock import ClockSource
from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId, Seq
from protocols.link import cbor
from protocols.link.frame import (
    MAX_BODY_BYTES,
    MAX_RECORDS,
    MAX_SEQ,
    MAX_UTC_US,
    VERSION,
    Frame,
    Origin,
    Record,
    journal_from_bytes,
)
from protocols.link.packing import Unpacker
from protocols.link.streams import Lane, Stream
from protocols.link.wire import MAX_MESSAGE_BYTES, Loader, Value, shown

_MOST_JOURNALS: Final = 65_536  # whose names a reader keeps
_MOST_CLOCKS: Final = 4_096  # states of clocks, likewise

_STREAMS: Final = {stream.value: stream for stream in Stream}
_CLOCKS: Final = {clock.value: clock for clock in ClockSource}
_LANES: Final = tuple(Lane)
_new = tuple.__new__  # a third of what a named tuple's own constructor takes
_ONE_RECORD: Final = b"\x81\x82\x1b"  # array(1), array(2), an unsigned integer of eight bytes
_SHORT_BODY: Final = b"\x58"  # a byte string whose length is the next byte


def _one_of(values: Sequence[str]) -> bytes:
    return b"|".join(re.escape(cbor.text(value)) for value in values)


_USUAL: Final = re.compile(
    rb"\xaa\x61v\x01\x61j\x50(.{16})\x61s(%(stream)b)\x61n(%(uint)b)\x61l([\x00\x01])"
    rb"\x61t\x1b(.{8})\x61k((?:%(clock)b)\x61e(?:\xf6|%(uint)b))\x61z(?:\x58(.)|\x59(..))"
    % {
        b"stream": _one_of([*_STREAMS]),
        b"clock": _one_of([*_CLOCKS]),
        b"uint": cbor.UINT_PATTERN,
    },
    re.DOTALL,
)
"""The head of a usual frame, up to its packed records; their length is the last group or the one
before it. Ten fields: the checksum follows the records and is the last."""

_USUAL_END: Final = b"\x61c\x1a"  # and four bytes of checksum
_CHECKSUM: Final = struct.Struct(">I")
_END_BYTES: Final = len(_USUAL_END) + _CHECKSUM.size
_USUAL_STREAMS: Final = {cbor.text(name): stream for name, stream in _STREAMS.items()}


def decode_frame(payload: bytes) -> Frame:
    """Return the frame that `payload` carries, every bound checked; bodies are not looked into.

    Raises:
        RemoteProtocolError: reason `oversized`, `truncated`, `damaged`, `not-cbor`, `version`
            (an unknown major version), `bad-packing` or `bad-frame` (a field is missing or out of
            bounds).
    """
    return FrameReader().decode(payload)


class FrameReader:
    """Decodes one frame after another, for those who read many; not for two threads at once."""

    def __init__(self, *, loader: Loader | None = None) -> None:
        self._loader = loader or Loader()
        self._unpack = Unpacker().unpack
        self._journals: dict[bytes, JournalId] = {}  # names as text, for a UUID is slow to write
        self._clocks: dict[bytes, tuple[ClockSource, int | None]] = {}

    def decode(self, payload: bytes) -> Frame:
        """Do as `decode_frame`."""
        return self._frame(self._loader.unseal(payload))

    def decode_many(self, payloads: Sequence[bytes]) -> list[Frame | RemoteProtocolError]:
        """Return of each of `payloads` what `decode` returns or raises."""
        usual = self._usual
        found: list[Frame | RemoteProtocolError | None] = [usual(each) for each in payloads]
        odd = [at for at, frame in enumerate(found) if frame is None]
        if odd:
            read = self._loader.unseal_many([payloads[at] for at in odd])
            for at, fields in zip(odd, read, strict=True):
                found[at] = self._frame_or_fault(fields)
        return cast("list[Frame | RemoteProtocolError]", found)

    def _usual(self, payload: bytes) -> Frame | None:
        """Return the usual frame in `payload`; None of any other, and of one with a fault."""
        head = _USUAL.match(payload)
        if head is None:
            return None
        raw, stream, seq, lane, sent, clock, short, long = head.groups()
        size_bytes, begin = len(payload), head.end()
        end = begin + (short[0] if short is not None else int.from_bytes(long, "big"))
        if (
            end + _END_BYTES != size_bytes
            or size_bytes > MAX_MESSAGE_BYTES
            or payload[end:] != _USUAL_END + _CHECKSUM.pack(zlib.crc32(payload[:-4]))
        ):
            return None
        first_seq = cbor.uint_of(seq)
        sent_us = int.from_bytes(sent, "big")
        try:
            source, error_us = self._clocks.get(clock) or self._clock(clock)
            records = self._unpacked(payload[begin:end])
        except (RemoteProtocolError, ValueError):
            return None
        last_seq = first_seq + len(records) - 1
        if not (first_seq > 0 and last_seq <= MAX_SEQ and sent_us <= MAX_UTC_US):
            return None
        journal = self._journals.get(raw) or self._journal(raw)
        of_stream, of_lane = _USUAL_STREAMS[stream], _LANES[lane[0]]
        fields = (journal, of_stream, first_seq, of_lane, sent_us, source, error_us, records, None)
        return _new(Frame, fields)

    def _frame_or_fault(
        self, fields: dict[str, Value] | RemoteProtocolError
    ) -> Frame | RemoteProtocolError:
        if isinstance(fields, RemoteProtocolError):
            return fields
        try:
            return self._frame(fields)
        except RemoteProtocolError as err:
            return err

    def _clock(self, coded: bytes) -> tuple[ClockSource, int | None]:
        """Return what `coded` says: the text of a clock, a key, and its error.

        Raises:
            ValueError: the error is too large.
        """
        size = coded[0] - 0x60
        source = _CLOCKS[coded[1 : 1 + size].decode()]
        error = coded[3 + size :]  # after the key "e"
        error_us = None
        if error != cbor.NULL:
            error_us = _bounded(cbor.uint_of(error), 0, MAX_UTC_US)
        if len(self._clocks) >= _MOST_CLOCKS:
            self._clocks.clear()
        self._clocks[coded] = source, error_us
        return source, error_us

    def _frame(self, fields: dict[str, Value]) -> Frame:
        version = fields.get("v")
        if version != VERSION or type(version) is not int:
            raise RemoteProtocolError(reason="version", version=shown(version))
        try:
            journal, sent_us, error_us = fields["j"], fields["t"], fields["e"]
            origin = fields.get("o")
            first_seq = _bounded(fields["n"], 1, MAX_SEQ)
            records = _records(fields["r"]) if "r" in fields else self._unpacked(fields["z"])
            if first_seq + len(records) - 1 > MAX_SEQ:
                raise ValueError("seq beyond 2**53")  # noqa: TRY301 -- one error for the edge
            return _new(
                Frame,
                (
                    self._journals.get(journal) or self._journal(journal),  # type: ignore[arg-type]
                    _STREAMS[fields["s"]],  # type: ignore[index]
                    first_seq,
                    _LANES[_bounded(fields["l"], 0, 1)],
                    _bounded(sent_us, 0, MAX_UTC_US),
                    _CLOCKS[fields["k"]],  # type: ignore[index]
                    None if error_us is None else _bounded(error_us, 0, MAX_UTC_US),
                    records,
                    None if origin is None else _origin(origin),
                ),
            )
        except (KeyError, ValueError, TypeError) as err:
            raise RemoteProtocolError(reason="bad-frame", detail=str(err)[:120]) from err

    def _unpacked(self, packed: Value) -> tuple[Record, ...]:
        if type(packed) is not bytes:
            raise ValueError("packed records are not a byte string")
        raw = self._unpack(packed)
        if raw[11:12] == _SHORT_BODY and raw.startswith(_ONE_RECORD) and len(raw) == 13 + raw[12]:
            # one record with a short body, as most are: read where it stands
            captured_us = int.from_bytes(raw[3:11], "big")
            if captured_us <= MAX_UTC_US and len(raw) > 13:  # noqa: PLR2004 -- where its body begins
                return (_new(Record, (captured_us, raw[13:])),)
        return _records(self._loader.load(raw))

    def _journal(self, raw: Value) -> JournalId:
        if type(raw) is not bytes:
            raise ValueError("journal is not a byte string")
        known = self._journals.get(raw)
        if known is None:
            if len(self._journals) >= _MOST_JOURNALS:
                self._journals.clear()
            known = self._journals[raw] = journal_from_bytes(raw)
        return known


def _bounded(value: Value, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{shown(value)} is not a whole number from {low} to {high}")
    return value


def _origin(raw: Value) -> Origin:
    if not isinstance(raw, list) or len(raw) != 2:  # noqa: PLR2004
        raise ValueError("an origin is [journal, seq]")
    return Origin(journal_from_bytes(raw[0]), Seq(_bounded(raw[1], 1, MAX_SEQ)))


def _records(raw: Value) -> tuple[Record, ...]:
    if type(raw) is not list or not 0 < len(raw) <= MAX_RECORDS:
        raise ValueError("records: not an array of 1 to 4096")
    return tuple([_record(item) for item in raw])


def _record(item: Value) -> Record:
    if type(item) is not list or len(item) != 2:  # noqa: PLR2004
        raise ValueError("a record is [captured_utc_us, body]")
    captured, body = item
    if type(body) is not bytes or not 0 < len(body) <= MAX_BODY_BYTES:
        raise ValueError("a body is a byte string of 1 to 65536 bytes")
    return Record(_bounded(captured, 0, MAX_UTC_US), body)
