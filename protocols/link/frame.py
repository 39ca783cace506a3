"""Frames: one MQTT message's worth of consecutive records of one stream.

On the wire a frame is a sealed CBOR map (see `wire`):

| key | what | CBOR |
| --- | --- | --- |
| `v` | version, 1 | unsigned |
| `j` | journal | 16 bytes (the UUID) |
| `s` | stream | text |
| `n` | seq of the first record | unsigned |
| `l` | lane: 0 live, 1 backfill | unsigned |
| `t` | sent_utc_us by the sender's clock; echoed in acks | unsigned |
| `k` | clock that captured these records: `gnss`, `ntp`, `rtc`, `unset` | text |
| `e` | how far that clock may be off, µs; null = unknown | unsigned or null |
| `r` | records: `[captured_utc_us, body]`, seq rising by one | array |
| `o` | only where they were salvaged: `[journal, seq]` under which the first was accepted | array |
| `z` | in the place of `r`, where that is shorter: the same array, packed (see `packing`) | bytes |
| `c` | checksum | unsigned, 5 bytes |

A body is itself one CBOR map, carried as a byte string so that the hub keeps it to the letter,
unknown fields included. Every record of a frame was captured under the same clock and error; where
that changes, the sender begins a new frame. Unknown header fields are ignored.
"""

import uuid
from typing import Final, NamedTuple

import cbor2

from protocols.clock import ClockSource
from protocols.errors import LocalProtocolError
from protocols.ids import JournalId, Seq
from protocols.link.packing import pack
from protocols.link.streams import Lane, Stream
from protocols.link.wire import MAX_MESSAGE_BYTES, Value, seal

VERSION: Final = 1
MAX_BODY_BYTES: Final = 64 * 1024
MAX_RECORDS: Final = 4096
MAX_SEQ: Final = 2**53 - 1
MAX_UTC_US: Final = 2**53 - 1
_MAX_HEADER_BYTES: Final = 256  # all but the records


class Record(NamedTuple):
    """One reading or event as it travels: `body` is an encoded CBOR map of at most 64 KiB."""

    captured_utc_us: int
    body: bytes

    def __repr__(self) -> str:
        """Show when, and how much; a body is a patient's."""
        return f"Record(captured_utc_us={self.captured_utc_us}, body_bytes={len(self.body)})"


class Origin(NamedTuple):
    """Under which journal and seq a record was accepted, before its journal was damaged.

    The hub may have it by that name, and then does not store it again.
    """

    journal: JournalId
    seq: Seq


class Frame(NamedTuple):
    """`records` have the seqs `first_seq`, `first_seq + 1`, …; never empty.

    With an `origin`, that is the first record's, and the others' follow it one by one. Frames and
    records are tuples, for a hub makes tens of thousands a second.
    """

    journal: JournalId
    stream: Stream
    first_seq: Seq
    lane: Lane
    sent_utc_us: int
    clock: ClockSource
    clock_error_us: int | None
    records: tuple[Record, ...]
    origin: Origin | None = None

    @property
    def last_seq(self) -> Seq:
        """The seq of the last record."""
        return Seq(self.first_seq + len(self.records) - 1)


def encode_frame(frame: Frame) -> bytes:
    """Return the message that carries `frame`.

    Raises:
        LocalProtocolError: no records, too many, or the records are over 256 KiB less a header.
    """
    if not 0 < len(frame.records) <= MAX_RECORDS:
        raise LocalProtocolError(reason="frame holds no or too many records")
    header: dict[str, Value] = {
        "v": VERSION,
        "j": uuid.UUID(frame.journal).bytes,
        "s": frame.stream.value,
        "n": int(frame.first_seq),
        "l": int(frame.lane),
        "t": frame.sent_utc_us,
        "k": frame.clock.value,
        "e": frame.clock_error_us,
    }
    if frame.origin is not None:
        header["o"] = [uuid.UUID(frame.origin.journal).bytes, int(frame.origin.seq)]
    records: list[Value] = [[record.captured_utc_us, record.body] for record in frame.records]
    plain = cbor2.dumps(records)
    if len(plain) > MAX_MESSAGE_BYTES - _MAX_HEADER_BYTES:
        raise LocalProtocolError(reason="frame is too long", records_bytes=len(plain))
    packed = pack(plain)
    return seal(header | ({"z": packed} if len(packed) < len(plain) else {"r": records}))


def journal_from_bytes(raw: Value) -> JournalId:
    """Return the journal whose UUID is the 16 bytes `raw`.

    Raises:
        ValueError: `raw` is not 16 bytes.
    """
    if not isinstance(raw, bytes):
        raise ValueError("journal is not a byte string")  # noqa: TRY004 -- one error for the edge
    return JournalId(str(uuid.UUID(bytes=raw)))
