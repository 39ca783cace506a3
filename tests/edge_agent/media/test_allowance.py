"""The rate for all video: how fast it falls, for what, and how it comes back."""

from dataclasses import replace

from edge_agent.media.allowance import (
    LEAST_BPS,
    LOOK_S,
    RATES_BPS,
    STILLS,
    Allowance,
    Evidence,
    index_of,
)


def seen(
    now_s: float,
    *,
    late_s: float = 0.0,
    passed_ago_s: float = float("inf"),
    arriving: float | None = None,
    arriving_span_s: float = 1.0,
) -> Evidence:
    return Evidence(
        now_s=now_s, is_answered=True, video_bps=1e6, wanted_bps=2e6,
        late_s=late_s, passed_ago_s=passed_ago_s, arriving=arriving,
        arriving_span_s=arriving_span_s,
    )  # fmt: skip


def risen() -> tuple[Allowance, float]:
    """Return an allowance of a wide link, and when."""
    allowance, now_s = Allowance(now_s=0.0), 0.0
    while allowance.bps < 1_000_000:
        now_s += LOOK_S
        allowance.look(seen(now_s, arriving=1.0))
    return allowance, now_s


def test_the_hub_not_answering_readings_leaves_video_the_least() -> None:
    allowance = Allowance(now_s=0)
    for look in range(100):
        allowance.look(Evidence(now_s=look * LOOK_S, is_answered=True, video_bps=allowance.bps))
    assert allowance.bps > LEAST_BPS
    allowance.look(Evidence(now_s=10, is_answered=False, is_heard=True))
    assert allowance.bps == LEAST_BPS
    allowance.look(Evidence(now_s=10.1, is_answered=False, is_heard=False))
    assert allowance.bps == 0
    assert not allowance.is_stills


def test_readings_that_wait_with_losses_beside_stop_all_pictures_at_once() -> None:
    allowance = Allowance(now_s=0)
    allowance.look(Evidence(now_s=5, is_answered=True, late_s=0.5, arriving=0.7, video_bps=120_000))
    assert allowance.is_held
    allowance.look(Evidence(now_s=5.5, is_answered=True, late_s=0.0, video_bps=0))
    assert not allowance.is_held


def test_a_reading_that_was_lost_holds_no_picture_up() -> None:
    allowance, began_s = risen()
    before = allowance.bps
    for look in range(25):  # it waits for its own repetition; pictures sent after it arrive
        late_s = look * LOOK_S
        allowance.look(seen(began_s + late_s, late_s=late_s, passed_ago_s=0.2))
        assert not allowance.is_held
    assert allowance.bps >= before


def test_a_reading_that_is_repeated_for_long_takes_nothing_from_video_that_arrives() -> None:
    allowance, began_s = risen()
    before = allowance.bps
    for look in range(70):
        late_s = look * LOOK_S
        told = seen(began_s + late_s, late_s=late_s, passed_ago_s=0.2, arriving=1.0)
        allowance.look(replace(told, is_answered=late_s < 4))
    assert allowance.bps == before


def test_pictures_held_for_a_reading_that_was_lost_go_on_once_that_is_known() -> None:
    allowance, began_s = risen()
    before, held = allowance.bps, []
    for look in range(10):
        late_s = look * LOOK_S
        told = {"passed_ago_s": 0.3, "arriving": 0.95} if look == 9 else {}
        allowance.look(seen(began_s + late_s, late_s=late_s, **told))
        held.append(allowance.is_held)
    assert held[-2:] == [True, False]
    assert allowance.bps == before


def test_pictures_held_behind_a_queue_stay_held() -> None:
    allowance, began_s = risen()
    for look in range(12):  # what arrives was sent before the reading that waits
        late_s = look * LOOK_S
        allowance.look(seen(began_s + late_s, late_s=late_s, passed_ago_s=late_s, arriving=1.0))
    assert allowance.is_held


def test_pictures_are_never_held_for_long() -> None:
    allowance = Allowance(now_s=0)
    held = []
    for look in range(200):
        now_s = 5 + look * LOOK_S
        allowance.look(
            Evidence(now_s=now_s, is_answered=True, late_s=3.0, arriving=0.8, video_bps=120_000)
        )
        held.append(allowance.is_held)
    longest = max(len(run) for run in "".join("x" if each else " " for each in held).split())
    assert 0 < longest * LOOK_S < 2.0


def test_rates_are_found_from_below() -> None:
    assert index_of(LEAST_BPS - 1) == STILLS
    assert [index_of(rate) for rate in RATES_BPS] == list(range(len(RATES_BPS)))
    assert index_of(1e12) == len(RATES_BPS) - 1


def test_a_mild_loss_of_what_was_sent_before_a_fall_is_not_taken_for_another() -> None:
    allowance, began_s = risen()
    allowance.look(seen(began_s + 0.1, arriving=0.8, late_s=0.2))
    fallen = allowance.bps
    allowance.look(seen(began_s + 1.3, arriving=0.75, arriving_span_s=1.5, late_s=0.2))
    assert allowance.bps == fallen
    allowance.look(seen(began_s + 2.4, arriving=0.75, arriving_span_s=1.1, late_s=0.2))
    assert allowance.bps < fallen


def test_a_heavy_loss_is_believed_though_some_of_it_may_be_of_before() -> None:
    allowance, began_s = risen()
    allowance.look(seen(began_s + 0.1, arriving=0.8, late_s=0.2))
    fallen = allowance.bps
    allowance.look(seen(began_s + 1.3, arriving=0.4, arriving_span_s=1.5, late_s=0.2))
    assert allowance.bps < fallen


def test_a_report_of_what_was_sent_before_the_stills_does_not_end_the_return() -> None:
    allowance, now_s = Allowance(now_s=0.0), 0.0
    while not allowance.is_stills:
        now_s += LOOK_S
        allowance.look(seen(now_s, arriving=0.1))
    while allowance.bps == 0:
        now_s += LOOK_S
        allowance.look(replace(seen(now_s), link_bps=2e6))
    allowance.look(seen(now_s + 0.1, arriving=0.0, arriving_span_s=46.0))
    assert allowance.bps > 0
    allowance.look(seen(now_s + 1.6, arriving=0.0, arriving_span_s=1.5))
    assert allowance.bps == 0


def test_a_rate_that_failed_is_passed_by_one_rate_and_not_by_two() -> None:
    allowance, now_s = risen()
    allowance.look(seen(now_s + 0.1, arriving=0.8, late_s=0.2))
    rates = [allowance.bps]
    for look in range(2, 200):
        allowance.look(seen(now_s + look * LOOK_S, arriving=1.0))
        if allowance.bps != rates[-1]:
            rates.append(allowance.bps)
    at = [RATES_BPS.index(rate) for rate in rates]
    assert at[:4] == list(range(at[0], at[0] + 4))


def test_a_burst_of_loss_takes_one_rate_and_gives_it_back() -> None:
    allowance, began_s = risen()
    before = RATES_BPS.index(allowance.bps)
    for burst in range(5):
        at_s = began_s + 8.0 * burst
        for look in range(1, 80):
            told = {10: 0.7, 22: 1.0, 34: 1.0, 46: 1.0, 58: 1.0, 70: 1.0}.get(look)
            late_s = max(0.0, min(look, 25 - look) * LOOK_S)  # a reading is repeated
            allowance.look(
                seen(at_s + look * LOOK_S, arriving=told, arriving_span_s=1.2,
                     late_s=late_s, passed_ago_s=0.05 + (look - 10) % 12 * LOOK_S)
            )  # fmt: skip
            is_told = look >= 10  # before, the reading might wait behind a queue
            assert not is_told or not allowance.is_held
            assert not is_told or RATES_BPS.index(allowance.bps) >= before - 1
    assert RATES_BPS.index(allowance.bps) >= before


def test_losses_that_last_are_followed_though_nothing_queues() -> None:
    allowance, began_s = risen()
    for report in range(1, 4):  # what polices drops at once
        allowance.look(seen(began_s + 1.1 * report, arriving=0.3))
    assert allowance.bps <= 0.3 * 1_100_000


def test_readings_behind_a_queue_that_video_meets_too_are_not_taken_for_lost() -> None:
    allowance, began_s = risen()
    for look in range(9):
        late_s = look * LOOK_S
        told = seen(began_s + late_s, late_s=late_s, passed_ago_s=0.45)
        allowance.look(replace(told, slower_s=0.4))
    assert allowance.is_held


def test_video_that_stays_slow_gives_way_before_readings_wait() -> None:
    allowance, began_s = risen()
    before = allowance.bps
    for look in range(20):
        told = seen(began_s + look * LOOK_S, arriving=1.0)
        allowance.look(replace(told, slower_s=0.3, passed_ago_s=0.4))
    assert allowance.bps < before
