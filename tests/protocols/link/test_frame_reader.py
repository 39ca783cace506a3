"""The usual frame is read as any other: the same is found in it, and the same refused."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.clock import ClockSource
from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId
from protocols.link import Frame, FrameReader, Lane, Record, Stream
from protocols.link.frame import MAX_SEQ, MAX_UTC_US
from protocols.link.frame_writer import FrameWriter
from protocols.link.packing import Packer
from protocols.messages import Position, VitalsReading
from protocols.messages.position import FixQuality

PACKER = Packer()
BODIES = (
    Position(latitude_deg=23.1, longitude_deg=113.2, fix=FixQuality.AUTONOMOUS).to_body(),
    VitalsReading(heart_rate_bpm=80, spo2_pct=97, source="monitor").to_body(),
)


def usual(  # noqa: PLR0913 -- what a frame says
    *,
    journal: str = "0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b",
    stream: Stream = Stream.POSITION,
    first_seq: int = 301,
    lane: Lane = Lane.LIVE,
    sent_utc_us: int = 1_800_000_000_000_000,
    clock: ClockSource = ClockSource.GNSS,
    clock_error_us: int | None = 50,
    records: int = 1,
    captured_utc_us: int = 1_800_000_000_000_000,
) -> bytes:
    return FrameWriter(JournalId(journal), PACKER).write(
        stream, first_seq=first_seq, lane=lane, sent_utc_us=sent_utc_us, clock=clock,
        clock_error_us=clock_error_us,
        records=[Record(captured_utc_us + at, BODIES[at % 2]) for at in range(records)],
    )  # fmt: skip


frames = st.builds(
    usual,
    journal=st.uuids().map(str),
    stream=st.sampled_from(Stream),
    first_seq=st.integers(0, 2**64 - 1) | st.sampled_from([1, 23, 24, MAX_SEQ, MAX_SEQ - 1]),
    lane=st.sampled_from(Lane),
    sent_utc_us=st.integers(2**32, 2**64 - 1) | st.sampled_from([0, MAX_UTC_US, MAX_UTC_US + 1]),
    clock=st.sampled_from(ClockSource),
    clock_error_us=st.none() | st.integers(0, 2**64 - 1) | st.integers(0, 300),
    records=st.integers(1, 4),
    captured_utc_us=st.integers(0, 2**64 - 5),
)
changes = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3)


def resealed(payload: bytes, changed: list[tuple[int, int]]) -> bytes:
    """Some bytes changed by one who knows the checksum."""
    body = bytearray(payload[:-4])
    for at, value in changed:
        body[at % len(body)] = value
    return bytes(body) + struct.pack(">I", zlib.crc32(body))


def generally(payload: bytes) -> Frame | str:
    try:
        return FrameReader().decode(payload)
    except RemoteProtocolError as err:
        return str(err.facts["reason"])


def of_many(payload: bytes) -> Frame | str:
    [found] = FrameReader().decode_many([payload])
    return str(found.facts["reason"]) if isinstance(found, RemoteProtocolError) else found


@given(frames)
def test_a_frame_of_our_own_writer_says_the_same_either_way(payload: bytes) -> None:
    assert of_many(payload) == generally(payload)


@given(frames, changes)
def test_whatever_bytes_are_changed_it_is_read_or_refused_as_in_general(
    payload: bytes, changed: list[tuple[int, int]]
) -> None:
    damaged = resealed(payload, changed)
    assert of_many(damaged) == generally(damaged)


@given(frames, st.integers(0, 400), st.integers(0, 400))
def test_a_frame_that_was_cut_or_lengthened_is_refused_as_in_general(
    payload: bytes, begin: int, size: int
) -> None:
    for body in (payload[:begin] + payload[begin + size :], payload + payload[begin:size]):
        assert of_many(body) == generally(body)
        assert of_many(resealed(body, [])) == generally(resealed(body, []))


@pytest.mark.parametrize("back", [5, 6, 7, 8])
def test_whatever_stands_where_the_checksum_is_announced_is_read_as_in_general(back: int) -> None:
    payload = usual()
    for value in range(256):
        changed = resealed(payload, [(len(payload) - back, value)])
        assert of_many(changed) == generally(changed)


@pytest.mark.parametrize("at", range(0, 150, 7))
def test_a_flipped_bit_is_seen(at: int) -> None:
    payload = bytearray(usual())
    payload[at % len(payload)] ^= 4
    assert isinstance(of_many(bytes(payload)), str)


@pytest.mark.parametrize("records", [1, 3])
@pytest.mark.parametrize("clock_error_us", [None, 5, 200, 40_000, 3_000_000, 2**40])
def test_what_our_writers_write_is_read_in_the_usual_way(
    records: int, clock_error_us: int | None
) -> None:
    for stream in Stream:
        for clock in ClockSource:
            payload = usual(
                stream=stream, clock=clock, clock_error_us=clock_error_us, records=records
            )
            assert FrameReader()._usual(payload) == generally(payload)
