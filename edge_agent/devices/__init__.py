"""Drivers of the vehicle's devices: one module or folder a device, one record for each thing."""

from edge_agent.devices.driver import Driver, Record
from edge_agent.devices.gnss import open_gnss
from edge_agent.devices.gnss_gpsd import GnssGpsd
from edge_agent.devices.gnss_nmea import GnssNmea
from edge_agent.devices.monitor_hl7 import MonitorHl7
from edge_agent.devices.reasons import Reason

__all__ = ["Driver", "GnssGpsd", "GnssNmea", "MonitorHl7", "Reason", "Record", "open_gnss"]
