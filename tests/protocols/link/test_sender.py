"""The sender: what goes next, how much at once, and what is sent again."""

import pytest

from protocols.errors import LocalProtocolError
from protocols.ids import JournalId
from protocols.link import Ack, Held, Lane, Sender, Stream
from protocols.link.path import Path, Span
from protocols.link.schedule import GATHER_S, LIVE_S
from protocols.link.sender import ENDED, LATE, OVERTAKEN
from protocols.link.window import FIRST_BYTES, TARGET_S, Window
from tests.protocols.link.simulation import JOURNAL

RECORD_BYTES = 200
SPAN: Span = (Stream.VITALS, 1, 1)


def sender(**newest: int) -> Sender:
    last = {Stream(name): seq for name, seq in newest.items()}
    return Sender(journal=JOURNAL, last=last, acked={})


def drain(machine: Sender, *, now_s: float = 0.0) -> list[tuple[str, int, int, Lane]]:
    """Send all that may leave at once."""
    order = []
    while (plan := machine.plan(now_s=now_s)) is not None:
        count = max(1, min(plan.last_seq - plan.first_seq + 1, plan.max_bytes // RECORD_BYTES))
        last = plan.first_seq + count - 1
        send(machine, last=last, now_s=now_s)
        order.append((plan.stream.value, int(plan.first_seq), last, plan.lane))
    return order


def send(machine: Sender, *, last: int | None = None, now_s: float, size_bytes: int = 100) -> int:
    """Send what is planned; return its first seq."""
    plan = machine.plan(now_s=now_s)
    assert plan is not None
    last_seq = plan.last_seq if last is None else last
    body_bytes = (last_seq - plan.first_seq + 1) * RECORD_BYTES
    machine.sent(
        plan, last_seq=last_seq, body_bytes=body_bytes, size_bytes=size_bytes,
        sent_utc_us=int(now_s * 1e6) + plan.first_seq, now_s=now_s,
    )  # fmt: skip
    return plan.first_seq


def acknowledge(
    machine: Sender, *held: tuple[int, int], stream: Stream = Stream.VITALS, now_s: float
) -> None:
    acked = Held(watermark=0, ranges=held)
    ack = Ack(journal=JOURNAL, streams={stream: acked}, committed_utc_us=0)
    machine.acked(ack, now_s=now_s)


def test_an_alarm_goes_before_an_hour_of_waveforms() -> None:
    machine = sender(waveform=3600)
    machine.connected(now_s=0)
    for seq in range(3601, 3604):
        machine.appended(Stream.WAVEFORM, seq, now_s=0)
    machine.appended(Stream.ALARM, 1, now_s=GATHER_S)
    assert drain(machine, now_s=GATHER_S)[:2] == [
        ("alarm", 1, 1, Lane.LIVE),
        ("waveform", 3601, 3603, Lane.LIVE),
    ]


def test_an_alarm_of_the_outage_goes_before_what_is_live() -> None:
    machine = sender(alarm=2)
    machine.connected(now_s=0)
    machine.appended(Stream.VITALS, 1, now_s=0)
    assert drain(machine) == [("alarm", 1, 2, Lane.BACKFILL), ("vitals", 1, 1, Lane.LIVE)]


def test_an_alarm_leaves_though_the_backfill_has_filled_the_window() -> None:
    machine = sender(waveform=3600)
    machine.connected(now_s=0)
    while machine.plan(now_s=0) is not None:
        send(machine, now_s=0, size_bytes=machine.window.frame_bytes)
    machine.appended(Stream.ALARM, 1, now_s=0)
    assert drain(machine) == [("alarm", 1, 1, Lane.LIVE)]


def test_backlog_is_clinical_oldest_first_then_bulk_newest_first() -> None:
    machine = sender(vitals=4, waveform=20)
    machine.connected(now_s=0)
    order = drain(machine)
    assert order[0] == ("vitals", 1, 4, Lane.BACKFILL)
    assert {stream for stream, *_ in order[1:]} == {"waveform"}
    firsts = [first for _, first, *_ in order[1:]]
    assert order[1][2] == 20
    assert firsts == sorted(firsts, reverse=True)


def test_a_waveform_waits_for_company_and_no_longer_than_half_a_second() -> None:
    machine = sender()
    machine.connected(now_s=0)
    machine.appended(Stream.WAVEFORM, 1, now_s=0)
    assert drain(machine) == []
    assert machine.next_tick_s(now_s=0) == pytest.approx(GATHER_S)
    machine.appended(Stream.WAVEFORM, 2, now_s=0.25)
    assert drain(machine, now_s=GATHER_S) == [("waveform", 1, 2, Lane.LIVE)]


def test_waveforms_that_fill_a_frame_leave_at_once() -> None:
    machine = sender()
    machine.connected(now_s=0)
    for seq in range(1, 40):
        machine.appended(Stream.WAVEFORM, seq, now_s=0)
    assert drain(machine)[0][:2] == ("waveform", 1)


def test_a_reading_that_waited_too_long_lets_newer_ones_pass() -> None:
    machine = sender()
    machine.connected(now_s=0)
    for seq in range(1, 4):
        machine.appended(Stream.POSITION, seq, now_s=0)
    machine.appended(Stream.POSITION, 4, now_s=LIVE_S + 1)
    assert drain(machine, now_s=LIVE_S + 1) == [
        ("position", 4, 4, Lane.LIVE),
        ("position", 1, 3, Lane.BACKFILL),
    ]


def test_the_newest_reading_is_live_when_the_link_comes_back() -> None:
    machine = sender(vitals=600)
    for seq in range(601, 661):
        machine.appended(Stream.VITALS, seq, now_s=seq)
    machine.connected(now_s=660.5)
    first, *_ = drain(machine, now_s=660.5)
    assert first == ("vitals", 656, 660, Lane.LIVE)
    assert machine.backlog_waiting() == 655


def test_what_is_salvaged_is_no_news_however_new() -> None:
    machine = sender(vitals=600)
    machine.appended(Stream.VITALS, 601, now_s=1)
    machine.appended(Stream.VITALS, 602, now_s=1, is_backlog=True)
    machine.connected(now_s=1)
    assert {lane for *_, lane in drain(machine, now_s=1)} == {Lane.BACKFILL}


def test_nothing_is_planned_without_a_session() -> None:
    machine = sender(vitals=5)
    assert machine.plan(now_s=0) is None
    machine.connected(now_s=0)
    machine.disconnected()
    assert machine.plan(now_s=0) is None


def test_the_window_bounds_what_is_in_flight() -> None:
    machine = sender()
    machine.connected(now_s=0)
    for seq in range(1, 401):
        machine.appended(Stream.VITALS, seq, now_s=0)
        if machine.plan(now_s=0) is not None:
            send(machine, last=seq, now_s=0, size_bytes=1024)
    assert machine.in_flight_bytes <= 1.25 * machine.window.size_bytes + 1024


def test_a_late_frame_is_sent_again_and_the_timeout_doubles() -> None:
    machine = sender()
    machine.connected(now_s=0)
    machine.appended(Stream.VITALS, 1, now_s=0)
    assert drain(machine) == [("vitals", 1, 1, Lane.LIVE)]
    first_s = machine.next_tick_s(now_s=0)
    assert first_s is not None
    machine.tick(now_s=first_s - 0.01)
    assert drain(machine, now_s=first_s - 0.01) == []
    machine.tick(now_s=first_s)
    assert drain(machine, now_s=first_s) == [("vitals", 1, 1, Lane.LIVE)]
    second_s = machine.next_tick_s(now_s=first_s)
    assert second_s is not None
    assert second_s - first_s == pytest.approx(2 * first_s)


def test_a_frame_that_three_later_ones_overtook_is_sent_again_at_once() -> None:
    machine = sender()
    machine.connected(now_s=0)
    for seq in range(1, 6):
        machine.appended(Stream.VITALS, seq, now_s=0)
        send(machine, now_s=0)
    acknowledge(machine, (2, 4), now_s=0.1)
    assert drain(machine, now_s=0.1) == []
    acknowledge(machine, (2, 5), now_s=0.1)
    assert drain(machine, now_s=0.1) == [("vitals", 1, 1, Lane.LIVE)]


def test_what_is_sent_again_is_told_with_its_reason_once() -> None:
    machine = sender()
    machine.connected(now_s=0)
    for seq in range(1, 6):
        machine.appended(Stream.VITALS, seq, now_s=0)
        send(machine, now_s=0)
    acknowledge(machine, (2, 5), now_s=0.1)
    send(machine, now_s=0.1)
    machine.tick(now_s=60)
    send(machine, now_s=60)
    machine.disconnected()
    assert [lost.why for lost in machine.take_lost()] == [OVERTAKEN, LATE, ENDED]
    assert machine.take_lost() == []


def test_an_ack_of_another_journal_changes_nothing() -> None:
    machine = sender(vitals=5)
    other = JournalId("11111111-6a0c-4b52-9d7e-0f7f6d1c2a3b")
    ack = Ack(journal=other, streams={Stream.VITALS: Held(watermark=5)}, committed_utc_us=0)
    assert machine.acked(ack, now_s=0) == {}
    assert machine.waiting(Stream.VITALS) == 5


def test_an_ack_of_what_was_never_sent_is_cut_to_what_exists() -> None:
    machine = sender(vitals=5)
    ack = Ack(journal=JOURNAL, streams={Stream.VITALS: Held(watermark=99)}, committed_utc_us=0)
    assert machine.acked(ack, now_s=0) == {Stream.VITALS: Held(watermark=5)}


def test_a_seq_out_of_order_is_our_own_fault() -> None:
    machine = sender(vitals=5)
    with pytest.raises(LocalProtocolError):
        machine.appended(Stream.VITALS, 7, now_s=0)


def test_a_frame_may_be_long_only_where_the_link_has_not_been_full_for_long() -> None:
    window = Window()
    assert window.frame_bytes == FIRST_BYTES // 4
    for now_s in range(12):
        window.delivered(150, over_s=0.1, now_s=now_s)
        window.measured(0.1, frame_bytes=150, freed_bytes=150, was_full=False, now_s=now_s)
    assert window.frame_bytes == FIRST_BYTES
    window.measured(0.1, frame_bytes=150, freed_bytes=150, was_full=True, now_s=12)
    assert window.frame_bytes <= window.size_bytes // 4


def full(window: Window, *, rate_bytes_per_s: float, round_trip_s: float, queued_s: float) -> None:
    """Have a full window measured for two seconds."""
    for step in range(20):
        window.delivered(round(rate_bytes_per_s / 10), over_s=0.1, now_s=step / 10)
        window.measured(
            round_trip_s + (queued_s if step else 0.0), frame_bytes=0, freed_bytes=500,
            was_full=True, now_s=step / 10,
        )  # fmt: skip


def test_a_queue_of_live_frames_does_not_make_the_window_leave_the_link_idle() -> None:
    window = Window()
    full(window, rate_bytes_per_s=16_000, round_trip_s=0.5, queued_s=0.25)
    assert window.size_bytes >= 16_000 * 0.5


def test_a_window_that_finds_no_queue_grows_no_further_than_its_link() -> None:
    window = Window()
    full(window, rate_bytes_per_s=16_000, round_trip_s=0.5, queued_s=0.06)
    for _ in range(50):
        full(window, rate_bytes_per_s=16_000, round_trip_s=0.5, queued_s=0.0)
    assert window.size_bytes <= 16_000 * (0.5 + 1.5 * TARGET_S)


def busy(rate_bytes_per_s: float, *, long_bytes: int) -> Path:
    """Return a path of that rate and 0.3 s round trip, on which one long frame left at 10 s."""
    path = Path()
    path.connected()
    path.sent(SPAN, size_bytes=300, sent_utc_us=1, now_s=0.0)
    path.acked(1, lambda _: True, now_s=0.3)
    path.window.delivered(round(rate_bytes_per_s), over_s=1.0, now_s=9.9)
    path.sent(SPAN, size_bytes=long_bytes, sent_utc_us=2, now_s=10.0)
    return path


def test_a_long_frame_makes_room_as_the_link_carries_it() -> None:
    path = busy(8_000, long_bytes=6_000)
    assert not path.has_room(1.0, now_s=10.0)
    assert path.has_room(1.0, now_s=10.5)
    assert path.frees_itself()


def test_a_link_that_died_under_a_long_frame_is_given_no_more_than_a_window_after_it() -> None:
    path = busy(8_000, long_bytes=6_000)
    for number in range(100):
        if path.has_room(1.0, now_s=60.0):
            path.sent(SPAN, size_bytes=1_000, sent_utc_us=3 + number, now_s=60.0)
    assert path.in_flight_bytes <= 6_000 + path.window.size_bytes + 1_000


def test_a_long_frame_has_the_time_that_the_link_needs_for_it() -> None:
    path = busy(8_000, long_bytes=24_000)
    assert path.tick(now_s=10.0 + 24_000 / 8_000) == []
    assert path.tick(now_s=10.0 + 24_000 / 8_000 + 3.0) == [SPAN]


def test_two_long_frames_do_not_leave_one_after_the_other() -> None:
    path = busy(8_000, long_bytes=3_000)
    assert path.has_room(1.25, now_s=10.0)
    assert not path.has_room(1.25, frame_bytes=3_000, now_s=10.0)
    assert path.has_room(1.25, frame_bytes=3_000, now_s=10.1)
