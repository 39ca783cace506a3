"""Durable ingest: how many frames a second a hub takes in, commits and acknowledges."""

from goldenhour.bench.ingest.measure import measure, picture

__all__ = ["measure", "picture"]
