r"""HL7 v2 text: segments, fields, components, escapes, character sets, times. Pure.

Own and small: a waveform message holds thousands of components, and a reader that makes an object
of each takes long: `hl7.parse` needed 11 ms for a quarter of a second of twelve leads, this 0.9 ms.
Nothing of PID is ever looked at.

Source: HL7 v2.6 chapter 2 (2.7 escapes, 2.A.22 DTM), table 0211 (character sets).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Final

from edge_agent.devices.reasons import Reason
from protocols.errors import RemoteProtocolError

_BREAKS: Final = re.compile(r"\r\n|\r|\n")
_TIME: Final = re.compile(
    r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(?:(\d\d)(?:\.(\d{1,6})\d*)?)?(?:([+-])(\d\d)(\d\d))?",
    re.ASCII,
)
_HEX: Final = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")
_CODECS: Final = MappingProxyType({
    "": "utf-8", "ASCII": "utf-8", "UNICODE UTF-8": "utf-8", "UNICODE": "utf-8", "UTF-8": "utf-8",
    "8859/1": "latin-1", "ISO-8859-1": "latin-1", "8859/15": "iso8859-15",
    "GB 18030-2000": "gb18030", "GB18030-2000": "gb18030", "GB 18030": "gb18030",
    "GB18030": "gb18030", "GBK": "gb18030", "GB2312": "gb18030",
})  # fmt: skip
_CHARSET_FIELD: Final = 18


@dataclass(frozen=True, slots=True)
class Delimiters:
    """What separates what, as MSH says."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; fields are numbered as the standard numbers them, from 1."""

    name: str
    fields: tuple[str, ...]

    def field(self, number: int) -> str:
        """Return the field as it was sent; empty where there is none."""
        return self.fields[number - 1].strip() if number <= len(self.fields) else ""


@dataclass(frozen=True, slots=True)
class Hl7Message:
    """One message, its header first. `codec` is what the answer is written in."""

    delimiters: Delimiters
    segments: tuple[Segment, ...]
    codec: str
    is_charset_known: bool

    @property
    def header(self) -> Segment:
        """MSH."""
        return self.segments[0]

    def components(self, text: str) -> list[str]:
        """Return the components of the first repetition of a field."""
        first = text.partition(self.delimiters.repetition)[0]
        return [part.strip() for part in first.split(self.delimiters.component)]

    def component(self, text: str, number: int) -> str:
        """Return one component, from 1; empty where there is none."""
        parts = self.components(text)
        return parts[number - 1] if number <= len(parts) else ""

    def text(self, raw: str) -> str:
        r"""Return a component with its escapes undone; what is no escape stands as it is."""
        mark = self.delimiters.escape
        if mark not in raw:
            return raw
        meanings = {
            "F": self.delimiters.field,
            "S": self.delimiters.component,
            "T": self.delimiters.subcomponent,
            "R": self.delimiters.repetition,
            "E": mark,
            "H": "",
            "N": "",
            ".br": " ",
        }
        out: list[str] = []
        rest = raw
        while rest:
            before, _, rest = rest.partition(mark)
            out.append(before)
            body, closed, after = rest.partition(mark)
            if not closed:
                out.append(rest)
                break
            rest = after
            out.append(self._escaped(body, meanings))
        return "".join(c for c in "".join(out) if c.isprintable())

    def _escaped(self, body: str, meanings: dict[str, str]) -> str:
        if body in meanings:
            return meanings[body]
        if (found := _HEX.fullmatch(body)) is not None:
            return bytes.fromhex(found[1]).decode(self.codec, "replace")
        return body


def read_message(data: bytes) -> Hl7Message:
    """Return the message in one MLLP block.

    Bytes that are not of the character set named in MSH-18 become `U+FFFD`; they stand in names,
    which are not looked at.

    Raises:
        RemoteProtocolError: reason `not-hl7`: it does not begin with a header.
    """
    data = data.lstrip(b"\r\n\t ").removeprefix(b"\xef\xbb\xbf")
    head = re.split(rb"[\r\n]", data, maxsplit=1)[0]
    if not head.startswith(b"MSH"):
        raise RemoteProtocolError(reason=Reason.NOT_HL7)
    delimiters = _delimiters(head[3:8].decode("latin-1"))
    codec, is_known = _codec(head, delimiters)
    lines = _BREAKS.split(data.decode(codec, "replace"))
    segments: list[Segment] = []
    for line in lines:
        name, *fields = line.split(delimiters.field)
        if not segments:
            segments.append(Segment("MSH", (delimiters.field, *fields)))
        elif name.strip():
            segments.append(Segment(name.strip()[:8], tuple(fields)))
    return Hl7Message(delimiters, tuple(segments), codec, is_known)


def _delimiters(said: str) -> Delimiters:
    marks = said[:5]
    if len(marks) < 4 or len(set(marks)) < len(marks):  # noqa: PLR2004 -- the subcomponent's is optional
        raise RemoteProtocolError(reason=Reason.NOT_HL7)
    if any(mark.isalnum() or not mark.isprintable() or mark == " " for mark in marks[:4]):
        raise RemoteProtocolError(reason=Reason.NOT_HL7)
    if len(marks) == 4 or marks[4] == marks[0]:  # noqa: PLR2004
        return Delimiters(*marks[:4])
    return Delimiters(*marks)


def _codec(head: bytes, delimiters: Delimiters) -> tuple[str, bool]:
    """Return the codec that MSH-18 names, and whether it is one that is known here.

    The header itself is written in it, so the codec is the one in which the header names that same
    codec. Without a name, UTF-8 if the header is that, else ISO 8859-1.
    """
    named = False
    for codec in ("utf-8", "gb18030", "latin-1"):
        fields = head.decode(codec, "replace").split(delimiters.field)
        said = fields[_CHARSET_FIELD - 1] if len(fields) >= _CHARSET_FIELD else ""
        said = said.partition(delimiters.repetition)[0].strip().upper()
        named = named or bool(said)
        meant = _CODECS.get(said)
        if said and meant is not None and codec in {meant, "latin-1"}:
            return meant, True
    return "utf-8", not named


def read_time(text: str, *, zone_minutes: int = 0) -> int | None:
    """Return an HL7 DTM as UTC microseconds; `zone_minutes` east of UTC where it names no zone.

    None: empty, coarser than a minute, or no such moment.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, zone_h, zone_m = match.groups()
    try:
        zone = timedelta(minutes=zone_minutes)
        if sign is not None:
            zone = timedelta(hours=int(zone_h), minutes=int(zone_m)) * (-1 if sign == "-" else 1)
        at = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0),
            tzinfo=timezone(zone),
        )  # fmt: skip
        whole_s = (at - _EPOCH) // timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None
    utc_us = whole_s * 1_000_000 + int((fraction or "0").ljust(6, "0"))
    return utc_us if utc_us >= 0 else None


def zone_of(text: str) -> int:
    """Return the zone that a DTM names, in minutes east of UTC; 0 where it names none."""
    match = _TIME.fullmatch(text)
    if match is None or match[8] is None:
        return 0
    minutes = int(match[9]) * 60 + int(match[10])
    return -minutes if match[8] == "-" else minutes


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
