"""Simulated devices, each on its own wire."""
