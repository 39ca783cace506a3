"""The fleet as it is now: a pure reducer over what was committed."""

from hub.fleet.picture import FleetPicture, Reported

__all__ = ["FleetPicture", "Reported"]
