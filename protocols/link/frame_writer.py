"""Frames of one journal, one after another: `encode_frame` for those who write many.

The bytes are the same; what does not change from frame to frame is kept, the packer above all:
to make one takes ten times as long as to pack a position with it.
"""

import uuid
from collections.abc import Sequence

import cbor2

from protocols.clock import ClockSource
from protocols.errors import LocalProtocolError
from protocols.ids import JournalId
from protocols.link.frame import VERSION, Record
from protocols.link.packing import Packer
from protocols.link.streams import Lane, Stream
from protocols.link.wire import Value, seal

_MOST_RECORDS_BYTES = 64 * 1024
"""Of all records of one frame, before they are packed; a quarter of what a message may have."""


class FrameWriter:
    """Writes the frames of one journal; `packer` may be shared, but not between threads."""

    def __init__(self, journal: JournalId, packer: Packer) -> None:
        self._journal = uuid.UUID(journal).bytes
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
        plain_records: list[Value] = [[record.captured_utc_us, record.body] for record in records]
        plain = cbor2.dumps(plain_records)
        if not records or len(plain) > _MOST_RECORDS_BYTES:
            raise LocalProtocolError(reason="frame is empty or too long", records_bytes=len(plain))
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
        packed = self._packer.pack(plain)
        if len(packed) < len(plain):
            fields["z"] = packed
        else:
            fields["r"] = plain_records
        return seal(fields)
