"""Picks the driver of the GNSS receiver by its address."""

import random
from urllib.parse import urlsplit

from edge_agent.devices.driver import Driver, Record
from edge_agent.devices.gnss_gpsd import GnssGpsd
from edge_agent.devices.gnss_nmea import GnssNmea
from edge_agent.vehicle_clock import VehicleClock


def open_gnss(
    source: str,
    *,
    record: Record,
    clock: VehicleClock,
    rng: random.Random,
    name: str = "gnss",
) -> Driver:
    """Return the driver for `source`; nothing is opened yet.

    `tcp://host:port`, `udp://host:port` (listens there), `serial:///dev/ttyUSB0?baud=9600`, the
    path of a terminal device, or `gpsd://host:2947`.

    Raises:
        ConfigError: it is none of these.
    """
    if urlsplit(source).scheme == "gpsd":
        return GnssGpsd(name=name, source=source, record=record, clock=clock, rng=rng)
    return GnssNmea(name=name, source=source, record=record, clock=clock, rng=rng)
