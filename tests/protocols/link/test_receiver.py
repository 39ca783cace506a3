"""The receiver: what it takes, what it answers, what it refuses."""

import pytest

from protocols.clock import ClockSource
from protocols.errors import RemoteProtocolError
from protocols.ids import JournalId, Seq
from protocols.link import Frame, Held, Lane, Receiver, Record, Stream
from protocols.link.receiver import MAX_RANGES
from tests.protocols.link.simulation import JOURNAL


def frame(first: int, count: int, journal: JournalId = JOURNAL) -> Frame:
    return Frame(
        journal=journal, stream=Stream.VITALS, first_seq=Seq(first), lane=Lane.LIVE,
        sent_utc_us=first, clock=ClockSource.RTC, clock_error_us=None,
        records=tuple(Record(captured_utc_us=1, body=b"x") for _ in range(count)),
    )  # fmt: skip


def test_a_second_copy_before_the_commit_is_not_committed_twice() -> None:
    machine = Receiver(journal=JOURNAL)
    assert machine.offer(frame(1, 5), now_s=0) == ((1, 5),)
    assert machine.offer(frame(3, 5), now_s=0) == ((6, 7),)
    assert machine.offer(frame(1, 7), now_s=0) == ()


def test_nothing_is_acknowledged_before_its_commit() -> None:
    machine = Receiver(journal=JOURNAL)
    machine.offer(frame(1, 5), now_s=0)
    assert machine.take_ack(now_utc_us=0) is None
    machine.committed(Stream.VITALS, ((1, 5),), now_s=0)
    ack = machine.take_ack(now_utc_us=9)
    assert ack is not None
    assert ack.streams == {Stream.VITALS: Held(watermark=5)}
    assert ack.echo_utc_us == 1


def test_a_failed_commit_makes_the_resend_new_again() -> None:
    machine = Receiver(journal=JOURNAL)
    spans = machine.offer(frame(1, 5), now_s=0)
    machine.failed(Stream.VITALS, spans)
    assert machine.offer(frame(1, 5), now_s=0) == spans


def test_a_known_frame_is_answered_again() -> None:
    machine = Receiver(journal=JOURNAL, held={Stream.VITALS: Held(watermark=5)})
    assert machine.offer(frame(2, 2), now_s=0) == ()
    ack = machine.take_ack(now_utc_us=9)
    assert ack is not None
    assert ack.streams[Stream.VITALS].watermark == 5


def test_a_foreign_journal_is_refused() -> None:
    machine = Receiver(journal=JOURNAL)
    other = JournalId("11111111-6a0c-4b52-9d7e-0f7f6d1c2a3b")
    with pytest.raises(RemoteProtocolError) as refusal:
        machine.offer(frame(1, 1, other), now_s=0)
    assert refusal.value.facts["reason"] == "foreign-journal"


def test_endless_holes_are_refused_and_the_lower_ones_may_still_fill() -> None:
    machine = Receiver(journal=JOURNAL)
    for seq in range(2, 8200, 2):
        try:
            machine.committed(Stream.VITALS, machine.offer(frame(seq, 1), now_s=0), now_s=0)
        except RemoteProtocolError:
            break
    else:
        pytest.fail("never refused")
    assert machine.offer(frame(3, 1), now_s=0) == ((3, 3),)


def test_a_stream_of_too_many_holes_takes_what_closes_one_and_refuses_what_opens_one() -> None:
    scattered = tuple((seq, seq) for seq in range(4, 4 * MAX_RANGES + 4, 4))
    machine = Receiver(journal=JOURNAL, held={Stream.VITALS: Held(0, scattered)})
    with pytest.raises(RemoteProtocolError) as caught:
        machine.offer(frame(4 * MAX_RANGES + 6, 1), now_s=0)
    assert caught.value.facts["reason"] == "too-scattered"
    assert machine.offer(frame(4, 1), now_s=0) == ()  # known: it is answered again
    assert machine.offer(frame(5, 1), now_s=0) == ((5, 5),)  # touches the range before it
    assert machine.offer(frame(11, 1), now_s=0) == ((11, 11),)  # and the one after it
    assert machine.offer(frame(1, 3), now_s=0) == ((1, 3),)  # the lowest hole
