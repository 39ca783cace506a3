"""A GNSS receiver: NMEA 0183 over TCP and a pseudo-terminal; a drive, a track or a log."""

from firmware_sim.gnss.drive import PLACES, Drive, Place
from firmware_sim.gnss.faults import GnssFaultRequest
from firmware_sim.gnss.receiver import GnssReceiver
from firmware_sim.gnss.sources import LogSource, NmeaSource, PlacesSource, drive_source

__all__ = [
    "PLACES", "Drive", "GnssFaultRequest", "GnssReceiver", "LogSource", "NmeaSource", "Place",
    "PlacesSource", "drive_source",
]  # fmt: skip
