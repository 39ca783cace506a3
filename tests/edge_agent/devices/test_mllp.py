"""MLLP: blocks out of any stream of bytes."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.devices.monitor_hl7.mllp import LARGEST_BYTES, MllpFramer
from edge_agent.devices.reasons import Reason


def framed(data: bytes, *, chunk: int = 1 << 20) -> list[bytes | Reason]:
    framer = MllpFramer()
    found: list[bytes | Reason] = []
    for at in range(0, len(data), chunk):
        found += framer.feed(data[at : at + chunk])
    return found


def test_blocks_are_found_whole_and_noise_between_them_is_counted_once_a_run() -> None:
    data = b"\x0bone\x1c\r\r\n\x0btwo\x1c\rnoise\xff noise\x0bthree\x1c\x0bfour\x1c"
    expected = [b"one", b"two", Reason.GARBAGE, b"three", b"four"]
    assert framed(data) == expected
    assert list(framed(data, chunk=1)) == expected


def test_a_block_that_broke_off_gives_way_to_the_next() -> None:
    assert framed(b"\x0bMSH|half\x0bMSH|whole\x1c\r") == [Reason.INCOMPLETE, b"MSH|whole"]


def test_a_block_without_end_is_given_up_and_what_follows_is_heard() -> None:
    data = b"\x0b" + b"x" * (LARGEST_BYTES + 100_000) + b"\x1c\r\x0bnext\x1c\r"
    assert framed(data, chunk=65_536) == [Reason.TOO_LONG, b"next"]


@given(data=st.binary(max_size=2_000), chunk=st.integers(1, 300))
def test_any_bytes_are_survived_and_the_next_block_is_heard(data: bytes, chunk: int) -> None:
    found = framed(data + b"\x0bMSH|last\x1c\r", chunk=chunk)
    assert found[-1] == b"MSH|last"
    assert framed(data + b"\x0bMSH|last\x1c\r") == found
