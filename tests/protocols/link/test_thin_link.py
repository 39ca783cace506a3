"""Live first: what a backlog of hours does to an alarm on a thin link."""

import random

import pytest

from protocols.link import Stream
from tests.protocols.link.thin_link import NOTICED_S, SECONDS, ThinLink, Way

TWO_HOURS_S, TEN_MINUTES_S = 7200, 600


def test_at_64_kbit_an_alarm_passes_two_hours_of_backlog_and_the_link_is_full() -> None:
    seen = ThinLink({"main": Way(64_000, 0.15)}, backlog_s=TWO_HOURS_S).run(300)
    assert seen.percentile(Stream.ALARM, 0.99) < 1.0
    assert seen.percentile(Stream.VITALS, 0.99) < 1.0
    assert seen.percentile(Stream.POSITION, 0.99) < 1.0
    assert seen.use > 0.95


def test_a_second_of_noisy_ecg_in_one_record_neither_delays_an_alarm_nor_idles_the_link() -> None:
    link = ThinLink({"main": Way(64_000, 0.15)}, backlog_s=TWO_HOURS_S, traffic=SECONDS)
    seen = link.run(300)
    assert seen.percentile(Stream.ALARM, 0.99) < 0.8
    assert seen.percentile(Stream.VITALS, 0.99) < 0.8
    assert seen.use > 0.95


def test_below_what_live_needs_the_waveform_alone_suffers() -> None:
    seen = ThinLink({"main": Way(24_000, 0.15)}, backlog_s=TWO_HOURS_S).run(300)
    assert seen.percentile(Stream.ALARM, 0.99) < 1.5
    assert seen.percentile(Stream.VITALS, 0.99) < 1.5
    assert seen.use > 0.95


@pytest.mark.parametrize(("delay_s", "bar_s"), [(0.03, 12), (0.15, 12)])
def test_ten_minutes_of_backlog_are_soon_gone_at_1_mbit(delay_s: float, bar_s: float) -> None:
    seen = ThinLink({"main": Way(1_000_000, delay_s)}, backlog_s=TEN_MINUTES_S).run(30)
    assert seen.backlog_done_s is not None
    assert seen.backlog_done_s < bar_s
    assert seen.percentile(Stream.ALARM, 0.99) < 0.6


def test_the_queue_of_the_modem_stays_short() -> None:
    seen = ThinLink({"main": Way(5_000_000, 0.02)}, backlog_s=TWO_HOURS_S).run(60)
    assert seen.most_queued_s < 0.3


def test_without_a_backlog_nothing_waits() -> None:
    seen = ThinLink({"main": Way(64_000, 0.15)}, backlog_s=0).run(300)
    assert seen.percentile(Stream.VITALS, 0.99) < 0.35
    assert seen.percentile(Stream.WAVEFORM, 0.99) < 0.85


def stretches(rng: random.Random, *, until_s: float) -> list[tuple[float, float]]:
    """Dead a sixth of the time, in stretches of minutes."""
    found: list[tuple[float, float]] = []
    at_s = rng.uniform(0, 600)
    while at_s < until_s:
        length_s = rng.uniform(60, 240)
        found.append((at_s, at_s + length_s))
        at_s += length_s + rng.uniform(300, 1270)
    return found


@pytest.mark.timeout(240)  # six seconds, or many more on a busy machine
@pytest.mark.parametrize("seed", range(3))
def test_of_two_paths_one_alive_is_enough_for_an_alarm_and_bulk_is_complete(seed: int) -> None:
    rng, last_s = random.Random(seed), 2400.0
    ways = {
        "5g": Way(2_000_000, 0.03, stretches(rng, until_s=last_s)),
        "lte": Way(512_000, 0.06, stretches(rng, until_s=last_s)),
    }
    link = ThinLink(ways, backlog_s=TEN_MINUTES_S, seed=seed)
    seen = link.run(last_s + 900)

    def one_lives(at_s: float) -> bool:
        """Some path is alive then and long enough after: it has been joined by now."""
        return any(
            not any(begin - 2 <= at_s < end + 2 for begin, end in way.dead) for way in ways.values()
        )

    assert seen.percentile(Stream.ALARM, 0.99, counts=one_lives) < 2.0
    assert seen.percentile(Stream.VITALS, 0.99, counts=one_lives) < NOTICED_S
    assert seen.backlog_done_s is not None
    for stream in (Stream.WAVEFORM, Stream.VITALS, Stream.ALARM):
        assert len(seen.delays_s[stream]) > link.made(stream) - 60


def test_bulk_stays_on_the_path_that_is_named_first_and_returns_to_it() -> None:
    ways = {"5g": Way(2_000_000, 0.03, [(60, 120)]), "lte": Way(2_000_000, 0.05)}
    link = ThinLink(ways, backlog_s=0)
    for until_s, best in ((50, "5g"), (110, "lte"), (180, "5g")):
        link.run(until_s)
        assert link.sender.best == best


def test_a_path_whose_round_trip_is_far_shorter_is_preferred() -> None:
    ways = {"satellite": Way(2_000_000, 0.6), "lte": Way(2_000_000, 0.04)}
    link = ThinLink(ways, backlog_s=0)
    link.run(60)
    assert link.sender.best == "lte"


def test_a_few_milliseconds_are_no_reason_to_change_the_path() -> None:
    ways = {"5g": Way(2_000_000, 0.045), "lte": Way(2_000_000, 0.002)}
    link = ThinLink(ways, backlog_s=0)
    for until_s in range(5, 60, 5):
        link.run(until_s)
        assert link.sender.best == "5g"
