"""A recorded drive (GPX) at 1 Hz, moved to Guangzhou if asked. Pure but for reading the text.

The shape, the speeds and the stops are the recording's own; only the place is moved, by one shift
of latitude and a scaling of longitude that keeps east–west distances true.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from xml.etree import ElementTree as ET

from firmware_sim.gnss.drive import METRES_PER_DEGREE, Place
from protocols.errors import ConfigError

_GPX = "{http://www.topografix.com/GPX/1/1}"


@dataclass(frozen=True, slots=True)
class TrackPoint:
    """One point of a recorded track; `at_s` counts from its start."""

    at_s: float
    latitude_deg: float
    longitude_deg: float


def read_gpx(document: bytes) -> tuple[TrackPoint, ...]:
    """Return the points of every track in `document`, in the order of their time.

    Raises:
        ConfigError: not GPX 1.1, or fewer than two points with a time.
    """
    try:
        root = ET.fromstring(document)  # noqa: S314 -- a file the user named, or a hashed archive
    except ET.ParseError as err:
        raise ConfigError(reason="not a GPX file", detail=str(err)) from err
    found: list[tuple[float, float, float]] = []
    for point in root.iter(f"{_GPX}trkpt"):
        stamp = point.findtext(f"{_GPX}time")
        if stamp:
            at_s = datetime.fromisoformat(stamp.strip()).timestamp()
            found.append((at_s, float(point.attrib["lat"]), float(point.attrib["lon"])))
    found.sort()
    if len(found) < 2:  # noqa: PLR2004
        raise ConfigError(reason="a GPX track needs at least two points with a time")
    return tuple(TrackPoint(at - found[0][0], lat, lon) for at, lat, lon in found)


def moved(points: tuple[TrackPoint, ...], to: tuple[float, float]) -> tuple[TrackPoint, ...]:
    """Return the track with its first point at `to` (latitude, longitude)."""
    first = points[0]
    scale = math.cos(math.radians(first.latitude_deg)) / math.cos(math.radians(to[0]))
    return tuple(
        TrackPoint(
            p.at_s,
            to[0] + (p.latitude_deg - first.latitude_deg),
            to[1] + (p.longitude_deg - first.longitude_deg) * scale,
        )
        for p in points
    )


def seconds(points: tuple[TrackPoint, ...]) -> Iterator[Place]:
    """Yield the track's place at each whole second, there and back again, for ever."""
    lap = list(_one_way(points))
    while True:
        yield from lap
        yield from (
            Place(p.latitude_deg, p.longitude_deg, p.speed_mps, (p.heading_deg + 180) % 360)
            for p in reversed(lap)
        )


def _one_way(points: tuple[TrackPoint, ...]) -> Iterator[Place]:
    at_s = 0.0
    heading_deg = 0.0
    for before, after in pairwise(points):
        span_s = after.at_s - before.at_s
        north_m = (after.latitude_deg - before.latitude_deg) * METRES_PER_DEGREE
        east_m = (
            (after.longitude_deg - before.longitude_deg)
            * METRES_PER_DEGREE
            * math.cos(math.radians(before.latitude_deg))
        )
        length_m = math.hypot(north_m, east_m)
        if length_m > 0.5:  # noqa: PLR2004 -- less is the receiver's own noise
            heading_deg = math.degrees(math.atan2(east_m, north_m)) % 360
        while at_s < after.at_s:
            part = (at_s - before.at_s) / span_s
            yield Place(
                before.latitude_deg + (after.latitude_deg - before.latitude_deg) * part,
                before.longitude_deg + (after.longitude_deg - before.longitude_deg) * part,
                length_m / span_s,
                heading_deg,
            )
            at_s += 1.0
