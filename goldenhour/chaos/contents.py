"""What a report or a record says, told by its content alone: whatever journal, seq and time it has.

A monitor's numbers count and its samples waver as no others do; a crew's notes are numbered; what
the crew answers and the steps of a run have ids of their own.
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from protocols.messages import (
    EncounterOpened,
    OrderAnswer,
    PatientNote,
    Position,
    StatusChange,
    VitalsReading,
    WaveformBlock,
)
from protocols.messages.samples import decode_samples

Content = tuple[str, ...]
"""First the stream that carries it."""

NEAR_DEG: Final = 2e-7  # NMEA's last digit, and what a float makes of it
NOTE: Final = "chaos note "

Place = tuple[int, int]
"""In units of `NEAR_DEG`."""

_COUNTING: Final = ("MDC_ECG_HEART_RATE", "MDC_RESP_RATE", "MDC_TEMP")
_RMC_OR_GGA: Final = re.compile(
    r"^\$..(?:RMC,[\d.]+,A|GGA,[\d.]+),(\d+\.\d+),([NS]),(\d+\.\d+),([EW])"
)
_SAID_BY_DEVICES: Final = frozenset({"vitals", "waveform"})


def note(number: int) -> Content:
    """Return a crew's note of the patient."""
    return "chart", f"{NOTE}{number}"


def opened(encounter_id: str) -> Content:
    """Return that the vehicle opened an encounter."""
    return "chart", "opened", encounter_id


def step(run_id: str, event: str) -> Content:
    """Return a step of a run."""
    return "status", run_id, event


def answer(order_id: str, state: str) -> Content:
    """Return what became of an order."""
    return "ack", order_id, state


def is_told(content: Content) -> bool:
    """Say whether devices and crews alone may say this: the vehicle adds words of its own."""
    return (
        content[0] in _SAID_BY_DEVICES
        or (content[0] == "chart" and content[1].startswith(NOTE))
        or (content[0] == "ack" and content[2] == "confirmed")
    )


def contents_of(message: object) -> Iterator[Content]:
    """Yield what a stored record says that can be told again."""
    match message:
        case VitalsReading():
            numbers = (message.heart_rate_bpm, message.respiratory_rate_bpm, message.body_temp_c)
            if None not in numbers:
                yield ("vitals", *(f"{number:g}" for number in numbers if number is not None))
        case WaveformBlock():
            for channel, samples in zip(message.channels, decode_samples(message), strict=True):
                yield "waveform", channel.code, _digest(samples.tolist())
        case PatientNote() if (message.complaint or "").startswith(NOTE):
            yield "chart", str(message.complaint)
        case EncounterOpened():
            yield opened(message.encounter_id)
        case StatusChange() if message.event is not None and not message.undone:
            yield step(message.run_id or "", message.event.value)
        case OrderAnswer():
            yield answer(message.order_id, message.state)
        case _:
            return


def contents_said(report: str) -> Iterator[Content]:
    """Yield what an ORU^R01 holds, read without the driver. Source: HL7 v2.6, 7.4.2, OBX."""
    numbers: dict[str, str] = {}
    for segment in report.split("\r"):
        fields = segment.split("|")
        if fields[0] != "OBX":
            continue
        name = fields[3].split("^")[1]
        if fields[2] == "NA":
            yield "waveform", name, _digest([int(value) for value in fields[5].split("^")])
        elif name in _COUNTING and fields[5]:
            numbers[name] = f"{float(fields[5]):g}"
    if len(numbers) == len(_COUNTING):
        yield ("vitals", *(numbers[name] for name in _COUNTING))


def measured_utc_us(report: str) -> int | None:
    """Return when the report says that it began to measure. Source: HL7 v2.6, 7.4.1, OBR-7."""
    found = re.search(r"\rOBR(?:\|[^|\r]*){6}\|(\d{14}\.\d{1,6}[+-]\d{4})", report)
    if found is None:
        return None
    return round(datetime.strptime(found[1], "%Y%m%d%H%M%S.%f%z").timestamp() * 1_000_000)


def place_said(sentence: str) -> Place | None:
    """Return the place that a sentence says. Source: NMEA 0183, ddmm.mmmm."""
    found = _RMC_OR_GGA.match(sentence)
    if found is None:
        return None
    latitude, north, longitude, east = found.groups()
    return (
        round(_degrees(latitude) * (-1) ** (north == "S") / NEAR_DEG),
        round(_degrees(longitude) * (-1) ** (east == "W") / NEAR_DEG),
    )


def places_near(position: Position) -> Iterator[Place]:
    """Yield the places that may be the position's, for its last digit may have been rounded."""
    at = (round(position.latitude_deg / NEAR_DEG), round(position.longitude_deg / NEAR_DEG))
    for north in (0, -1, 1):
        for east in (0, -1, 1):
            yield at[0] + north, at[1] + east


def _degrees(text: str) -> float:
    whole, minutes = divmod(float(text), 100)
    return whole + minutes / 60


def _digest(samples: list[int]) -> str:
    return hashlib.blake2b(repr(samples).encode(), digest_size=12).hexdigest()
