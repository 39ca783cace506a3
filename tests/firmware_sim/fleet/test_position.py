"""A position by splicing is the position that the model writes, to the byte."""

from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.fleet.position import position_body
from firmware_sim.gnss import Place
from protocols.messages.position import FixQuality, Position


@given(
    st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 60), st.floats(0, 360, exclude_max=True)
)
def test_a_spliced_position_is_what_the_model_writes(
    latitude_deg: float, longitude_deg: float, speed_mps: float, heading_deg: float
) -> None:
    written = Position(
        latitude_deg=round(latitude_deg, 7),
        longitude_deg=round(longitude_deg, 7),
        fix=FixQuality.SIMULATED,
        speed_mps=round(speed_mps, 2),
        heading_deg=round(heading_deg, 1) % 360,
    ).to_body()

    assert position_body(Place(latitude_deg, longitude_deg, speed_mps, heading_deg)) == written
