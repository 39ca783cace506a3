"""Acks: what the receiver has committed, per stream of one journal, and what it refused.

On the wire an ack is a sealed CBOR map (see `wire`): `v` version 1, `j` journal (16 bytes),
`s` a map stream → `[watermark, [[first, last], …]]`, `t` committed_utc_us by the receiver's clock,
`x` the newest `sent_utc_us` among the frames it answers (the sender's round trip is now − x, a
timestamp echo as in RFC 7323) or null, `f` refusals `[[reason, count], …]` since the last ack.
An ack states the whole truth of the streams that it names: repeating or losing one harms nothing.
"""

import json
import re
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId
from protocols.link import cbor
from protocols.link.frame import MAX_SEQ, MAX_UTC_US, VERSION, journal_from_bytes
from protocols.link.streams import Stream, stream_named
from protocols.link.wire import Loader, Value, seal, shown, unseal

MAX_RANGES: Final = 256
"""Ranges above the watermark that one ack lists per stream; the lowest go first."""


_HEAD: Final = b"\xa7\x61v\x01\x61j\x50"  # seven fields: the version, and 16 bytes of journal
_STREAM: Final = {
    stream: b"\x61s\xa1" + cbor.text(stream.value) + b"\x82" for stream in Stream
}  # a map of one stream: an array of its watermark and no ranges
_TIME: Final = b"\x80\x61t"
_ECHO: Final = b"\x61x"
_END: Final = b"\x61f\x80\x61c\x1a"  # no refusals; the checksum
_STREAM_OF: Final = {coded: stream for stream, coded in _STREAM.items()}
_USUAL: Final = re.compile(
    re.escape(_HEAD)
    + rb"(.{16})(%b)" % b"|".join(map(re.escape, _STREAM.values()))
    + rb"(%b)%b\x1b(.{8})%b\x1b(.{8})%b.{4}"
    % (cbor.UINT_PATTERN, *map(re.escape, (_TIME, _ECHO, _END))),
    re.DOTALL,
)
"""An ack of one watermark and an echo; the last four bytes are the checksum."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a receiver holds of one stream: 1 … `watermark`, and `ranges` above it, both ends in.

    `ranges` are sorted, disjoint, not adjacent, and begin at `watermark + 2` or later.
    """

    watermark: int = 0
    ranges: tuple[tuple[int, int], ...] = ()

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """All that is held, as runs of seqs."""
        return ((1, self.watermark), *self.ranges) if self.watermark else self.ranges

    @property
    def last(self) -> int:
        """The highest seq that is held; 0 for none."""
        return self.ranges[-1][1] if self.ranges else self.watermark

    @property
    def ranges_text(self) -> str:
        """The ranges as a ledger's column keeps them: JSON."""
        return json.dumps(self.ranges) if self.ranges else "[]"

    @classmethod
    def from_columns(cls, watermark: int, ranges_text: str) -> "Held":
        """Return what a ledger's two columns say.

        Raises:
            ValueError, TypeError: they say nothing.
        """
        pairs = tuple((int(first), int(last)) for first, last in json.loads(ranges_text))
        return cls(watermark=watermark, ranges=pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """One ack: only the streams about which there is something to say."""

    journal: JournalId
    streams: Mapping[Stream, Held]
    committed_utc_us: int
    echo_utc_us: int | None = None
    refused: tuple[tuple[str, int], ...] = field(default=())


def encode_ack(ack: Ack) -> bytes:
    """Return the message that carries `ack`; ranges past the 256 lowest are left out.

    What nearly every ack says, one watermark, is put together by hand: a hub writes one for each
    unit and second.
    """
    if len(ack.streams) == 1 and not ack.refused and ack.echo_utc_us is not None:
        [(stream, held)] = ack.streams.items()
        if not held.ranges:
            return _usual(ack, stream, held.watermark)
    streams: dict[str, Value] = {
        stream.value: [held.watermark, [[a, b] for a, b in held.ranges[:MAX_RANGES]]]
        for stream, held in ack.streams.items()
    }
    return seal(
        {
            "v": VERSION,
            "j": uuid.UUID(ack.journal).bytes,
            "s": streams,
            "t": ack.committed_utc_us,
            "x": ack.echo_utc_us,
            "f": [[reason, count] for reason, count in ack.refused],
        }
    )


def _usual(ack: Ack, stream: Stream, watermark: int) -> bytes:
    """Return what `seal` makes of an ack of one watermark and an echo."""
    echo = -1 if ack.echo_utc_us is None else ack.echo_utc_us
    head = b"".join(
        [
            *(_HEAD, _journal_bytes(ack.journal), _STREAM[stream], cbor.uint(watermark)),
            *(_TIME, cbor.uint(ack.committed_utc_us), _ECHO, cbor.uint(echo), _END),
        ]
    )
    return head + zlib.crc32(head).to_bytes(4, "big")


def _read_usual(payload: bytes) -> Ack | None:
    """Return what `decode_ack` finds in an ack as `_usual` writes it; None of any other."""
    match = _USUAL.fullmatch(payload)
    if match is None or zlib.crc32(payload[:-4]) != int.from_bytes(payload[-4:], "big"):
        return None
    journal, stream, mark, committed, echo = match.groups()
    watermark = cbor.uint_of(mark)
    committed_us, echo_us = int.from_bytes(committed, "big"), int.from_bytes(echo, "big")
    if watermark > MAX_SEQ or committed_us > MAX_UTC_US or echo_us > MAX_UTC_US:
        return None
    return Ack(
        journal=_journal_named(journal),
        streams={_STREAM_OF[stream]: Held(watermark)},
        committed_utc_us=committed_us,
        echo_utc_us=echo_us,
    )


@lru_cache(maxsize=65_536)
def _journal_named(raw: bytes) -> JournalId:
    return journal_from_bytes(raw)


@lru_cache(maxsize=65_536)
def _journal_bytes(journal: JournalId) -> bytes:
    return uuid.UUID(journal).bytes


def decode_ack(payload: bytes, loader: Loader | None = None) -> Ack:
    """Return the ack that `payload` carries; streams unknown to this version are left out.

    `loader`: of those who read many, one after another.

    Raises:
        RemoteProtocolError: reasons as in `decode_frame`, and `bad-ack`.
    """
    return _read_usual(payload) or _read_any(payload, loader)


def _read_any(payload: bytes, loader: Loader | None) -> Ack:
    fields = unseal(payload) if loader is None else loader.unseal(payload)
    version = fields.get("v")
    if version != VERSION or isinstance(version, bool):
        raise RemoteProtocolError(reason="version", version=shown(version))
    try:
        return Ack(
            journal=journal_from_bytes(fields["j"]),
            streams=_streams(fields["s"]),
            committed_utc_us=_whole(fields["t"], MAX_UTC_US),
            echo_utc_us=None if fields.get("x") is None else _whole(fields["x"], MAX_UTC_US),
            refused=_refused(fields.get("f", [])),
        )
    except (KeyError, ValueError, TypeError) as err:
        raise RemoteProtocolError(reason="bad-ack", detail=str(err)[:120]) from err


def _whole(value: Value, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= high:
        raise ValueError(f"{shown(value)} is not a whole number from 0 to {high}")
    return value


def _streams(raw: Value) -> dict[Stream, Held]:
    if not isinstance(raw, dict):
        raise ValueError("streams: not a map")  # noqa: TRY004 -- one error for the edge
    known = ((stream_named(name), value) for name, value in raw.items())
    return {stream: _held(value) for stream, value in known if stream is not None}


def _held(raw: Value) -> Held:
    if not isinstance(raw, list) or len(raw) != 2 or not isinstance(raw[1], list):  # noqa: PLR2004
        raise ValueError("a stream is [watermark, ranges]")
    watermark = _whole(raw[0], MAX_SEQ)
    ranges: list[tuple[int, int]] = []
    floor = watermark + 1
    for pair in raw[1]:
        if not isinstance(pair, list) or len(pair) != 2:  # noqa: PLR2004
            raise ValueError("a range is [first, last]")
        first, last = _whole(pair[0], MAX_SEQ), _whole(pair[1], MAX_SEQ)
        if not floor < first <= last:
            raise ValueError("ranges overlap, touch or are out of order")
        ranges.append((first, last))
        floor = last + 1
    return Held(watermark=watermark, ranges=tuple(ranges))


def _refused(raw: Value) -> tuple[tuple[str, int], ...]:
    if not isinstance(raw, list) or len(raw) > 64:  # noqa: PLR2004
        raise ValueError("refusals: not a short array")
    found: list[tuple[str, int]] = []
    for pair in raw:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):  # noqa: PLR2004
            raise ValueError("a refusal is [reason, count]")
        found.append((pair[0][:64], _whole(pair[1], MAX_SEQ)))
    return tuple(found)
