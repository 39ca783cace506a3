"""The broker: the built-in NATS server; an outside one needs nothing from here."""

from hub.broker.config import HUB_USER, BrokerConfig, BrokerTls
from hub.broker.nats import BuiltInBroker, program, reachable

__all__ = [
    "HUB_USER", "BrokerConfig", "BrokerTls", "BuiltInBroker", "program", "reachable",
]  # fmt: skip
