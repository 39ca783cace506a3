"""Damage on the wire: no bent frame is taken, and none, however made, is a fault of ours."""

import random
import struct
import zlib

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.clock import ClockSource
from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId, Seq
from protocols.link import (
    Ack,
    Frame,
    Held,
    Lane,
    Origin,
    Receiver,
    Record,
    Stream,
    decode_ack,
    decode_frame,
    encode_ack,
    encode_frame,
)

JOURNAL = JournalId("0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b")
FRAMES, PARTS = 1_000_000, 8


def frame_of(rng: random.Random) -> bytes:
    stream = rng.choice([s for s in Stream if s is not Stream.ORDER])
    records = tuple(
        Record(rng.randrange(2**50), cbor2.dumps({"kind": "x", "n": rng.randrange(2**40)}))
        for _ in range(rng.choice((1, 1, 2, 5)))
    )
    return encode_frame(
        Frame(
            journal=JOURNAL,
            stream=stream,
            first_seq=Seq(rng.randrange(1, 2**40)),
            lane=rng.choice(list(Lane)),
            sent_utc_us=rng.randrange(2**50),
            clock=rng.choice(list(ClockSource)),
            clock_error_us=rng.choice((None, 50)),
            records=records,
            origin=rng.choice((None, Origin(JOURNAL, Seq(7)))),
        )
    )


def bent(payload: bytes, other: bytes, rng: random.Random) -> bytes:
    match rng.randrange(5):
        case 0:
            found = bytearray(payload)
            for _ in range(rng.choice((1, 1, 2, 8))):
                found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
            return bytes(found)
        case 1:
            return payload[: rng.randrange(len(payload))]
        case 2:
            at = rng.randrange(len(payload))
            return payload[:at] + rng.randbytes(rng.randrange(1, 9)) + payload[at:]
        case 3:
            at = rng.randrange(1, min(len(payload), len(other)))
            return payload[:at] + other[at:]
        case _:
            at = rng.randrange(len(payload))
            return payload[:at] + payload[at + rng.randrange(1, 20) :]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("part", range(PARTS))
def test_of_a_million_bent_frames_none_is_taken(part: int) -> None:
    rng = random.Random(part)
    sound = [frame_of(rng) for _ in range(400)]
    whole = set(sound)
    taken = 0
    for _ in range(FRAMES // PARTS):
        payload = bent(rng.choice(sound), rng.choice(sound), rng)
        if payload in whole:
            continue
        try:
            decode_frame(payload)
            taken += 1
        except RemoteProtocolError:
            continue
    assert taken == 0


def sealed(fields: dict[str, object]) -> bytes:
    """Return what an intruder who knows the checksum would send."""
    body = cbor2.dumps({**fields, "c": 0})[:-3] + b"\x61c\x1a"
    return body + struct.pack(">I", zlib.crc32(body))


NUMBERS = st.integers(-(2**70), 2**70)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | NUMBERS
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = {
    "v": st.just(1) | VALUES,
    "j": st.binary(min_size=16, max_size=16) | VALUES,
    "s": st.sampled_from([stream.value for stream in Stream]) | VALUES,
    "n": st.integers(0, 2**54) | VALUES,
    "l": st.integers(-1, 2) | VALUES,
    "t": st.integers(-1, 2**54) | VALUES,
    "k": st.sampled_from([clock.value for clock in ClockSource]) | VALUES,
    "e": st.none() | st.integers(-1, 2**54) | VALUES,
    "r": st.lists(st.tuples(st.integers(-1, 2**54), st.binary(max_size=20)).map(list), max_size=4)
    | VALUES,
    "o": st.none() | st.tuples(st.binary(min_size=16, max_size=16), NUMBERS).map(list) | VALUES,
}


@pytest.mark.timeout(300)
@settings(max_examples=3_000)
@given(st.fixed_dictionaries({}, optional={**FIELDS, "z": st.binary(max_size=60) | VALUES}))
def test_whatever_is_sealed_is_taken_within_its_bounds_or_refused(
    fields: dict[str, object],
) -> None:
    try:
        frame = decode_frame(sealed(fields))
    except RemoteProtocolError:
        return
    assert 1 <= frame.first_seq <= frame.last_seq < 2**53
    receiver = Receiver(journal=frame.journal)
    spans = receiver.offer(frame, now_s=0)
    receiver.committed(frame.stream, spans, now_s=0)
    ack = receiver.take_ack(now_utc_us=0)
    assert ack is not None
    assert decode_ack(encode_ack(ack)) == ack


ACKS = {
    "v": st.just(1) | VALUES,
    "j": st.binary(min_size=16, max_size=16) | VALUES,
    "s": st.dictionaries(
        st.sampled_from([stream.value for stream in Stream]) | st.text(max_size=3),
        VALUES,
        max_size=3,
    )
    | VALUES,
    "t": st.integers(-1, 2**54) | VALUES,
    "x": VALUES,
}


@pytest.mark.timeout(300)
@settings(max_examples=2_000)
@given(st.fixed_dictionaries({}, optional=ACKS))
def test_whatever_is_sealed_as_an_ack_is_taken_or_refused(fields: dict[str, object]) -> None:
    try:
        ack = decode_ack(sealed(fields))
    except RemoteProtocolError:
        return
    assert isinstance(ack, Ack)
    assert all(isinstance(held, Held) for held in ack.streams.values())
