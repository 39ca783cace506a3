"""The vehicle agent: devices, journal, uplink, video and the tablet, in one process."""
