"""Frames of one journal, one after another: `encode_frame` for those who write many.

The bytes are the same; what does not change from frame to frame is kept, the packer above all:
to make one takes ten times as long as to pack a position with it.
"""

import struct
import uuid
import zlib
from collections.abc import Sequence
from typing import Final

import cbor2

from protocols.clock import ClockSource
from protocols.errors import LocalProtocolError
from protocols.ids import JournalId
from protocols.link import cbor
from protocols.link.frame import VERSION, Record
from protocols.link.packing import Packer
from protocols.link.streams import Lane, Stream
from protocols.link.wire import Value, seal

_MOST_RECORDS_BYTES = 64 * 1024
"""Of all records of one frame, before they are packed; a quarter of what a message may have."""


_HEAD: Final = b"\xaa\x61v" + bytes([VERSION]) + b"\x61j\x50"  # ten fields; 16 bytes of journal
_STREAMS: Final = {
    stream: b"\x61s" + cbor.text(stream.value) + b"\x61n" for stream in Stream
}  # and the key of the first seq
_LANES: Final = tuple(b"\x61l" + bytes([lane]) + b"\x61t" for lane in Lane)
_CLOCKS: Final = {
    clock: b"\x61k" + cbor.text(clock.value) + b"\x61e" for clock in ClockSource
}  # and the key of its error
_PACKED: Final = b"\x61z"
_END: Final = b"\x61c\x1a"  # the key of the checksum, and its head
_ONE: Final = b"\x81\x82\x1b"  # array(1), array(2), an unsigned integer of eight bytes
_ONE_RECORD: Final = struct.Struct(">3sQBB")


class FrameWriter:
    """Writes the frames of one journal; `packer` may be shared, but not between threads."""

    def __init__(self, journal: JournalId, packer: Packer) -> None:
        self._journal = uuid.UUID(journal).bytes
        self._head = _HEAD + self._journal
        self._packer = packer

    def write(  # noqa: PLR0913 -- what a frame says
        self,
        stream: Stream,
        *,
        first_seq: int,
        lane: Lane,
        sent_utc_us: int,
        clock: ClockSource,
        clock_error_us: int | None,
        records: Sequence[Record],
    ) -> bytes:
        """Return the message that carries `records`.

        Raises:
            LocalProtocolError: no records, or they are over 64 KiB.
        """
        plain = _plain(records)
        if not records or len(plain) > _MOST_RECORDS_BYTES:
            raise LocalProtocolError(reason="frame is empty or too long", records_bytes=len(plain))
        packed = self._packer.pack(plain)
        if len(packed) < len(plain):
            head = b"".join(
                [
                    *(self._head, _STREAMS[stream], cbor.uint(first_seq), _LANES[lane]),
                    *(cbor.uint(sent_utc_us), _CLOCKS[clock]),
                    cbor.NULL if clock_error_us is None else cbor.uint(clock_error_us),
                    *(_PACKED, cbor.head_of_bytes(len(packed)), packed, _END),
                ]
            )
            return head + zlib.crc32(head).to_bytes(4, "big")
        fields: dict[str, Value] = {
            "v": VERSION,
            "j": self._journal,
            "s": stream.value,
            "n": first_seq,
            "l": int(lane),
            "t": sent_utc_us,
            "k": clock.value,
            "e": clock_error_us,
        }
        fields["r"] = [[record.captured_utc_us, record.body] for record in records]
        return seal(fields)


def _plain(records: Sequence[Record]) -> bytes:
    """Return what travels of `records` before it is packed."""
    if len(records) == 1:
        captured_us, body = records[0]
        if captured_us >= cbor.LEAST_64 and cbor.SHORT <= len(body) <= cbor.MOST_8:
            return _ONE_RECORD.pack(_ONE, captured_us, 0x58, len(body)) + body  # as nearly always
    return cbor2.dumps([[record.captured_utc_us, record.body] for record in records])
