"""What consultation counts, for Prometheus. Labels are states and reasons, never people."""

from prometheus_client import Counter

ADVICE = Counter("goldenhour_consult_advice_total", "Advice that came into a state", ["state"])
RINGS = Counter("goldenhour_consult_rings_total", "Rings that are over, with how", ["state"])
SEATS = Counter(
    "goldenhour_consult_seats_total", "Comings and goings in rooms, with what it was", ["what"]
)
REFUSED = Counter(
    "goldenhour_consult_refused_records_total", "Records passed over, with why", ["reason"]
)
