"""A unit's MQTT client id."""

from protocols.ids import UnitId
from protocols.link.client_id import client_id

UNIT = UnitId("A-001")


def test_it_stays_for_a_unit_and_a_path_and_is_told_by_nothing_but_the_password() -> None:
    first = client_id(UNIT, "one")

    assert first == client_id(UNIT, "one")
    assert len({first, client_id(UNIT, "two"), client_id(UNIT, "one", path="second")}) == 3
    assert first.startswith("A-001-")
    assert "one" not in first
