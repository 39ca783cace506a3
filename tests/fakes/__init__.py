"""Fakes: for time and randomness only. Each passes the same suite as the real thing."""
