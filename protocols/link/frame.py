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
from dataclasses import dataclass, field
from typing import Final

import cbor2

from protocols.clock import ClockSource
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.ids import JournalId, Seq
from protocols.link.packing import pack, unpack
from protocols.link.streams import Lane, Stream
from protocols.link.wire import MAX_MESSAGE_BYTES, Value, load, seal, shown, unseal

VERSION: Final = 1
MAX_BODY_BYTES: Final = 64 * 1024
MAX_RECORDS: Final = 4096
MAX_SEQ: Final = 2**53 - 1
MAX_UTC_US: Final = 2**53 - 1
_MAX_HEADER_BYTES: Final = 256  # all but the records


@dataclass(frozen=True, slots=True)
class Record:
    """One reading or event as it travels: `body` is an encoded CBOR map of at most 64 KiB."""

    captured_utc_us: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """Under which journal and seq a record was accepted, before its journal was damaged.

    The hub may have it by that name, and then does not store it again.
    """

    journal: JournalId
    seq: Seq


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """`records` have the seqs `first_seq`, `first_seq + 1`, …; never empty.

    With an `origin`, that is the first record's, and the others' follow it one by one.
    """

    journal: JournalId
    stream: Stream
    first_seq: Seq
    lane: Lane
    sent_utc_us: int
    clock: ClockSource
    clock_error_us: int | None
    records: tuple[Record, ...] = field(repr=False)
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


def decode_frame(payload: bytes) -> Frame:
    """Return the frame that `payload` carries, every bound checked; bodies are not looked into.

    Raises:
        RemoteProtocolError: reason `oversized`, `truncated`, `damaged`, `not-cbor`, `version`
            (an unknown major version), `bad-packing` or `bad-frame` (a field is missing or out of
            bounds).
    """
    fields = unseal(payload)
    version = fields.get("v")
    if version != VERSION or isinstance(version, bool):
        raise RemoteProtocolError(reason="version", version=shown(version))
    try:
        frame = Frame(
            journal=journal_from_bytes(fields["j"]),
            stream=Stream(_text(fields["s"])),
            first_seq=Seq(_bounded(fields["n"], low=1, high=MAX_SEQ)),
            lane=Lane(_bounded(fields["l"], low=0, high=1)),
            sent_utc_us=_bounded(fields["t"], low=0, high=MAX_UTC_US),
            clock=ClockSource(_text(fields["k"])),
            clock_error_us=None
            if fields["e"] is None
            else _bounded(fields["e"], low=0, high=MAX_UTC_US),
            records=_records(fields["r"] if "r" in fields else _unpacked(fields["z"])),
            origin=_origin(fields.get("o")),
        )
    except (KeyError, ValueError, TypeError) as err:
        raise RemoteProtocolError(reason="bad-frame", detail=str(err)[:120]) from err
    if frame.last_seq > MAX_SEQ:
        raise RemoteProtocolError(reason="bad-frame", detail="seq beyond 2**53")
    return frame


def journal_from_bytes(raw: Value) -> JournalId:
    """Return the journal whose UUID is the 16 bytes `raw`.

    Raises:
        ValueError: `raw` is not 16 bytes.
    """
    if not isinstance(raw, bytes):
        raise ValueError("journal is not a byte string")  # noqa: TRY004 -- one error for the edge
    return JournalId(str(uuid.UUID(bytes=raw)))


def _bounded(value: Value, *, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{shown(value)} is not a whole number from {low} to {high}")
    return value


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004 -- one error for the edge
    return value


def _origin(raw: Value) -> Origin | None:
    if raw is None:
        return None
    if not isinstance(raw, list) or len(raw) != 2:  # noqa: PLR2004
        raise ValueError("an origin is [journal, seq]")
    return Origin(journal_from_bytes(raw[0]), Seq(_bounded(raw[1], low=1, high=MAX_SEQ)))


def _records(raw: Value) -> tuple[Record, ...]:
    if not isinstance(raw, list) or not 0 < len(raw) <= MAX_RECORDS:
        raise ValueError("records: not an array of 1 to 4096")
    return tuple(_record(item) for item in raw)


def _unpacked(raw: Value) -> Value:
    if not isinstance(raw, bytes):
        raise ValueError("packed records are not a byte string")  # noqa: TRY004 -- one error for the edge
    return load(unpack(raw))


def _record(item: Value) -> Record:
    if not isinstance(item, list) or len(item) != 2:  # noqa: PLR2004
        raise ValueError("a record is [captured_utc_us, body]")
    captured, body = item
    if not isinstance(body, bytes) or not 0 < len(body) <= MAX_BODY_BYTES:
        raise ValueError("a body is a byte string of 1 to 65536 bytes")
    return Record(captured_utc_us=_bounded(captured, low=0, high=MAX_UTC_US), body=body)
