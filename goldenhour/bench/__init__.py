"""Benchmarks: each prints its figures and holds them against their bars."""
