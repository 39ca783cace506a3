"""The promise, under a seeded scheduler: nothing lost, nothing doubled, whatever happens."""

import pytest

from protocols.clock import ClockSource
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.ids import JournalId, Seq
from protocols.link import Ack, Frame, Held, Lane, Receiver, Record, Sender, Stream
from tests.protocols.link.simulation import JOURNAL, World


@pytest.mark.parametrize("seed", range(40))
def test_every_accepted_record_arrives_once(seed: int) -> None:
    world = World(seed)
    world.run(2_500)
    world.check_promise()


def sender(**newest: int) -> Sender:
    last = {Stream(name): seq for name, seq in newest.items()}
    return Sender(journal=JOURNAL, last=last, acked={})


def drain(machine: Sender, *, now_s: float = 0.0) -> list[tuple[str, int, int, Lane]]:
    order = []
    while (plan := machine.plan()) is not None:
        machine.sent(plan, last_seq=plan.last_seq, size_bytes=100, now_s=now_s)
        order.append((plan.stream.value, int(plan.first_seq), int(plan.last_seq), plan.lane))
    return order


def test_an_alarm_goes_before_an_hour_of_waveforms() -> None:
    machine = sender(waveform=3600)
    machine.connected()
    for seq in range(3601, 3604):
        machine.appended(Stream.WAVEFORM, seq)
    machine.appended(Stream.ALARM, 1)
    assert drain(machine)[:2] == [("alarm", 1, 1, Lane.LIVE), ("waveform", 3601, 3603, Lane.LIVE)]


def test_backlog_is_clinical_oldest_first_then_bulk_newest_first() -> None:
    machine = sender(vitals=5, waveform=20)
    machine.connected()
    assert drain(machine) == [
        ("vitals", 1, 5, Lane.BACKFILL),
        ("waveform", 13, 20, Lane.BACKFILL),
        ("waveform", 5, 12, Lane.BACKFILL),
        ("waveform", 1, 4, Lane.BACKFILL),
    ]


def test_nothing_is_planned_without_a_session() -> None:
    machine = sender(vitals=5)
    assert machine.plan() is None
    machine.connected()
    machine.disconnected()
    assert machine.plan() is None


def test_the_window_bounds_what_is_in_flight() -> None:
    machine = sender()
    machine.connected()
    for seq in range(1, 401):
        machine.appended(Stream.VITALS, seq)
        plan = machine.plan()
        if plan is not None:
            machine.sent(plan, last_seq=plan.first_seq, size_bytes=1024, now_s=0)
    assert machine.in_flight_bytes <= machine.window.size_bytes


def test_a_late_frame_is_sent_again_and_the_timeout_doubles() -> None:
    machine = sender()
    machine.connected()
    machine.appended(Stream.VITALS, 1)
    assert drain(machine) == [("vitals", 1, 1, Lane.LIVE)]
    first_s = machine.next_tick_s()
    assert first_s is not None
    machine.tick(now_s=first_s - 0.01)
    assert drain(machine) == []
    machine.tick(now_s=first_s)
    assert drain(machine, now_s=first_s) == [("vitals", 1, 1, Lane.LIVE)]
    second_s = machine.next_tick_s()
    assert second_s is not None
    assert second_s - first_s == pytest.approx(2 * first_s)


def test_an_ack_of_another_journal_changes_nothing() -> None:
    machine = sender(vitals=5)
    other = JournalId("11111111-6a0c-4b52-9d7e-0f7f6d1c2a3b")
    ack = Ack(journal=other, streams={Stream.VITALS: Held(watermark=5)}, committed_utc_us=0)
    assert machine.acked(ack, round_trip_s=None) == {}
    assert machine.waiting(Stream.VITALS) == 5


def test_an_ack_of_what_was_never_sent_is_cut_to_what_exists() -> None:
    machine = sender(vitals=5)
    ack = Ack(journal=JOURNAL, streams={Stream.VITALS: Held(watermark=99)}, committed_utc_us=0)
    assert machine.acked(ack, round_trip_s=None) == {Stream.VITALS: Held(watermark=5)}


def test_a_seq_out_of_order_is_our_own_fault() -> None:
    machine = sender(vitals=5)
    with pytest.raises(LocalProtocolError):
        machine.appended(Stream.VITALS, 7)


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
