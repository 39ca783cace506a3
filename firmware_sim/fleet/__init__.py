"""A fleet of light units that drive about Guangzhou and speak the link, nothing more."""

from firmware_sim.fleet.credentials import Credential, read_credentials
from firmware_sim.fleet.fleet import Fleet
from firmware_sim.fleet.light_unit import LightUnit
from firmware_sim.fleet.session import Broker

__all__ = ["Broker", "Credential", "Fleet", "LightUnit", "read_credentials"]
