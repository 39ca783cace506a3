"""A writer of many frames writes what `encode_frame` does."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.clock import ClockSource
from protocols.errors import LocalProtocolError
from protocols.ids import JournalId, Seq
from protocols.link.frame import Frame, Record, encode_frame
from protocols.link.frame_writer import FrameWriter
from protocols.link.packing import Packer
from protocols.link.streams import Lane, Stream

JOURNAL = JournalId(str(uuid.UUID(int=7)))
WRITER = FrameWriter(JOURNAL, Packer())
RECORDS = st.lists(
    st.builds(Record, st.integers(0, 2**53 - 1), st.binary(min_size=1, max_size=300)),
    min_size=1, max_size=8,
)  # fmt: skip


@given(
    st.sampled_from(Stream), st.integers(1, 2**50), st.sampled_from(Lane),
    st.sampled_from(ClockSource), st.none() | st.integers(0, 10**9), RECORDS,
)  # fmt: skip
def test_the_bytes_are_those_of_encode_frame(  # noqa: PLR0913, PLR0917 -- what a frame says
    stream: Stream,
    first_seq: int,
    lane: Lane,
    clock: ClockSource,
    error_us: int | None,
    records: list[Record],
) -> None:
    written = WRITER.write(
        stream, first_seq=first_seq, lane=lane, sent_utc_us=5, clock=clock,
        clock_error_us=error_us, records=records,
    )  # fmt: skip
    frame = Frame(
        journal=JOURNAL, stream=stream, first_seq=Seq(first_seq), lane=lane, sent_utc_us=5,
        clock=clock, clock_error_us=error_us, records=tuple(records),
    )  # fmt: skip
    assert written == encode_frame(frame)


@pytest.mark.parametrize("records", [[], [Record(1, bytes(65_536))]])
def test_nothing_and_too_much_are_refused(records: list[Record]) -> None:
    with pytest.raises(LocalProtocolError):
        WRITER.write(
            Stream.VITALS, first_seq=1, lane=Lane.LIVE, sent_utc_us=5, clock=ClockSource.RTC,
            clock_error_us=None, records=records,
        )  # fmt: skip
