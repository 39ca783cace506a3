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
from collections.abc import Sequence
from typing import Final, NamedTuple

import cbor2

from protocols.clock import ClockSource
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.ids import JournalId, Seq
from protocols.link.packing import Unpacker, pack
from protocols.link.streams import Lane, Stream
from protocols.link.wire import MAX_MESSAGE_BYTES, Loader, Value, seal, shown

VERSION: Final = 1
MAX_BODY_BYTES: Final = 64 * 1024
MAX_RECORDS: Final = 4096
MAX_SEQ: Final = 2**53 - 1
MAX_UTC_US: Final = 2**53 - 1
_MAX_HEADER_BYTES: Final = 256  # all but the records
_MOST_JOURNALS: Final = 65_536  # whose names a reader keeps

_STREAMS: Final = {stream.value: stream for stream in Stream}
_CLOCKS: Final = {clock.value: clock for clock in ClockSource}
_LANES: Final = tuple(Lane)
_new_frame = tuple.__new__  # a third of what a named tuple's own constructor takes
_new_record = tuple.__new__
_ONE_RECORD: Final = b"\x81\x82\x1b"  # array(1), array(2), an unsigned integer of eight bytes
_SHORT_BODY: Final = b"\x58"  # a byte string whose length is the next byte


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
        self._unpacker = Unpacker()
        self._journals: dict[bytes, JournalId] = {}  # names as text, for a UUID is slow to write

    def decode(self, payload: bytes) -> Frame:
        """Do as `decode_frame`."""
        return self._frame(self._loader.unseal(payload))

    def decode_many(self, payloads: Sequence[bytes]) -> list[Frame | RemoteProtocolError]:
        """Return of each of `payloads` what `decode` returns or raises."""
        found: list[Frame | RemoteProtocolError] = []
        for fields in self._loader.unseal_many(payloads):
            try:
                found.append(self._frame(fields) if type(fields) is dict else fields)  # type: ignore[arg-type]
            except RemoteProtocolError as err:
                found.append(err)
        return found

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
            return _new_frame(
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
        raw = self._unpacker.unpack(packed)
        if raw[:3] == _ONE_RECORD and raw[11:12] == _SHORT_BODY and len(raw) == 13 + raw[12] > 13:  # noqa: PLR2004 -- where its parts stand
            # one record with a short body, as most are: read where it stands
            captured_us = int.from_bytes(raw[3:11], "big")
            if captured_us <= MAX_UTC_US:
                return (_new_record(Record, (captured_us, raw[13:])),)
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


def journal_from_bytes(raw: Value) -> JournalId:
    """Return the journal whose UUID is the 16 bytes `raw`.

    Raises:
        ValueError: `raw` is not 16 bytes.
    """
    if not isinstance(raw, bytes):
        raise ValueError("journal is not a byte string")  # noqa: TRY004 -- one error for the edge
    return JournalId(str(uuid.UUID(bytes=raw)))


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
