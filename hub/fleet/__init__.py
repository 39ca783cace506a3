"""The fleet as it is now: a pure reducer over what was committed."""

from hub.fleet.picture import FleetPicture

__all__ = ["FleetPicture"]
