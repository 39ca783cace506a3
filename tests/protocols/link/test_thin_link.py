"""Live first: what a backlog of hours does to an alarm on a thin link."""

import pytest

from protocols.link import Stream
from tests.protocols.link.thin_link import ThinLink

TWO_HOURS_S, TEN_MINUTES_S = 7200, 600


def test_at_64_kbit_an_alarm_passes_two_hours_of_backlog_and_the_link_is_full() -> None:
    seen = ThinLink(rate_bps=64_000, delay_s=0.15, backlog_s=TWO_HOURS_S).run(300)
    assert seen.percentile(Stream.ALARM, 0.99) < 1.0
    assert seen.percentile(Stream.VITALS, 0.99) < 1.0
    assert seen.percentile(Stream.POSITION, 0.99) < 1.0
    assert seen.use > 0.95


def test_below_what_live_needs_the_waveform_alone_suffers() -> None:
    seen = ThinLink(rate_bps=24_000, delay_s=0.15, backlog_s=TWO_HOURS_S).run(300)
    assert seen.percentile(Stream.ALARM, 0.99) < 1.5
    assert seen.percentile(Stream.VITALS, 0.99) < 1.5
    assert seen.use > 0.95


@pytest.mark.parametrize(("delay_s", "bar_s"), [(0.03, 12), (0.15, 12)])
def test_ten_minutes_of_backlog_are_soon_gone_at_1_mbit(delay_s: float, bar_s: float) -> None:
    seen = ThinLink(rate_bps=1_000_000, delay_s=delay_s, backlog_s=TEN_MINUTES_S).run(30)
    assert seen.backlog_done_s is not None
    assert seen.backlog_done_s < bar_s
    assert seen.percentile(Stream.ALARM, 0.99) < 0.6


def test_the_queue_of_the_modem_stays_short() -> None:
    seen = ThinLink(rate_bps=5_000_000, delay_s=0.02, backlog_s=TWO_HOURS_S).run(60)
    assert seen.most_queued_s < 0.3


def test_without_a_backlog_nothing_waits() -> None:
    seen = ThinLink(rate_bps=64_000, delay_s=0.15, backlog_s=0).run(300)
    assert seen.percentile(Stream.VITALS, 0.99) < 0.3
    assert seen.percentile(Stream.WAVEFORM, 0.99) < 0.75
