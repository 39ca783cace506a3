"""Position: where the unit is, by its GNSS receiver. WGS-84, always."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, Strict

from protocols.messages.base import Message
from protocols.units import HeadingDeg, LatitudeDeg, LongitudeDeg, Metres, MetresPerSecond


class FixQuality(StrEnum):
    """Kind of fix. Source: NMEA 0183 4.11, GGA field 6 and RMC mode indicator."""

    AUTONOMOUS = "autonomous"
    DIFFERENTIAL = "differential"
    RTK_FIXED = "rtk_fixed"
    RTK_FLOAT = "rtk_float"
    ESTIMATED = "estimated"  # dead reckoning
    SIMULATED = "simulated"  # the receiver itself says so (mode S or M)


class Position(Message):
    """One fix. A receiver without a fix makes no record: its silence is what shows."""

    kind: Literal["position"] = "position"
    latitude_deg: LatitudeDeg
    longitude_deg: LongitudeDeg
    fix: Annotated[FixQuality, Strict(strict=False)]
    speed_mps: MetresPerSecond | None = None
    heading_deg: HeadingDeg | None = None
    altitude_m: Metres | None = None
    satellites: Annotated[int, Field(ge=0, le=200)] | None = None
    hdop: Annotated[float, Field(ge=0, le=100, description="dilution, horizontal")] | None = None
