"""NMEA 0183: from bytes of any kind to what one sentence says. Pure.

Law: nothing that arrives raises anything but `RemoteProtocolError`, and nothing that a sentence
does not plainly say comes out of it.

`pynmeagps` names the fields. What it was seen to let through is stopped here: a missing hemisphere
(it reads north and east), minutes of 60 and more, latitudes past 90, a sign before the degrees
(dropped), `nan`, `inf`, `1e2` and `1_0` as numbers, fields that are missing altogether.
Source: NMEA 0183 4.11.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Final

from pynmeagps import NMEAReader
from pynmeagps.exceptions import (
    NMEAMessageError,
    NMEAParseError,
    NMEAStreamError,
    NMEATypeError,
)

from edge_agent.devices.reasons import Reason
from protocols.errors import RemoteProtocolError
from protocols.messages import FixQuality

LONGEST_BYTES: Final = 512
"""The standard says 82; receivers' own sentences run to about 250."""

MPS_PER_KNOT: Final = 1852 / 3600

POSITIONS: Final = frozenset({"RMC", "GGA", "GNS", "VTG"})
"""Sentences that are read for a position; ZDA is, for the time."""

_KNOWN: Final = frozenset({"GSA", "GSV", "GLL", "GST", "GBS", "GRS", "DTM", "TXT", "HDT"})
"""Sentences that are understood and not needed."""

_ERRORS: Final = (NMEAMessageError, NMEAParseError, NMEAStreamError, NMEATypeError)
_SHAPE: Final = re.compile(rb"\$([A-Z][A-Z0-9]{2,7})((?:,[^*]*)?)\*([0-9A-Fa-f]{2})[ \t]*")
_FIELD: Final = re.compile(r"-?\d{0,12}(?:\.\d{0,12})?|[A-Za-z]{0,8}")
_LATITUDE: Final = re.compile(r"\d\d[0-5]\d(?:\.\d*)?")
_LONGITUDE: Final = re.compile(r"\d{3}[0-5]\d(?:\.\d*)?")

_BY_GGA: Final[Mapping[int, FixQuality]] = MappingProxyType(
    {
        1: FixQuality.AUTONOMOUS,
        2: FixQuality.DIFFERENTIAL,
        3: FixQuality.AUTONOMOUS,  # precise positioning service: not differential
        4: FixQuality.RTK_FIXED,
        5: FixQuality.RTK_FLOAT,
        6: FixQuality.ESTIMATED,
        7: FixQuality.SIMULATED,  # typed in by hand
        8: FixQuality.SIMULATED,
    }
)
_BY_MODE: Final[Mapping[str, FixQuality]] = MappingProxyType(
    {
        "A": FixQuality.AUTONOMOUS,
        "P": FixQuality.AUTONOMOUS,
        "D": FixQuality.DIFFERENTIAL,
        "R": FixQuality.RTK_FIXED,
        "F": FixQuality.RTK_FLOAT,
        "E": FixQuality.ESTIMATED,
        "M": FixQuality.SIMULATED,
        "S": FixQuality.SIMULATED,
    }
)


class SentenceSplitter:
    """Cuts a byte stream into sentences, each from its `$` to before its line end."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes | Reason]:
        """Yield the sentences that `data` completes, and the reason for whatever is thrown away.

        A sentence cut short by the next one's `$` is yielded too: its shape tells what it is.
        """
        lines = re.split(rb"[\r\n]", self._rest + data)
        self._rest = lines.pop()
        for line in lines:
            if self._skipping:  # the tail of what was already given up
                self._skipping = False
                line = b"$".join([b"", *line.split(b"$")[1:]])  # noqa: PLW2901
            yield from self._of_line(line)
        if len(self._rest) > LONGEST_BYTES:
            at = self._rest.rfind(b"$")
            self._rest = self._rest[at:] if 0 < len(self._rest) - at <= LONGEST_BYTES <= at else b""
            if not self._skipping:
                yield Reason.TOO_LONG
            self._skipping = not self._rest

    def _of_line(self, line: bytes) -> Iterator[bytes | Reason]:
        noise, *parts = line.split(b"$")
        if noise.strip(b" \t\0"):
            yield Reason.GARBAGE
        for part in parts:
            yield Reason.TOO_LONG if len(part) >= LONGEST_BYTES else b"$" + part


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What one RMC, GGA, GNS, VTG or ZDA says. `time_us`: of the day; None where not said."""

    kind: str
    time_us: int | None = None
    has_fix: bool = False
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    quality: FixQuality | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    altitude_m: float | None = None
    satellites: int | None = None
    hdop: float | None = None
    utc_us: int | None = None  # RMC with a fix, ZDA: date and time, when it was measured
    rejected: tuple[Reason, ...] = field(default=())


def read_sentence(line: bytes) -> Sentence | None:
    """Return what `line` (from `$`, without its line end) says; None if it is none of ours.

    Raises:
        RemoteProtocolError: its reason is a `Reason`: the sentence says nothing that can be used.
    """
    kind, fields = _checked(line)
    if kind in _KNOWN:
        return None
    if kind not in POSITIONS and kind != "ZDA":
        raise RemoteProtocolError(reason=Reason.UNKNOWN_SENTENCE)
    if not all(_FIELD.fullmatch(text) for text in fields):
        raise RemoteProtocolError(reason=Reason.BAD_VALUE)
    try:
        parsed = NMEAReader.parse(line)
    except _ERRORS as err:
        raise RemoteProtocolError(reason=Reason.BAD_VALUE) from err
    if parsed is None:
        raise RemoteProtocolError(reason=Reason.BAD_VALUE)
    said: dict[str, object] = dict(vars(parsed))
    if kind == "VTG":
        return _Numbers(said).vtg()
    if kind == "ZDA":
        return _zda(said)
    return _position(kind, fields, said)


def _checked(line: bytes) -> tuple[str, list[str]]:
    """Return the sentence's three-letter kind and its fields, its checksum proved."""
    match = _SHAPE.fullmatch(line)
    if match is None:
        raise RemoteProtocolError(reason=Reason.INCOMPLETE)
    address, content, checksum = match.groups()
    found = 0
    for byte in address + content:
        found ^= byte
    if found != int(checksum, 16):
        raise RemoteProtocolError(reason=Reason.BAD_CHECKSUM)
    name = address.decode("ascii")
    fields = content.decode("ascii", "replace").split(",")[1:]
    is_standard = len(name) == len("GNRMC") and not name.startswith("P")
    return (name[2:] if is_standard else name), fields


def _position(kind: str, fields: list[str], said: dict[str, object]) -> Sentence:
    numbers = _Numbers(said)
    at = said.get("time")
    time_us = _micros_of_day(at) if isinstance(at, time) else None
    has_fix, quality = _fix(kind, said)
    if not has_fix:
        return Sentence(kind=kind, time_us=time_us)
    offset = 2 if kind == "RMC" else 1
    latitude_deg, longitude_deg = _place(fields[offset : offset + 4], said)
    on = said.get("date")
    utc_us = (
        round(datetime.combine(on, at, UTC).timestamp() * 1_000_000)
        if isinstance(on, date) and isinstance(at, time)
        else None
    )
    return Sentence(
        kind=kind,
        time_us=time_us,
        has_fix=True,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        quality=quality,
        speed_mps=numbers.within("spd", 0, 400, scale=MPS_PER_KNOT),
        heading_deg=numbers.heading("cog"),
        altitude_m=numbers.within("alt", -1_000, 100_000),
        satellites=numbers.count("numSV"),
        hdop=numbers.within("HDOP", 0, 100),
        utc_us=utc_us if utc_us is None or utc_us >= 0 else None,
        rejected=tuple(numbers.rejected),
    )


def _zda(said: dict[str, object]) -> Sentence:
    at, numbers = said.get("time"), [said.get(name) for name in ("year", "month", "day")]
    if not isinstance(at, time) or not all(isinstance(number, int) for number in numbers):
        return Sentence(kind="ZDA")  # not known yet
    year, month, day = (int(str(number)) for number in numbers)
    try:
        moment = datetime.combine(date(year, month, day), at, UTC)
    except ValueError:
        raise RemoteProtocolError(reason=Reason.BAD_VALUE) from None
    utc_us = round(moment.timestamp() * 1_000_000)
    return Sentence(kind="ZDA", time_us=_micros_of_day(at), utc_us=utc_us if utc_us >= 0 else None)


def _fix(kind: str, said: dict[str, object]) -> tuple[bool, FixQuality | None]:
    """Return whether the sentence claims a fix, and of which quality, if it says.

    Raises:
        RemoteProtocolError: it says neither yes nor no.
    """
    mode = said.get("posMode", "")
    if kind == "RMC":
        status = said.get("status", "")
        if status == "V" or mode == "N" or (status == "" and mode == ""):
            return False, None
        if status != "A" or (mode and mode not in _BY_MODE):
            raise RemoteProtocolError(reason=Reason.BAD_VALUE)
        return True, _BY_MODE.get(str(mode))
    if kind == "GGA":
        quality = said.get("quality", "")
        if quality in {0, ""}:
            return False, None
        if quality not in _BY_GGA:
            raise RemoteProtocolError(reason=Reason.BAD_VALUE)
        return True, _BY_GGA[int(str(quality))]
    modes = set(str(mode)) - {"N"}  # GNS: one letter for each system
    if not modes:
        return False, None
    if not modes <= set(_BY_MODE):
        raise RemoteProtocolError(reason=Reason.BAD_VALUE)
    return True, next(_BY_MODE[letter] for letter in "SMERFDPA" if letter in modes)


def _place(fields: list[str], said: dict[str, object]) -> tuple[float, float]:
    latitude, north, longitude, east = (*fields, "", "", "", "")[:4]
    if not (_LATITUDE.fullmatch(latitude) and _LONGITUDE.fullmatch(longitude)):
        raise RemoteProtocolError(reason=Reason.BAD_VALUE)
    if north not in {"N", "S"} or east not in {"E", "W"}:
        raise RemoteProtocolError(reason=Reason.BAD_VALUE)
    numbers = _Numbers(said)
    latitude_deg, longitude_deg = numbers.within("lat", -90, 90), numbers.within("lon", -180, 180)
    if latitude_deg is None or longitude_deg is None:
        raise RemoteProtocolError(reason=(numbers.rejected or [Reason.BAD_VALUE])[0])
    if latitude_deg == 0 and longitude_deg == 0:
        raise RemoteProtocolError(reason=Reason.ZERO_POSITION)
    return latitude_deg, longitude_deg


def _micros_of_day(at: time) -> int:
    return ((at.hour * 60 + at.minute) * 60 + at.second) * 1_000_000 + at.microsecond


class _Numbers:
    """Takes numbers out of what the library parsed; `rejected` collects what was no use."""

    def __init__(self, said: dict[str, object]) -> None:
        self._said = said
        self.rejected: list[Reason] = []

    def within(
        self, name: str, lowest: float, highest: float, *, scale: float = 1.0
    ) -> float | None:
        value = self._said.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if not math.isfinite(value) or not lowest <= value * scale <= highest:
            self.rejected.append(Reason.OUT_OF_RANGE)
            return None
        return float(value) * scale

    def heading(self, name: str) -> float | None:
        value = self.within(name, 0, 360)
        return None if value is None else value % 360

    def count(self, name: str) -> int | None:
        value = self.within(name, 0, 200)
        return None if value is None else int(value)

    def vtg(self) -> Sentence:
        return Sentence(
            kind="VTG",
            speed_mps=self.within("sogn", 0, 400, scale=MPS_PER_KNOT),
            heading_deg=self.heading("cogt"),
            rejected=tuple(self.rejected),
        )
