"""What the vehicles accepted, by their devices' own word, and whether the hub has it.

A monitor's report that was answered AA was accepted. Its numbers count, and its samples waver as no
others do, so that it is found in the hub's tables by its content alone, whatever journal, seq and
time the vehicle gave it. A position is not answered: it is only required that
every one that the hub has was said by the receiver, and that no seq is missing.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg

from hub.store import ledgers
from hub.store.database import Pool
from protocols.ids import UnitId
from protocols.link import Stream
from protocols.messages import Position, VitalsReading, WaveformBlock, parse_body
from protocols.messages.samples import decode_samples

Content = tuple[str, ...]
"""Vitals by their three counting numbers, samples by channel and digest."""

_COUNTING: Final = ("MDC_ECG_HEART_RATE", "MDC_RESP_RATE", "MDC_TEMP")
_NEAR_DEG: Final = 2e-7  # NMEA's last digit, and what a float makes of it


@dataclass(slots=True)
class Witnessed:
    """What one vehicle's devices say that they said."""

    accepted: set[Content] = field(default_factory=set)
    sent: set[Content] = field(default_factory=set)
    places: set[tuple[int, int]] = field(default_factory=set)  # units of `_NEAR_DEG`

    def heard_too(self, later: "Witnessed") -> None:
        """Take in what was said since; what was accepted stays as it is."""
        self.sent |= later.sent
        self.places |= later.places


@dataclass(slots=True)
class Stored:
    """What the hub has of one vehicle."""

    contents: list[Content] = field(default_factory=list)
    places: list[Position] = field(default_factory=list)
    gaps: list[asyncpg.Record] = field(default_factory=list)
    undeclared_holes: int = 0


@dataclass(slots=True)
class Verdict:
    """What the comparison found. `declared`: accepted, gone, and said so by a gap record."""

    accepted: int = 0
    lost: int = 0
    declared: int = 0
    doubled: int = 0
    invented: int = 0
    undeclared_holes: int = 0
    rows: int = 0
    gaps: int = 0


def read_witness(path: Path) -> Witnessed:
    """Return what the file says; a last line that was cut off is passed over."""
    found = Witnessed()
    waiting: dict[str, set[Content]] = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if "message" in said:
                waiting[said["id"]] = contents = set(_contents(said["message"]))
                found.sent |= contents
            elif said.get("answer") == "AA":
                found.accepted |= waiting.pop(said["id"], set())
            elif "sentence" in said and (place := _place(said["sentence"])) is not None:
                found.places.add(place)
    return found


async def read_stored(pool: Pool, unit: UnitId) -> Stored:
    """Return what the hub's tables hold of `unit`."""
    found = Stored()
    for stream in (Stream.VITALS, Stream.WAVEFORM, Stream.POSITION):
        for body in await _bodies(pool, unit, stream):
            message = parse_body(stream, body)
            if isinstance(message, Position):
                found.places.append(message)
            else:
                found.contents += _contents_of(message)
    found.gaps = await ledgers.gaps_of(pool, unit)
    found.undeclared_holes = await _undeclared(pool, unit)
    return found


def compare(stored: Stored, witnessed: Witnessed) -> Verdict:
    """Hold what the hub has against what the devices say."""
    seen = Counter(stored.contents)
    missing = witnessed.accepted - seen.keys()
    gone_in = {row["stream"] for row in stored.gaps}
    declared = {content for content in missing if content[0] in gone_in}
    lost = len(missing - declared)
    if not any(row["is_open"] for row in stored.gaps):
        # a gap record says how many are gone: no more may be missing than that
        given_up = sum(row["last_seq"] - row["first_seq"] + 1 for row in stored.gaps)
        lost += max(0, _records(declared) - given_up)
    return Verdict(
        accepted=len(witnessed.accepted),
        lost=lost,
        declared=len(declared),
        doubled=sum(count - 1 for count in seen.values()),
        invented=sum(content not in witnessed.sent for content in seen)
        + sum(not _is_near(place, witnessed.places) for place in stored.places),
        undeclared_holes=stored.undeclared_holes,
        rows=len(stored.contents) + len(stored.places),
        gaps=len(stored.gaps),
    )


async def _undeclared(pool: Pool, unit: UnitId) -> int:
    """Return how many seqs below each stream's last are neither stored, salvaged nor declared."""
    row = await pool.fetchval(
        "WITH last AS (SELECT journal, stream, greatest(watermark,"
        "   (SELECT max((r->>1)::bigint) FROM jsonb_array_elements(ranges) r)) AS last"
        "   FROM stream_ledger WHERE unit = $1),"
        " due AS (SELECT journal, stream, generate_series(1, last) AS seq FROM last),"
        " have AS (SELECT journal, stream, seq FROM record WHERE unit = $1"
        "   UNION SELECT journal, stream, seq FROM salvaged WHERE unit = $1"
        "   UNION SELECT journal, stream, generate_series(first_seq, last_seq) FROM gap"
        "   WHERE unit = $1)"
        " SELECT count(*) FROM (SELECT * FROM due EXCEPT SELECT * FROM have) AS hole",
        unit,
    )
    return int(row)


async def _bodies(pool: Pool, unit: UnitId, stream: Stream) -> list[bytes]:
    rows = await pool.fetch(
        "SELECT body FROM record WHERE unit = $1 AND stream = $2", unit, stream.value
    )
    return [row["body"] for row in rows]


def _contents_of(message: object) -> Iterator[Content]:
    if isinstance(message, VitalsReading):
        numbers = (message.heart_rate_bpm, message.respiratory_rate_bpm, message.body_temp_c)
        if None not in numbers:
            yield ("vitals", *(f"{number:g}" for number in numbers if number is not None))
    elif isinstance(message, WaveformBlock):
        for channel, samples in zip(message.channels, decode_samples(message), strict=True):
            yield "waveform", channel.code, _digest(samples.tolist())


def _contents(report: str) -> Iterator[Content]:
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


def _digest(samples: list[int]) -> str:
    return hashlib.blake2b(repr(samples).encode(), digest_size=12).hexdigest()


def _records(missing: Iterable[Content]) -> int:
    """Return in how many records these contents came at least: each channel of a block once."""
    return max(
        Counter(content[1] if content[0] == "waveform" else "" for content in missing).values(),
        default=0,
    )


_RMC_OR_GGA: Final = re.compile(
    r"^\$..(?:RMC,[\d.]+,A|GGA,[\d.]+),(\d+\.\d+),([NS]),(\d+\.\d+),([EW])"
)


def _place(sentence: str) -> tuple[int, int] | None:
    """Return the place in units of `_NEAR_DEG`. Source: NMEA 0183, ddmm.mmmm."""
    found = _RMC_OR_GGA.match(sentence)
    if found is None:
        return None
    latitude, north, longitude, east = found.groups()
    return (
        round(_degrees(latitude) * (-1) ** (north == "S") / _NEAR_DEG),
        round(_degrees(longitude) * (-1) ** (east == "W") / _NEAR_DEG),
    )


def _degrees(text: str) -> float:
    whole, minutes = divmod(float(text), 100)
    return whole + minutes / 60


def _is_near(position: Position, places: set[tuple[int, int]]) -> bool:
    at = (round(position.latitude_deg / _NEAR_DEG), round(position.longitude_deg / _NEAR_DEG))
    return any((at[0] + i, at[1] + j) in places for i in (0, -1, 1) for j in (0, -1, 1))
