"""One epoch of a receiver: its RMC, GGA, GNS and VTG of one moment make one position. Pure.

The place comes from GGA, else GNS, else RMC; speed and course from RMC, else VTG. A sentence of the
epoch that denies the fix outweighs one that claims it. The quality is GGA's, else GNS's, else
RMC's, but whichever of them says estimated or simulated wins. An epoch is complete with RMC and
GGA, or when the time of day changes, or when `flush` is called.
"""

from dataclasses import dataclass
from typing import Final

from edge_agent.devices.nmea import Sentence
from edge_agent.vehicle_clock import Stamp
from protocols.messages import FixQuality, Position

_PLACE_FROM: Final = ("GGA", "GNS", "RMC")
_MOTION_FROM: Final = ("RMC", "VTG")
_DOUBTFUL: Final = (FixQuality.SIMULATED, FixQuality.ESTIMATED)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One moment: `position` is None when the receiver has no fix. `time_us`: of the day."""

    stamp: Stamp
    time_us: int | None
    position: Position | None


class EpochMerger:
    """Collects sentences in the order in which they came."""

    def __init__(self) -> None:
        self._parts: dict[str, Sentence] = {}
        self._stamp: Stamp | None = None
        self._done_time_us: int | None = None

    @property
    def is_waiting(self) -> bool:
        """An epoch has begun and is not complete."""
        return self._stamp is not None

    def take(self, sentence: Sentence, stamp: Stamp) -> list[Epoch]:
        """Return the epochs that `sentence`, heard at `stamp`, completes: none, one or two."""
        if sentence.kind == "VTG":
            if self.is_waiting:
                self._parts.setdefault("VTG", sentence)
            return []
        if sentence.time_us is not None and sentence.time_us == self._done_time_us:
            return []  # another talker's word on a moment that is recorded
        done = self.flush() if self._begins_another(sentence) else []
        if self._stamp is None:
            self._stamp = stamp
        self._parts.setdefault(sentence.kind, sentence)
        if "RMC" in self._parts and "GGA" in self._parts:
            done += self.flush()
        return done

    def flush(self) -> list[Epoch]:
        """Return the epoch that waits, if any; nothing more is waited for."""
        if self._stamp is None:
            return []
        time_us = self._time_us()
        epoch = Epoch(self._stamp, time_us, self._merged())
        self._parts, self._stamp = {}, None
        if time_us is not None:
            self._done_time_us = time_us
        return [epoch]

    def forget(self) -> None:
        """Drop what waits: the wire was lost, or the receiver begins anew."""
        self._parts, self._stamp, self._done_time_us = {}, None, None

    def _time_us(self) -> int | None:
        times = (part.time_us for part in self._parts.values())
        return next((time_us for time_us in times if time_us is not None), None)

    def _begins_another(self, sentence: Sentence) -> bool:
        known_us = self._time_us()
        if sentence.time_us is None or known_us is None:
            return sentence.kind in self._parts
        return sentence.time_us != known_us

    def _merged(self) -> Position | None:
        places = [self._parts[kind] for kind in _PLACE_FROM if kind in self._parts]
        if not places or not all(part.has_fix for part in places):
            return None
        place = places[0]
        if place.latitude_deg is None or place.longitude_deg is None:
            return None
        motions = [self._parts[kind] for kind in _MOTION_FROM if kind in self._parts]
        speeds = (part.speed_mps for part in motions if part.speed_mps is not None)
        headings = (part.heading_deg for part in motions if part.heading_deg is not None)
        return Position(
            latitude_deg=place.latitude_deg,
            longitude_deg=place.longitude_deg,
            fix=_quality(places),
            speed_mps=next(speeds, None),
            heading_deg=next(headings, None),
            altitude_m=place.altitude_m,
            satellites=place.satellites,
            hdop=place.hdop,
        )


def _quality(places: list[Sentence]) -> FixQuality:
    said = [part.quality for part in places if part.quality is not None]
    for doubtful in _DOUBTFUL:
        if doubtful in said:
            return doubtful
    return said[0] if said else FixQuality.AUTONOMOUS  # RMC of before NMEA 2.3: status A alone
