"""docs/DEVICES.md says what every reason counts, and names no other."""

import re
from pathlib import Path

from edge_agent.devices import Reason
from protocols.messages import DeviceHealth

PAGE = Path(__file__).parents[3] / "docs" / "DEVICES.md"


def test_every_reason_has_a_row_and_every_row_a_reason() -> None:
    _, _, table = PAGE.read_text().partition("## Reasons")
    cells = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    named = [name for cell in cells for name in re.findall(r"`([a-z0-9-]+)`", cell)]
    assert sorted(named) == sorted(reason.value for reason in Reason)


def test_all_reasons_together_fit_into_one_report() -> None:
    rejected = dict.fromkeys(map(str, Reason), 1)
    health = DeviceHealth(name="x", state="ok", heard=1, rejected=rejected)
    assert DeviceHealth.from_body(health.to_body()) == health
