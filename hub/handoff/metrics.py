"""What hand-off counts, for Prometheus."""

from prometheus_client import Counter

ATTEMPTS = Counter("goldenhour_handoff_attempts_total", "Attempts at hospitals", ["verdict"])
