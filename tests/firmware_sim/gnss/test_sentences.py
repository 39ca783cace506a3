"""The sentences that the receiver makes, read by an independent parser."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynmeagps import NMEAReader

from firmware_sim.gnss import nmea
from firmware_sim.gnss.drive import METRES_PER_DEGREE, Drive


def _fix(latitude_deg: float, longitude_deg: float) -> nmea.Fix:
    return nmea.Fix(
        utc_us=1_700_000_000_000_000,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        speed_mps=12.5,
        heading_deg=271.25,
    )


@given(st.floats(-89.9, 89.9), st.floats(-179.9, 179.9))
def test_an_independent_parser_reads_back_the_position_to_two_centimetres(
    latitude_deg: float, longitude_deg: float
) -> None:
    rmc = NMEAReader.parse(nmea.epoch(_fix(latitude_deg, longitude_deg), nmea.sky(1))[0])

    assert math.isclose(rmc.lat, latitude_deg, abs_tol=2e-7)
    assert math.isclose(rmc.lon, longitude_deg, abs_tol=2e-7)


def test_every_sentence_of_a_second_parses_and_says_what_the_fix_says() -> None:
    lines = nmea.epoch(_fix(23.1291, 113.2644), nmea.sky(3))
    messages = [NMEAReader.parse(line) for line in lines]
    by_id = {message.msgID: message for message in messages}

    assert {message.identity for message in messages} == {
        "GNRMC", "GNGGA", "GNVTG", "GNGSA", "GPGSV", "GLGSV", "BDGSV",
    }  # fmt: skip
    assert by_id["RMC"].spd == pytest.approx(12.5 * 3600 / 1852, abs=0.001)
    assert by_id["RMC"].cog == pytest.approx(271.25)
    assert by_id["VTG"].sogk == pytest.approx(45.0)
    assert by_id["GGA"].quality == 8
    assert by_id["RMC"].posMode == "S"


def test_without_a_fix_nothing_looks_like_a_position() -> None:
    messages = [NMEAReader.parse(x) for x in nmea.epoch_without_fix(0, nmea.sky(3))]

    assert messages[0].status == "V"
    assert messages[0].lat == ""
    assert messages[1].quality == 0


def test_the_same_seed_drives_the_same_road_and_another_seed_does_not() -> None:
    first, again, other = Drive(seed=5), Drive(seed=5), Drive(seed=6)
    road = [first.step() for _ in range(600)]

    assert [again.step() for _ in range(600)] == road
    assert [other.step() for _ in range(600)] != road


@pytest.mark.parametrize("seed", range(8))
def test_a_drive_moves_like_a_car_and_stays_about_its_home(seed: int) -> None:
    drive = Drive(seed=seed, home=(23.13, 113.26))
    before = drive.here()
    speeds: list[float] = []
    for _ in range(3_600):
        here = drive.step()
        north_m = (here.latitude_deg - before.latitude_deg) * METRES_PER_DEGREE
        east_m = (
            (here.longitude_deg - before.longitude_deg)
            * METRES_PER_DEGREE
            * math.cos(math.radians(23.13))
        )
        assert math.hypot(north_m, east_m) < 18.0, f"seed {seed} jumped"
        assert abs(here.speed_mps - before.speed_mps) < 3.0 or here.speed_mps < 5.0
        speeds.append(here.speed_mps)
        before = here
        distance_m = math.hypot(
            (here.latitude_deg - 23.13) * METRES_PER_DEGREE,
            (here.longitude_deg - 113.26) * METRES_PER_DEGREE * math.cos(math.radians(23.13)),
        )
        assert distance_m < 6_000
    assert max(speeds) > 8.0
    assert min(speeds) == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_the_heading_is_the_way_the_vehicle_goes(seed: int) -> None:
    drive = Drive(seed=seed, home=(23.13, 113.26))
    before, checked = drive.here(), 0
    for _ in range(900):
        here = drive.step()
        if here.heading_deg == before.heading_deg and here.speed_mps > 5 and before.speed_mps > 5:
            north_m = (here.latitude_deg - before.latitude_deg) * METRES_PER_DEGREE
            east_m = (
                (here.longitude_deg - before.longitude_deg)
                * METRES_PER_DEGREE
                * math.cos(math.radians(23.13))
            )
            went_deg = math.degrees(math.atan2(east_m, north_m)) % 360
            turn_deg = abs((went_deg - here.heading_deg + 180) % 360 - 180)
            assert turn_deg < 20
            checked += turn_deg < 1
        before = here
    assert checked > 50
