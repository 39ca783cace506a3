"""An ORU^R01 or ORU^R40 as observations: who, when, which code, what value, how sure. Pure.

Understands IHE [DEV-01] (the former PCD-01) and its waveform content module, and plainer messages
of monitors' gateways. What a value means is not decided here: `vitals` and `waves` do that.

Source: HL7 v2.6 chapter 7 (OBX, OBR), IHE PCD TF-2 (OBX-3, -4, -6, -8, -11), WCM (attributes of a
waveform stand one level beneath it in OBX-4).
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from edge_agent.devices.monitor_hl7.codes import LOINC
from edge_agent.devices.monitor_hl7.message import Hl7Message, Segment, read_time, zone_of
from edge_agent.devices.reasons import Reason
from protocols.errors import RemoteProtocolError

MOST_OBSERVATIONS: Final = 4_000

_KNOWN_SEGMENTS: Final = frozenset(
    [
        "MSH",
        "SFT",
        "UAC",
        "PID",
        "PD1",
        "NK1",
        "PV1",
        "PV2",
        "ORC",
        "OBR",
        "OBX",
        "NTE",
        "TQ1",
        "TQ2",
        "CTD",
        "FT1",
        "CTI",
        "SPM",
        "PRT",
        "DSC",
        "ROL",
    ]
)
_ANSWERED: Final = frozenset({"ORU"})
_EVENTS: Final = frozenset({"R01", "R40", ""})
_ALERT: Final = "R40"
_MDC_SYSTEMS: Final = frozenset({"MDC", "MDIL", ""})
_PARTITIONED: Final = re.compile(r"([0-9A-Fa-f]{4})-([0-9A-Fa-f]{4})")
_CODED: Final = frozenset({"CWE", "CE"})
_GIVEN: Final = frozenset({"R", "F", "P", "C", "S", "U", ""})
_WITHOUT_VALUE: Final = frozenset({"INV", "NAV", "OFF", "CAL", "DISC", "NULL"})
_QUESTIONABLE: Final = frozenset({"QUES"})
_NOT_OF_A_PATIENT: Final = frozenset({"DEMO", "TEST"})


@dataclass(frozen=True, slots=True)
class Code:
    """An MDC code (0: only its name is known), its reference id, and whose code it is."""

    number: int
    name: str
    system: str

    @property
    def is_attribute(self) -> bool:
        """It describes another observation, or the device."""
        return self.name.startswith(("MDC_ATTR_", "MDC_EVT_INOP")) or self.system == "99GH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One OBX. `place` is OBX-4 without its trailing zeros; `absent` is why it has no value."""

    kind: str
    code: Code
    place: tuple[str, ...]
    value: str
    unit: str  # in capitals: an MDC code, a reference id, or a spelling
    unit_name: str
    absent: Reason | None
    at_utc_us: int | None
    flags: frozenset[str] = frozenset()  # OBX-8, in capitals
    reference: str = ""  # OBX-7
    meant: Code | None = None  # of a coded value
    words: str = ""  # its original text, or its name


@dataclass(slots=True)
class ResultGroup:
    """One OBR and the OBX beneath it; times by the device's own clock."""

    start_utc_us: int | None
    end_utc_us: int | None
    observations: list[Observation] = field(default_factory=list)


@dataclass(slots=True)
class OruMessage:
    """What one message holds. `device` tells monitors apart; it is no patient's."""

    device: str
    label: str | None
    sent_utc_us: int | None
    is_alert: bool = False
    groups: list[ResultGroup] = field(default_factory=list)
    rejected: Counter[Reason] = field(default_factory=Counter)


def read_oru(message: Hl7Message) -> OruMessage:
    """Return the observations of `message`.

    Raises:
        RemoteProtocolError: reason `unknown-message`: it is neither ORU^R01 nor ORU^R40.
    """
    header = message.header
    kind, event = (message.component(header.field(9), part).upper() for part in (1, 2))
    if kind not in _ANSWERED or event not in _EVENTS:
        raise RemoteProtocolError(reason=Reason.UNKNOWN_MESSAGE)
    reader = _Reader(message)
    reader.read.is_alert = event == _ALERT
    for segment in message.segments[1:]:
        reader.take(segment)
    return reader.finish()


class _Reader:
    def __init__(self, message: Hl7Message) -> None:
        header = message.header
        self._message = message
        sent = message.component(header.field(7), 1)
        self._zone_minutes = zone_of(sent)
        sender = message.component(header.field(3), 1)
        self.read = OruMessage(
            device=header.field(3)[:200],
            label=_label(message.text(sender)),
            sent_utc_us=read_time(sent),
        )
        if not message.is_charset_known:
            self.read.rejected[Reason.BAD_CHARSET] += 1
        self._demo = message.component(header.field(11), 1).upper() in {"T", "D"}
        self._count = 0
        self._has_equipment = False

    def finish(self) -> OruMessage:
        """Return what was read; numbers that are of no patient are labelled so."""
        if self._demo:
            self.read.label = "demo"
        return self.read

    def take(self, segment: Segment) -> None:
        """Read one segment after the header."""
        if segment.name == "OBR":
            self.read.groups.append(
                ResultGroup(self._time(segment.field(7)), self._time(segment.field(8)))
            )
        elif segment.name == "OBX":
            self._count += 1
            if self._count > MOST_OBSERVATIONS:
                self.read.rejected[Reason.TOO_LONG] += 1
                return
            if not self.read.groups:  # gateways of plain messages leave OBR out
                self.read.groups.append(ResultGroup(None, None))
            self._observe(segment)
        elif segment.name not in _KNOWN_SEGMENTS:
            self.read.rejected[Reason.UNKNOWN_SEGMENT] += 1

    def _observe(self, segment: Segment) -> None:
        message = self._message
        code = self._code(segment.field(3))
        raw = segment.field(5)
        kind = segment.field(2)
        value = message.text(message.component(raw, 1))
        if kind in {"NM", "NA", "SN"}:
            marks = message.delimiters
            value = raw.replace(marks.repetition, "~").replace(marks.component, "^")
        units = message.components(segment.field(6))
        self._of_device(segment, code, value)
        self.read.groups[-1].observations.append(
            Observation(
                kind=kind,
                code=code,
                place=_place(message.component(segment.field(4), 1)),
                value=value,
                unit=_unit(units[0]),
                unit_name=units[1].upper() if len(units) > 1 else "",
                absent=self._absent(segment),
                at_utc_us=self._time(segment.field(14)),
                flags=self._flags(segment),
                reference=segment.field(7)[:40],
                meant=self._code(raw) if kind in _CODED else None,
                words=message.text(message.component(raw, 9)) if kind in _CODED else "",
            )
        )

    def _of_device(self, segment: Segment, code: Code, value: str) -> None:
        """Take note of which device, and which model, this message is from."""
        if code.name == "MDC_ATTR_ID_MODEL" and value:
            self.read.label = _label(value)
        equipment = self._message.component(segment.field(18), 1)
        if equipment and not self._has_equipment:
            self._has_equipment = True
            self.read.device = f"{self.read.device} {equipment}"[:400]

    def _absent(self, segment: Segment) -> Reason | None:
        if segment.field(11).upper() not in _GIVEN:
            return Reason.NO_VALUE
        flags = self._flags(segment)
        if flags & _WITHOUT_VALUE:
            return Reason.NO_VALUE
        self._demo = self._demo or bool(flags & _NOT_OF_A_PATIENT)
        return Reason.QUESTIONABLE if flags & _QUESTIONABLE else None

    def _flags(self, segment: Segment) -> frozenset[str]:
        said = segment.field(8)
        if not said:
            return frozenset()
        message = self._message
        return frozenset(
            message.component(flag, 1).upper() for flag in said.split(message.delimiters.repetition)
        )

    def _code(self, text: str) -> Code:
        parts = [*self._message.components(text), "", "", "", "", "", ""]
        found = [_coded(*parts[at : at + 3]) for at in (0, 3)]
        return next((code for code in found if code.number), found[0])

    def _time(self, text: str) -> int | None:
        said = self._message.component(text, 1)
        if not said:
            return None
        utc_us = read_time(said, zone_minutes=self._zone_minutes)
        if utc_us is None:
            self.read.rejected[Reason.BAD_TIME] += 1
        return utc_us


def _coded(text: str, name: str, system: str) -> Code:
    name, system = name.upper(), system.upper()
    if system == "LN":
        return Code(LOINC.get(text, 0), "", system)
    if system not in _MDC_SYSTEMS:
        return Code(0, name, system)
    parted = _PARTITIONED.fullmatch(text)
    if parted is not None:  # Philips: partition and term in hexadecimal
        return Code(int(parted[1], 16) << 16 | int(parted[2], 16), name, system)
    is_number = text.isascii() and text.isdecimal() and len(text) <= 10  # noqa: PLR2004 -- 32 bits
    return Code(int(text) if is_number else 0, name, system)


def _unit(text: str) -> str:
    parted = _PARTITIONED.fullmatch(text)
    if parted is not None:
        return str(int(parted[1], 16) << 16 | int(parted[2], 16))
    return text.upper()


def _place(text: str) -> tuple[str, ...]:
    parts = text.split(".") if text else []
    while parts and parts[-1] == "0":
        parts.pop()
    return tuple(parts)


def _label(text: str) -> str | None:
    clean = "".join(c for c in text if c.isprintable()).strip()[:120]
    return clean or None
