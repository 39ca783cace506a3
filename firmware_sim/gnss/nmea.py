"""NMEA 0183 sentences, as a receiver with four constellations writes them. Pure.

Source: NMEA 0183 4.11; talkers GN (combined), GP (GPS), GL (GLONASS), BD (BeiDou, as Chinese
receivers still write it). A simulated fix says so itself: mode `S` in RMC and VTG, quality 8 in
GGA.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

KNOTS_PER_MPS: Final = 3600 / 1852
_SATELLITES_PER_GSV: Final = 4
_SATELLITES_PER_GSA: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """Where the antenna is at `utc_us`; WGS-84, altitude above mean sea level."""

    utc_us: int
    latitude_deg: float
    longitude_deg: float
    speed_mps: float
    heading_deg: float
    altitude_m: float = 12.0
    satellites: int = 17
    hdop: float = 0.8


@dataclass(frozen=True, slots=True)
class Satellite:
    """One satellite in view; `snr_db` 0 means that it is not tracked."""

    number: int
    elevation_deg: int
    azimuth_deg: int
    snr_db: int


@dataclass(frozen=True, slots=True)
class Constellation:
    """One system's satellites in view. `system_id` is GSA field 18."""

    talker: str
    system_id: int
    satellites: tuple[Satellite, ...]


def sentence(body: str) -> bytes:
    """Return `body` (`GNRMC,…`) as one sentence with its checksum and line end."""
    checksum = 0
    for byte in body.encode("ascii"):
        checksum ^= byte
    return f"${body}*{checksum:02X}\r\n".encode("ascii")


def sky(seed: int) -> tuple[Constellation, ...]:
    """Return the satellites in view for `seed`: GPS, GLONASS and BeiDou, 17 tracked in all."""
    rng = random.Random(seed)
    plan = (("GP", 1, 1, 32, 8), ("GL", 2, 65, 88, 6), ("BD", 4, 1, 37, 9))
    return tuple(
        Constellation(
            talker,
            system_id,
            tuple(
                Satellite(
                    number,
                    rng.randint(8, 85),
                    rng.randint(0, 359),
                    0 if index % 4 == 3 else rng.randint(24, 47),  # noqa: PLR2004 -- each fourth
                )
                for index, number in enumerate(sorted(rng.sample(range(low, high + 1), count)))
            ),
        )
        for talker, system_id, low, high, count in plan
    )


def epoch(fix: Fix, constellations: Sequence[Constellation], *, mode: str = "S") -> list[bytes]:
    """Return one second's sentences for `fix`: RMC, GGA, VTG, GSA and GSV of each system.

    `mode` is `S` (simulator) or `A` (autonomous).
    """
    latitude, longitude = _latitude(fix.latitude_deg), _longitude(fix.longitude_deg)
    time, date = _time(fix.utc_us), _date(fix.utc_us)
    knots = fix.speed_mps * KNOTS_PER_MPS
    kmh = fix.speed_mps * 3.6
    quality = "8" if mode == "S" else "1"
    course = f"{fix.heading_deg % 360:.2f}"
    return [
        sentence(f"GNRMC,{time},A,{latitude},{longitude},{knots:.3f},{course},{date},,,{mode},V"),
        sentence(
            f"GNGGA,{time},{latitude},{longitude},{quality},{fix.satellites:02d},{fix.hdop:.1f},"
            f"{fix.altitude_m:.1f},M,-5.6,M,,"
        ),
        sentence(f"GNVTG,{course},T,,M,{knots:.3f},N,{kmh:.3f},K,{mode}"),
        *_gsa(constellations, fix.hdop, mode_3d="3"),
        *_gsv(constellations),
    ]


def epoch_without_fix(utc_us: int, constellations: Sequence[Constellation]) -> list[bytes]:
    """Return one second's sentences of a receiver that sees satellites but has no fix."""
    time, date = _time(utc_us), _date(utc_us)
    return [
        sentence(f"GNRMC,{time},V,,,,,,,{date},,,N,V"),
        sentence(f"GNGGA,{time},,,,,0,00,99.9,,,,,,"),
        sentence("GNVTG,,,,,,,,,N"),
        *_gsa((), 99.9, mode_3d="1"),
        *_gsv(constellations),
    ]


def text(message: str) -> bytes:
    """Return a TXT sentence: receivers announce themselves so; `,` and `*` become spaces."""
    clean = "".join(c if c.isascii() and c.isprintable() and c not in "$*,!\\^~" else " "
                    for c in message)  # fmt: skip
    return sentence(f"GNTXT,01,01,02,{clean[:60]}")


def _gsa(constellations: Sequence[Constellation], hdop: float, *, mode_3d: str) -> list[bytes]:
    pdop, vdop = (hdop * 1.6, hdop * 1.25) if constellations else (hdop, hdop)
    out: list[bytes] = []
    for system in constellations or (Constellation("GP", 1, ()),):
        used = [f"{s.number:02d}" for s in system.satellites if s.snr_db][:_SATELLITES_PER_GSA]
        slots = ",".join(used + [""] * (_SATELLITES_PER_GSA - len(used)))
        out.append(
            sentence(
                f"GNGSA,A,{mode_3d},{slots},{pdop:.1f},{hdop:.1f},{vdop:.1f},{system.system_id}"
            )
        )
    return out


def _gsv(constellations: Sequence[Constellation]) -> list[bytes]:
    out: list[bytes] = []
    for system in constellations:
        total = math.ceil(len(system.satellites) / _SATELLITES_PER_GSV)
        for page in range(total):
            part = system.satellites[page * _SATELLITES_PER_GSV : (page + 1) * _SATELLITES_PER_GSV]
            seen = ",".join(
                f"{s.number:02d},{s.elevation_deg:02d},{s.azimuth_deg:03d},"
                + (f"{s.snr_db:02d}" if s.snr_db else "")
                for s in part
            )
            head = f"{system.talker}GSV,{total},{page + 1},{len(system.satellites):02d}"
            out.append(sentence(f"{head},{seen},1"))
    return out


def _latitude(degrees: float) -> str:
    return f"{_minutes(abs(degrees), 2)},{'N' if degrees >= 0 else 'S'}"


def _longitude(degrees: float) -> str:
    return f"{_minutes(abs(degrees), 3)},{'E' if degrees >= 0 else 'W'}"


def _minutes(degrees: float, width: int) -> str:
    """Degrees and minutes to 1e-5 minute (2 cm); whole minutes carry into the degrees."""
    whole, part = divmod(round(degrees * 60 * 100_000), 60 * 100_000)
    return f"{whole:0{width}d}{part / 100_000:08.5f}"


def _time(utc_us: int) -> str:
    at = datetime.fromtimestamp(utc_us // 1_000_000, UTC)
    return f"{at:%H%M%S}.{utc_us % 1_000_000 // 10_000:02d}"


def _date(utc_us: int) -> str:
    return f"{datetime.fromtimestamp(utc_us // 1_000_000, UTC):%d%m%y}"
