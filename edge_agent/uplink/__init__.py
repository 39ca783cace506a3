"""The uplink: what the journal holds goes to the hub, what the hub orders comes in."""

from edge_agent.uplink.load import LinkLoad
from edge_agent.uplink.settings import HubSettings
from edge_agent.uplink.status import LinkReporter, LinkStatus
from edge_agent.uplink.uplink import Uplink
from edge_agent.uplink.way import BrokerAccess

__all__ = ["BrokerAccess", "HubSettings", "LinkLoad", "LinkReporter", "LinkStatus", "Uplink"]
