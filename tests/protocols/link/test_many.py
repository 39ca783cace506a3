"""Messages read by the hundred: each is what it would be alone, whoever stands beside it."""

import struct
import zlib
from collections.abc import Callable

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import RemoteProtocolError
from protocols.link import FrameReader, Stream, decode_frame, encode_frame
from protocols.link.wire import Loader, load_map
from protocols.messages import Position, parse_body, parse_many
from protocols.messages.position import FixQuality
from tests.protocols.link.test_frame import frames

SECRET = bytes(range(16))
HERE = Position(latitude_deg=23.1, longitude_deg=113.2, fix=FixQuality.AUTONOMOUS).to_body()
ELSEWHERE = Position(latitude_deg=0, longitude_deg=0, fix=FixQuality.SIMULATED).to_body()


def alone(read: Callable[[bytes], object], item: bytes) -> object:
    try:
        return read(item)
    except RemoteProtocolError as err:
        return err.facts["reason"]


def reason_or_value(found: object) -> object:
    return found.facts["reason"] if isinstance(found, RemoteProtocolError) else found


def sealed(raw: bytes) -> bytes:
    """What an intruder sends who knows the checksum: any bytes at all, and a right one."""
    return raw + struct.pack(">I", zlib.crc32(raw))


ITEMS = st.one_of(
    st.just(HERE),
    st.binary(max_size=40),
    st.dictionaries(st.text(max_size=3), st.integers() | st.binary(max_size=30), max_size=3).map(
        cbor2.dumps
    ),
    st.just(HERE + HERE),  # two in the place of one
    st.just(HERE[:-3]),
    st.integers(1, 200).map(lambda n: b"\x58" + bytes([n])),  # would swallow what follows
    st.just(b"\x9f"),
    st.just(b"\xff"),
)


@given(st.lists(ITEMS, max_size=12))
def test_each_item_is_read_as_if_it_stood_alone(items: list[bytes]) -> None:
    found = [reason_or_value(each) for each in Loader(secret=SECRET).load_maps(items)]
    assert found == [alone(load_map, item) for item in items]


@given(st.lists(frames.map(encode_frame) | st.binary(max_size=60).map(sealed), max_size=8))
def test_each_frame_is_read_as_if_it_stood_alone(payloads: list[bytes]) -> None:
    found = FrameReader(loader=Loader(secret=SECRET)).decode_many(payloads)
    assert [reason_or_value(each) for each in found] == [
        alone(decode_frame, payload) for payload in payloads
    ]


@pytest.mark.parametrize("guess", [bytes(16), b"\x50" + bytes(16)])
def test_an_item_that_reaches_into_its_neighbour_is_refused_and_the_neighbour_is_not(
    guess: bytes,
) -> None:
    # two units of one intruder around a third: the first brings a second item and what it takes
    # for the secret between them, the last swallows one
    first = HERE + b"\x50" + guess[:16] + ELSEWHERE
    last = b"\x58\xc8"
    bodies = [(Stream.POSITION, body) for body in (first, HERE, last, HERE)]
    found = parse_many(bodies, loader=Loader(secret=SECRET))
    honest = parse_body(Stream.POSITION, HERE)
    assert [reason_or_value(each) for each in found] == ["not-cbor", honest, "not-cbor", honest]


def test_of_many_bodies_the_one_that_is_wrong_is_named() -> None:
    wrong = cbor2.dumps({**cbor2.loads(HERE), "latitude_deg": 91.0})
    newer = cbor2.dumps({"kind": "hologram"})
    nul = cbor2.dumps({"kind": "alarm", "text": "a\0b"})
    bodies = [
        (Stream.POSITION, HERE),
        (Stream.POSITION, wrong),
        (Stream.POSITION, newer),
        (Stream.ALARM, nul),
        (Stream.POSITION, HERE),
    ]
    found = parse_many(bodies, loader=Loader(secret=SECRET))
    honest = parse_body(Stream.POSITION, HERE)
    assert [reason_or_value(each) for each in found] == [
        honest,
        "bad-body",
        "unknown-kind",
        "bad-body",
        honest,
    ]
