"""What the demo waits for, and who lives in its city."""

import json
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.fleet.credentials import Credential
from goldenhour.demo.accounts import accounts_of, pins_of
from goldenhour.demo.city import City, lay_out
from goldenhour.demo.enrolment import vehicles_of, write_people
from goldenhour.demo.start import missing_units


@pytest.fixture
def city() -> City:
    return lay_out(port=0, light_units=2, pins=pins_of({}))


NOW_US = 1_800_000_000_000_000


def view(unit: str, **other: Any) -> dict[str, Any]:
    position = {"latitude_deg": 23.1, "longitude_deg": 113.3, "captured_utc_us": NOW_US}
    light = unit.startswith("L-")
    return {"unit": unit, "light": light, "online": True, "position": position, **other}


ALL = ("A-001", "A-002", "P-001", "L-001", "L-002")


def test_a_city_is_whole_when_every_unit_is_online_with_a_position(city: City) -> None:
    assert missing_units(city, [view(unit) for unit in ALL], since_utc_us=NOW_US) is None


@pytest.mark.parametrize("lack", [{"online": False}, {"position": None}])
def test_a_unit_that_is_not_seen_is_named(city: City, lack: dict[str, Any]) -> None:
    views = [view(unit, **(lack if unit == "A-002" else {})) for unit in ALL]
    assert "A-002" in str(missing_units(city, views, since_utc_us=NOW_US))


def test_light_units_are_counted(city: City) -> None:
    views = [view(unit) for unit in ALL[:-1]]
    missing = missing_units(city, views, since_utc_us=NOW_US)
    assert missing == "1 of 2 light units are on the map"


def test_a_position_of_an_earlier_demo_does_not_count(city: City) -> None:
    views = [view(unit) for unit in ALL]
    assert missing_units(city, views, since_utc_us=NOW_US + 1) is not None


def test_every_vehicle_has_a_name_of_its_own() -> None:
    vehicles = vehicles_of(lay_out(port=0, light_units=40, pins=pins_of({})))
    assert len({one.unit for one in vehicles}) == len({one.call_sign for one in vehicles}) == 43
    for one in vehicles:
        Credential.model_validate(
            {"unit": one.unit, "password": "x", "profile": one.profile, "call_sign": one.call_sign}
        )


def test_people_and_pins_are_found_again_and_differ_from_demo_to_demo(tmp_path: Path) -> None:
    first, other = accounts_of({}), accounts_of({})
    card = {"accounts": [{"username": p.username, "password": p.password} for p in first]}
    assert accounts_of(card) == first
    assert {p.password for p in first}.isdisjoint(p.password for p in other)
    assert pins_of({"units": [{"unit": "A-001", "pin": "000111"}]})["A-001"] == "000111"

    write_people(tmp_path / "people.json", first)
    assert [one["username"] for one in json.loads((tmp_path / "people.json").read_text())] == [
        "operator", "doctor", "cardiologist", "admin",
    ]  # fmt: skip
