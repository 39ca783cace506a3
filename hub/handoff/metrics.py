"""What hand-off counts, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

ATTEMPTS = Counter("goldenhour_handoff_attempts_total", "Attempts at hospitals", ["verdict"])
WAITING = Gauge("goldenhour_handoff_waiting", "Hand-overs that no hospital has yet")
ATTEMPT = Histogram(
    "goldenhour_handoff_attempt_seconds",
    "Time of one attempt, the document's making included",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
