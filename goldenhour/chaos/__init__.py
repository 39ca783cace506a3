"""Chaos: real programs, real faults, and a comparison of every record that a vehicle accepted."""
