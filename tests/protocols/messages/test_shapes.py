"""A shape answers for a body only where its model would accept it, whatever else comes."""

import math
import struct
from collections.abc import Sequence
from typing import Annotated, Literal

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, field_validator

from protocols.errors import RemoteProtocolError
from protocols.link.streams import Stream
from protocols.messages import KINDS, Message, Position, VitalsReading, WaveformBlock, parse_body
from protocols.messages.position import FixQuality
from protocols.messages.shapes import MOST_ALIKE, MOST_SHAPES, Bounds, Shapes, bounds_of

POSITION = Position(
    latitude_deg=23.1, longitude_deg=113.2, fix=FixQuality.AUTONOMOUS, speed_mps=12.5,
    heading_deg=359.0, satellites=11, hdop=0.9,
)  # fmt: skip
VITALS = VitalsReading(
    heart_rate_bpm=80, spo2_pct=97, nibp_measured_utc_us=1_800_000_000_000_000, source="model"
)
ODD_NUMBERS = st.floats() | st.sampled_from(
    [-90.0, 90.0, 90.00000000000001, 359.9, 360.0, math.nan, math.inf, -math.inf, -0.0, 0.0]
)


def accepts(stream: Stream, body: bytes) -> bool:
    try:
        parse_body(stream, body)
    except RemoteProtocolError:
        return False
    return True


def fits(stream: Stream, learned: Sequence[Message], bodies: Sequence[bytes]) -> list[bool]:
    shapes = Shapes()
    for message in learned:
        shapes.learn(stream, type(message), message.to_body())
    return [bool(good) for body in bodies for good in shapes.fit(stream, [body])]


SAID = sorted(bounds_of(Position).keys() - {"satellites", "altitude_m"})


@given(st.dictionaries(st.sampled_from(SAID), ODD_NUMBERS, min_size=1))
def test_a_position_with_any_numbers_fits_if_and_only_if_it_is_good(said: dict[str, float]) -> None:
    body = cbor2.dumps({**cbor2.loads(POSITION.to_body()), **said})
    [fit] = fits(Stream.POSITION, [POSITION], [body])
    assert fit == accepts(Stream.POSITION, body)


@given(st.integers(0, 300), st.integers(0, 2**64 - 1))
def test_whole_numbers_fit_only_within_their_bounds(satellites: int, measured: int) -> None:
    there = cbor2.dumps({**cbor2.loads(POSITION.to_body()), "satellites": satellites})
    then = cbor2.dumps({**cbor2.loads(VITALS.to_body()), "nibp_measured_utc_us": measured})
    many = POSITION.model_copy(update={"satellites": 30})
    [fit] = fits(Stream.POSITION, [POSITION, many], [there])
    assert fit == (satellites <= 200)
    [fit] = fits(Stream.VITALS, [VITALS], [then])
    assert not fit or measured <= 2**53 - 1
    assert fit or not 2**32 <= measured <= 2**53 - 1


@given(
    st.sampled_from([(Stream.POSITION, POSITION), (Stream.VITALS, VITALS)]),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=3),
)
def test_whatever_bytes_are_changed_what_fits_is_accepted(
    one: tuple[Stream, Message], changes: list[tuple[int, int]]
) -> None:
    stream, message = one
    body = bytearray(message.to_body())
    for at, value in changes:
        body[at % len(body)] = value
    [fit] = fits(stream, [message], [bytes(body)])
    assert not fit or accepts(stream, bytes(body))


@given(st.integers(0, 4), st.integers(0, 255))
def test_a_change_outside_the_numbers_is_seen(letter: int, value: int) -> None:
    body = bytearray(VITALS.to_body())
    at = body.index(b"model") + letter
    is_same = body[at] == value
    body[at] = value
    [fit] = fits(Stream.VITALS, [VITALS], [bytes(body)])
    assert fit == is_same


def test_a_model_that_looks_at_its_values_together_has_no_shapes_unless_it_says_so() -> None:
    class Paired(Message):
        kind: Literal["paired"] = "paired"
        low: Annotated[float, Field(ge=0)]

        @field_validator("low")
        @classmethod
        def _odd(cls, low: float) -> float:
            return low

    assert bounds_of(WaveformBlock) == {}
    assert bounds_of(Paired) == {}
    assert "heart_rate_bpm" in bounds_of(VitalsReading)


def test_what_is_asked_beside_bounds_makes_a_number_a_part_of_the_shape() -> None:
    class Stepped(Message):
        kind: Literal["stepped"] = "stepped"
        even: Annotated[int, Field(ge=0, multiple_of=2)]
        free: Annotated[float, Field(gt=0, lt=5)]

    assert bounds_of(Stepped) == {
        "free": (float, Bounds(low=0, high=5, low_open=True, high_open=True))
    }


@pytest.mark.parametrize(
    ("stream", "model"), [(Stream.POSITION, Position), (Stream.VITALS, VitalsReading)]
)
def test_the_bounds_are_those_that_the_model_has(stream: Stream, model: type[Message]) -> None:
    """Just inside is accepted, just outside is not; by the model itself."""
    assert model in KINDS[stream].values()
    base = {Position: POSITION, VitalsReading: VITALS}[model].model_dump(exclude_none=True)
    for name, (kind, bounds) in bounds_of(model).items():
        for edge, is_open, outward in (
            (bounds.low, bounds.low_open, -math.inf),
            (bounds.high, bounds.high_open, math.inf),
        ):
            beyond = (
                math.nextafter(edge, outward) if kind is float else edge + math.copysign(1, outward)
            )
            for value, good in ((edge, not is_open), (beyond, False)):
                said = cbor2.dumps({**base, name: kind(value)})
                assert accepts(stream, said) is good, (name, value)
                shapes = Shapes()
                shapes.learn(stream, model, cbor2.dumps({**base, name: kind(3)}))
                is_alike = kind is float  # a whole number of another length is another shape
                fit = shapes.fit(stream, [said]) if is_alike else [good]
                assert list(fit) == [good], (name, value)


def test_no_more_shapes_are_kept_than_allowed() -> None:
    shapes = Shapes()
    for size in range(MOST_SHAPES + 10):
        reading = VITALS.model_copy(update={"source": "x" * (size % 115)})
        shapes.learn(Stream.VITALS, VitalsReading, reading.to_body())
    assert shapes._count <= MOST_SHAPES
    assert all(len(alike) <= MOST_ALIKE for alike in shapes._known.values())
    assert sum(map(len, shapes._known.values())) == shapes._count


@pytest.mark.parametrize(
    ("extra", "is_learned"),
    [
        ({"new": 1.5}, True),
        ({"new": None}, True),
        ({"new": -7}, True),
        ({"new": b"\x00" * 300}, True),
        ({"new": 2**63}, True),
        ({"new": cbor2.undefined}, True),
        ({"new": cbor2.CBORSimpleValue(99)}, True),
        ({"new": [1, 2]}, False),
        ({"new": {"a": 1}}, False),
        ({"x" * 30: 1}, False),
        ({f"f{n}": n for n in range(40)}, False),
    ],
)
def test_a_newer_agent_s_fields_are_part_of_the_shape_or_there_is_none(
    extra: dict[str, object], *, is_learned: bool
) -> None:
    body = cbor2.dumps({**cbor2.loads(VITALS.to_body()), **extra})
    assert accepts(Stream.VITALS, body)
    shapes = Shapes()
    shapes.learn(Stream.VITALS, VitalsReading, body)
    assert shapes.fit(Stream.VITALS, [body]).tolist() == [is_learned]


def test_a_field_that_stands_twice_makes_no_shape() -> None:
    head, more = VITALS.to_body()[:1], VITALS.to_body()[1:]
    twice = bytes([head[0] + 1]) + more + b"\x68spo2_pct" + struct.pack(">Bd", 0xFB, 1)
    assert accepts(Stream.VITALS, twice)
    shapes = Shapes()
    shapes.learn(Stream.VITALS, VitalsReading, twice)
    assert not shapes.fit(Stream.VITALS, [twice]).any()
