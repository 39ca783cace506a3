"""Ingest: from the broker to PostgreSQL, and the acknowledgement back."""

from hub.ingest.callers import Callers
from hub.ingest.mqtt import HubMqtt
from hub.ingest.taps import Arrived, Taps
from hub.ingest.worker import Ingest
from hub.ingest.workers import IngestWorkers

__all__ = ["Arrived", "Callers", "HubMqtt", "Ingest", "IngestWorkers", "Taps"]
