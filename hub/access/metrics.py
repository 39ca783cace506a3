"""What access counts, for Prometheus. Labels are reasons, never people."""

from prometheus_client import Counter

REFUSED = Counter("goldenhour_access_refused_sign_ins_total", "Sign-ins refused", ["reason"])
