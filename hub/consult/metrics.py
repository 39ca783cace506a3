"""What consultation counts, for Prometheus. Labels are states and reasons, never people."""

from prometheus_client import Counter

ADVICE = Counter("goldenhour_consult_advice_total", "Advice that came into a state", ["state"])
REFUSED = Counter(
    "goldenhour_consult_refused_records_total", "Records passed over, with why", ["reason"]
)
