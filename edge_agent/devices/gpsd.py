"""gpsd's JSON: from one line to what it says of the position. Pure.

Source: gpsd_json(5), classes TPV and SKY; status values as of gpsd 3.25.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from edge_agent.devices.reasons import Reason
from protocols.errors import RemoteProtocolError
from protocols.messages import FixQuality, Position

WATCH: Final = b'?WATCH={"enable":true,"json":true}\n'

_SILENT: Final = frozenset({
    "VERSION", "DEVICES", "DEVICE", "WATCH", "GST", "ATT", "IMU", "TOFF", "PPS", "OSC", "POLL",
    "AIS", "RTCM2", "RTCM3", "SUBFRAME", "RAW",
})  # fmt: skip
_BY_STATUS: Final[Mapping[int, FixQuality]] = MappingProxyType(
    {
        0: FixQuality.AUTONOMOUS,  # not said
        1: FixQuality.AUTONOMOUS,
        2: FixQuality.DIFFERENTIAL,
        3: FixQuality.RTK_FIXED,
        4: FixQuality.RTK_FLOAT,
        5: FixQuality.ESTIMATED,
        6: FixQuality.ESTIMATED,  # satellites and dead reckoning
        7: FixQuality.SIMULATED,  # surveyed in, not measured
        8: FixQuality.SIMULATED,
        9: FixQuality.AUTONOMOUS,  # P(Y)
    }
)
_FIX_MODES: Final = (2, 3)


@dataclass(frozen=True, slots=True)
class Sky:
    """Satellites in use and how well they stand."""

    satellites: int | None
    hdop: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """One TPV; `position` is None without a fix. `utc_us` is when it was measured."""

    position: Position | None
    utc_us: int | None
    rejected: tuple[Reason, ...]


def read_line(line: bytes, sky: Sky) -> Report | Sky | None:
    """Return what one line says: a TPV (with `sky` added), a SKY, or None for the rest.

    Raises:
        RemoteProtocolError: its reason is a `Reason`: it says nothing that can be used.
    """
    try:
        said = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as err:
        raise RemoteProtocolError(reason=Reason.BAD_JSON) from err
    if not isinstance(said, dict):
        raise RemoteProtocolError(reason=Reason.BAD_JSON)
    kind = said.get("class")
    if kind == "TPV":
        return _report(_Fields(said), sky)
    if kind == "SKY":
        fields = _Fields(said)
        return Sky(fields.count("uSat"), fields.within("hdop", 0, 100))
    if kind == "ERROR":
        raise RemoteProtocolError(reason=Reason.DEVICE_ERROR)
    if not isinstance(kind, str) or kind not in _SILENT:
        raise RemoteProtocolError(reason=Reason.UNKNOWN_CLASS)
    return None


def _report(fields: "_Fields", sky: Sky) -> Report:
    if fields.integer("mode") not in _FIX_MODES:
        return Report(None, None, ())
    quality = _BY_STATUS.get(fields.integer("status") or 0)
    latitude_deg, longitude_deg = fields.within("lat", -90, 90), fields.within("lon", -180, 180)
    if quality is None or latitude_deg is None or longitude_deg is None:
        raise RemoteProtocolError(reason=(*fields.rejected, Reason.BAD_VALUE)[0])
    if latitude_deg == 0 and longitude_deg == 0:
        raise RemoteProtocolError(reason=Reason.ZERO_POSITION)
    heading_deg = fields.within("track", 0, 360)
    altitude_m = fields.within("altMSL", -1_000, 100_000)
    if altitude_m is None:
        altitude_m = fields.within("alt", -1_000, 100_000)  # its name before gpsd 3.20
    position = Position(
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        fix=quality,
        speed_mps=fields.within("speed", 0, 400),
        heading_deg=None if heading_deg is None else heading_deg % 360,
        altitude_m=altitude_m,
        satellites=sky.satellites,
        hdop=sky.hdop,
    )
    return Report(position, fields.utc_us("time"), tuple(fields.rejected))


def _refuse(name: str) -> float:
    raise ValueError(name)  # NaN and Infinity are no JSON


class _Fields:
    """Takes checked values out of one object; `rejected` collects what was no use."""

    def __init__(self, said: Mapping[str, object]) -> None:
        self._said = said
        self.rejected: list[Reason] = []

    def within(self, name: str, lowest: float, highest: float) -> float | None:
        value = self._said.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.rejected.append(Reason.BAD_VALUE)
            return None
        if not lowest <= value <= highest or not math.isfinite(value):
            self.rejected.append(Reason.OUT_OF_RANGE)
            return None
        return float(value)

    def integer(self, name: str) -> int | None:
        value = self._said.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def count(self, name: str) -> int | None:
        value = self.within(name, 0, 200)
        return None if value is None else int(value)

    def utc_us(self, name: str) -> int | None:
        value = self._said.get(name)
        if not isinstance(value, str) or not value.endswith("Z"):
            return None
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.rejected.append(Reason.BAD_TIME)
            return None
        return max(0, round(at.timestamp() * 1_000_000))
