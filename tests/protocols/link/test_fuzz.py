"""Damage on the wire: no bent frame is taken, and none, however made, is a fault of ours."""

import random
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import islice

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
    FrameReader,
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
from protocols.link.wire import Loader

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


def damaged(rng: random.Random, sound: list[bytes], count: int) -> Iterator[bytes]:
    """Yield so many bent frames, none of which happens to be a sound one."""
    whole = set(sound)
    while count:
        payload = bent(rng.choice(sound), rng.choice(sound), rng)
        if payload not in whole:
            count -= 1
            yield payload


def reason_of(payload: bytes) -> str:
    try:
        decode_frame(payload)
    except RemoteProtocolError as err:
        return str(err.facts["reason"])
    return "taken"


def word_of(found: Frame | RemoteProtocolError) -> str:
    return "taken" if isinstance(found, Frame) else str(found.facts["reason"])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
def test_of_a_million_damaged_frames_each_is_refused_with_a_reason(part: int) -> None:
    rng = random.Random(part)
    sound = [frame_of(rng) for _ in range(400)]
    reasons = Counter(reason_of(payload) for payload in damaged(rng, sound, FRAMES // PARTS))
    assert reasons.total() == FRAMES // PARTS
    assert reasons.keys() == {"damaged", "truncated"}, f"seed {part}: {reasons}"


@pytest.mark.timeout(300)
def test_read_by_the_hundred_each_is_refused_and_its_sound_neighbours_are_taken() -> None:
    rng = random.Random(PARTS)
    sound = [frame_of(rng) for _ in range(400)]
    reader = FrameReader(loader=Loader(secret=rng.randbytes(16)))
    bad = damaged(rng, sound, 100_000)
    reasons: Counter[str] = Counter()
    while batch := list(islice(bad, 99)):
        at = rng.randrange(len(batch) + 1)
        batch.insert(at, rng.choice(sound))
        found = reader.decode_many(batch)
        assert found[at] == decode_frame(batch[at])
        for number, each in enumerate(found):
            reasons[word_of(each)] += number != at
    assert reasons.total() == 100_000
    assert reasons["damaged"] + reasons["truncated"] == 100_000, reasons


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(4))
def test_bent_and_sealed_anew_by_who_knows_the_checksum_it_is_taken_or_refused(part: int) -> None:
    """Nothing else is raised, and what is taken is within its bounds."""
    rng = random.Random(100 + part)
    sound = [frame_of(rng) for _ in range(400)]
    reader = FrameReader(loader=Loader(secret=rng.randbytes(16)))
    reasons: Counter[str] = Counter()
    for payload in damaged(rng, sound, 25_000):
        body = payload[:-4]
        again = body + struct.pack(">I", zlib.crc32(body))
        reason = reason_of(again)
        (found,) = reader.decode_many([again])
        assert word_of(found) == reason
        if isinstance(found, Frame):
            assert 1 <= found.first_seq <= found.last_seq < 2**53
        reasons[reason] += 1
    known = {"taken", "truncated", "not-cbor", "bad-frame", "bad-packing", "version", "damaged"}
    assert reasons.keys() <= known, reasons
    assert min(reasons["taken"], reasons["not-cbor"], reasons["bad-frame"]) > 100, reasons


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
