"""Ingest: from the broker to PostgreSQL, and the acknowledgement back."""

from hub.ingest.mqtt import HubMqtt
from hub.ingest.taps import Arrived, Taps
from hub.ingest.worker import Ingest

__all__ = ["Arrived", "HubMqtt", "Ingest", "Taps"]
