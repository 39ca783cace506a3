"""Packed records: short, exact, and never larger than a message."""

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import RemoteProtocolError
from protocols.link.frame import encode_frame
from protocols.link.frame_reader import decode_frame
from protocols.link.packing import pack, unpack
from protocols.link.wire import MAX_MESSAGE_BYTES, seal, unseal
from tests.contract.golden_frames import bodies, frame_of


@given(st.binary(min_size=1, max_size=5_000))
def test_what_was_packed_comes_back(raw: bytes) -> None:
    assert unpack(pack(raw)) == raw


def test_a_second_of_vitals_needs_a_quarter_of_its_bytes() -> None:
    (vitals,) = (message for _, message in bodies() if message.kind == "vitals")
    body = vitals.to_body()
    assert len(pack(body)) * 4 < len(body)


def test_what_would_unpack_to_more_than_a_message_is_refused() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(MAX_MESSAGE_BYTES + 1))
    assert len(bomb) < 100
    with pytest.raises(RemoteProtocolError) as caught:
        unpack(bomb)
    assert caught.value.facts["reason"] == "bad-packing"


def test_what_does_not_say_how_large_it_is_is_refused() -> None:
    unsaid = zstandard.ZstdCompressor(write_content_size=False).compress(b"a" * 100)
    with pytest.raises(RemoteProtocolError):
        unpack(unsaid)


@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        unpack(noise)


def test_a_frame_is_packed_where_that_is_shorter() -> None:
    stream, message = next(iter(bodies()))
    frame = frame_of(stream, message)
    sent = unseal(encode_frame(frame))
    assert "z" in sent
    assert "r" not in sent
    assert decode_frame(encode_frame(frame)) == frame


@pytest.mark.parametrize("packed", [7, b"", b"noise", pack(b"\x01"), pack(b"\x80")])
def test_a_frame_with_unreadable_records_is_refused_whole(packed: int | bytes) -> None:
    stream, message = next(iter(bodies()))
    fields = unseal(encode_frame(frame_of(stream, message)))
    with pytest.raises(RemoteProtocolError) as caught:
        decode_frame(seal(fields | {"z": packed}))
    assert caught.value.facts["reason"] in {"bad-packing", "bad-frame", "not-cbor"}
