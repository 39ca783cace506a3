"""Units of measure, as types: a field's name carries its unit, its type carries the bounds.

Bounds reject impossible bytes, not unlikely patients. SI inside, but for the units that the
bedside itself uses (mmHg, °C, per minute, percent).
"""

from typing import Annotated

from pydantic import Field

UtcMicros = Annotated[int, Field(ge=0, le=2**53 - 1, description="UTC, microseconds since 1970")]
"""Fits a JavaScript number exactly; reaches the year 2255."""

BeatsPerMinute = Annotated[float, Field(ge=0, le=400, description="beats per minute")]
BreathsPerMinute = Annotated[float, Field(ge=0, le=200, description="breaths per minute")]
Percent = Annotated[float, Field(ge=0, le=100, description="percent")]
MillimetresOfMercury = Annotated[float, Field(ge=-50, le=400, description="mmHg")]
Celsius = Annotated[float, Field(ge=0, le=50, description="degrees Celsius")]
MillimolesPerLitre = Annotated[float, Field(ge=0, le=100, description="mmol/L")]

LatitudeDeg = Annotated[float, Field(ge=-90, le=90, description="WGS-84 latitude, degrees north")]
LongitudeDeg = Annotated[
    float, Field(ge=-180, le=180, description="WGS-84 longitude, degrees east")
]
HeadingDeg = Annotated[
    float, Field(ge=0, lt=360, description="course over ground, degrees from true north")
]
MetresPerSecond = Annotated[float, Field(ge=0, le=400, description="m/s")]
Metres = Annotated[float, Field(ge=-1_000, le=100_000, description="metres")]
Hertz = Annotated[float, Field(ge=0.01, le=100_000, description="samples per second")]
