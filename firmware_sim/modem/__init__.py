"""A modem: a TCP and UDP relay with an address of its own, whose link can be made bad."""

from firmware_sim.modem.modem import Modem, ModemSetup, PortPair
from firmware_sim.modem.scenario import Scenario, read_scenario
from firmware_sim.modem.shape import LinkChange, LinkShape

__all__ = [
    "LinkChange", "LinkShape", "Modem", "ModemSetup", "PortPair", "Scenario", "read_scenario",
]  # fmt: skip
