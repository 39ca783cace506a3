"""A frame comes back as it went, and a damaged one does not come back at all."""

import itertools
import time
import uuid
import zlib

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.clock import ClockSource
from protocols.errors import FleetError, LocalProtocolError, RemoteProtocolError
from protocols.ids import JournalId, Seq
from protocols.link import ack as acks
from protocols.link.ack import Ack, Held, decode_ack, encode_ack
from protocols.link.frame import MAX_SEQ, MAX_UTC_US, Frame, Origin, Record, encode_frame
from protocols.link.frame_reader import decode_frame
from protocols.link.projection import value_as_json
from protocols.link.streams import Lane, Stream
from protocols.link.wire import load, seal
from protocols.messages import parse_body

JOURNAL = JournalId("0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b")

frames = st.builds(
    Frame,
    journal=st.uuids().map(lambda u: JournalId(str(u))),
    stream=st.sampled_from(Stream),
    first_seq=st.integers(1, 2**52).map(Seq),
    lane=st.sampled_from(Lane),
    sent_utc_us=st.integers(0, MAX_UTC_US),
    clock=st.sampled_from(ClockSource),
    origin=st.none()
    | st.builds(
        Origin,
        journal=st.uuids().map(lambda u: JournalId(str(u))),
        seq=st.integers(1, 2**52).map(Seq),
    ),
    clock_error_us=st.none() | st.integers(0, MAX_UTC_US),
    records=st.lists(
        st.builds(
            Record,
            captured_utc_us=st.integers(0, MAX_UTC_US),
            body=st.binary(min_size=1, max_size=200),
        ),
        min_size=1,
        max_size=20,
    ).map(tuple),
)


@given(frame=frames)
def test_a_frame_comes_back_as_it_went(frame: Frame) -> None:
    assert decode_frame(encode_frame(frame)) == frame


@given(frame=frames, data=st.data())
def test_a_flipped_bit_anywhere_is_refused(frame: Frame, data: st.DataObject) -> None:
    payload = bytearray(encode_frame(frame))
    bit = data.draw(st.integers(0, len(payload) * 8 - 1))
    payload[bit // 8] ^= 1 << bit % 8
    with pytest.raises(RemoteProtocolError) as refusal:
        decode_frame(bytes(payload))
    assert refusal.value.facts["reason"] == "damaged"


@given(frame=frames, data=st.data())
def test_a_truncated_frame_is_refused(frame: Frame, data: st.DataObject) -> None:
    payload = encode_frame(frame)
    with pytest.raises(RemoteProtocolError):
        decode_frame(payload[: data.draw(st.integers(0, len(payload) - 1))])


@given(junk=st.binary(max_size=300))
def test_any_bytes_give_a_frame_or_a_remote_error(junk: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_frame(junk)


def good_fields() -> dict[str, object]:
    return {
        "v": 1, "j": uuid.UUID(JOURNAL).bytes, "s": "vitals", "n": 1, "l": 0, "t": 5,
        "k": "gnss", "e": None, "r": [[7, b"\xa0"]],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("v", 2, "version"),
        ("v", True, "version"),
        ("j", b"short", "bad-frame"),
        ("s", "gossip", "bad-frame"),
        ("n", 0, "bad-frame"),
        ("n", 2**53, "bad-frame"),
        ("l", 2, "bad-frame"),
        ("t", -1, "bad-frame"),
        ("k", "sundial", "bad-frame"),
        ("e", -1, "bad-frame"),
        ("r", [], "bad-frame"),
        ("r", [[7, ""]], "bad-frame"),
        ("r", [[7, b"x" * 65_537]], "bad-frame"),
        ("r", [["soon", b"x"]], "bad-frame"),
    ],
)
def test_a_sealed_frame_with_a_wrong_field_is_refused(
    field: str, value: object, reason: str
) -> None:
    payload = seal(good_fields() | {field: value})  # type: ignore[arg-type]
    with pytest.raises(RemoteProtocolError) as refusal:
        decode_frame(payload)
    assert refusal.value.facts["reason"] == reason


def test_unknown_header_fields_are_ignored() -> None:
    payload = seal(good_fields() | {"z": "from the future"})  # type: ignore[arg-type]
    assert decode_frame(payload).records == (Record(captured_utc_us=7, body=b"\xa0"),)


def test_an_oversized_frame_is_our_own_fault() -> None:
    frame = Frame(
        journal=JOURNAL, stream=Stream.CLIP, first_seq=Seq(1), lane=Lane.LIVE, sent_utc_us=0,
        clock=ClockSource.RTC, clock_error_us=None,
        records=tuple(Record(captured_utc_us=0, body=b"x" * 65_536) for _ in range(5)),
    )  # fmt: skip
    with pytest.raises(LocalProtocolError):
        encode_frame(frame)


@st.composite
def held(draw: st.DrawFn) -> Held:
    watermark = draw(st.integers(0, 1000))
    floor, ranges = watermark + 2, []
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=8)):
        ranges.append((floor + gap, floor + gap + length))
        floor += gap + length + 2
    return Held(watermark=watermark, ranges=tuple(ranges))


@given(
    ack=st.builds(
        Ack,
        journal=st.uuids().map(lambda u: JournalId(str(u))),
        streams=st.dictionaries(st.sampled_from(Stream), held(), max_size=5),
        committed_utc_us=st.integers(0, MAX_UTC_US),
        echo_utc_us=st.none() | st.integers(0, MAX_UTC_US),
        refused=st.lists(st.tuples(st.text(max_size=20), st.integers(0, 9)), max_size=3).map(tuple),
    )
)
def test_an_ack_comes_back_as_it_went(ack: Ack) -> None:
    assert decode_ack(encode_ack(ack)) == ack


@given(
    watermark=st.integers(0, MAX_SEQ),
    committed_us=st.integers(0, MAX_UTC_US),
    echo_us=st.integers(0, MAX_UTC_US),
    stream=st.sampled_from(Stream),
)
def test_the_usual_ack_has_the_bytes_of_any_other(
    watermark: int, committed_us: int, echo_us: int, stream: Stream
) -> None:
    ack = Ack(
        journal=JOURNAL, streams={stream: Held(watermark)}, committed_utc_us=committed_us,
        echo_utc_us=echo_us,
    )  # fmt: skip
    fields = {
        "v": 1, "j": uuid.UUID(JOURNAL).bytes, "s": {stream.value: [watermark, []]},
        "t": committed_us, "x": echo_us, "f": [],
    }  # fmt: skip
    assert encode_ack(ack) == seal(fields)  # type: ignore[arg-type]
    assert decode_ack(encode_ack(ack)) == ack


@given(
    st.integers(0, 2**64 - 1), st.integers(2**32, 2**64 - 1), st.integers(2**32, 2**64 - 1),
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), max_size=2),
)  # fmt: skip
def test_an_ack_that_is_read_in_the_usual_way_says_what_it_says_in_general(
    watermark: int, committed_us: int, echo_us: int, changes: list[tuple[int, int]]
) -> None:
    fields = {"v": 1, "j": bytes(16), "s": {"vitals": [watermark, []]}, "t": committed_us,
              "x": echo_us, "f": []}  # fmt: skip
    body = bytearray(seal(fields)[:-4])  # type: ignore[arg-type]
    for at, value in changes:
        body[at % len(body)] = value
    sealed = bytes(body) + zlib.crc32(body).to_bytes(4, "big")
    usual = acks._read_usual(sealed)
    assert usual is None or usual == acks._read_any(sealed, None)


@given(junk=st.dictionaries(st.sampled_from("vjstxf"), st.integers() | st.binary() | st.text()))
def test_any_sealed_map_gives_an_ack_or_a_remote_error(junk: dict[str, object]) -> None:
    try:
        decode_ack(seal(junk))  # type: ignore[arg-type]
    except FleetError as err:
        assert isinstance(err, RemoteProtocolError)  # noqa: PT017 -- acceptance is fine too


def laughs(levels: int) -> bytes:
    """Return a value of so many levels, each twice the one before: shared by tags 28 and 29."""

    def level(height: int, index: int) -> bytes:
        if height == 0:
            return b"\xd8\x1c\x81\x00"
        shared = level(height - 1, index + 1)
        return b"\xd8\x1c\x82" + shared + b"\xd8\x1d" + cbor2.dumps(index + 1)

    return level(levels, 0)


@pytest.mark.parametrize(
    "value",
    [
        laughs(4), laughs(60), b"\xc2" + cbor2.dumps(b"\xff" * 4000), b"\xd8\x1c\x81\xd8\x1d\x00",
        b"\xd9\x01\x00\x81\x61a", b"\xc0\x6a2026-11-23", b"\xd9\xd9\xf7\x01",
        b"\x81" * 17 + b"\x00",
    ],
    ids=["shared", "laughs", "bignum", "cycle", "references", "date", "self-described", "deep"],
)  # fmt: skip
def test_a_tag_and_a_deep_value_are_refused_unread(value: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        load(value)
    assert refused.value.facts["reason"] == "not-cbor"
    with pytest.raises(RemoteProtocolError):
        parse_body(Stream.POSITION, b"\xa2\x64kind\x68position\x61x" + value)


@pytest.mark.parametrize("key", ["v", "s", "k", "n", "t", "j", "r", "e", "l", "o", "z"])
@pytest.mark.parametrize("value", [b"\xf7", b"\xf8\xff", b"\xfb\x7f\xf8" + bytes(6), b"\x81\x80"])
def test_a_header_of_another_type_is_refused(key: str, value: bytes) -> None:
    header = {"v": 1, "j": bytes(16), "s": "vitals", "n": 1, "l": 0, "t": 1, "k": "gnss", "e": 1,
              "r": [[1, b"\xa0"]]}  # fmt: skip
    fields = {name: cbor2.dumps(field) for name, field in header.items()} | {key: value}
    if key == "z":
        del fields["r"]
    raw = bytes([0xA0 + len(fields) + 1])
    raw += b"".join(cbor2.dumps(name) + field for name, field in fields.items()) + b"\x61c\x1a"
    with pytest.raises(RemoteProtocolError):
        decode_frame(raw + zlib.crc32(raw).to_bytes(4))


def test_what_json_cannot_say_becomes_nothing() -> None:
    body = b"\xa3\x61a\xf7\x61b\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00\x61c\x81\xf8\xff"
    assert value_as_json(load(body)) == {"a": None, "b": None, "c": [None]}


@pytest.mark.parametrize("deep", [0, 3])
@pytest.mark.parametrize("key", ["arrays", "numbers"])
def test_a_map_whose_keys_are_made_to_collide_is_refused_at_once(key: str, deep: int) -> None:
    """Python hashes -1 and -2 alike, and what they stand in: 8,192 such keys took over a second."""
    if key == "arrays":
        keys = [bytes([0x8D, *signs]) for signs in itertools.product((0x20, 0x21), repeat=13)]
    else:
        keys = [cbor2.dumps(number << 40) for number in range(1, 8_193)]
    hostile = b"\xb9" + len(keys).to_bytes(2, "big") + b"".join(each + b"\xf6" for each in keys)
    began_s = time.process_time()
    with pytest.raises(RemoteProtocolError) as refused:
        load(b"\x81" * deep + hostile)
    assert refused.value.facts["reason"] == "not-cbor"
    assert time.process_time() - began_s < 0.3
