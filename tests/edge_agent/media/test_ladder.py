"""The ladder alone: what is given up as a link thins, how fast, and that it never flaps."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.media.ladder import (
    LEAST_BPS,
    LOOK_S,
    RATES_BPS,
    SPANS,
    STILLS,
    Allowance,
    Evidence,
    Gate,
    index_of,
)
from edge_agent.media.settings import MediaSettings
from edge_agent.media.shares import Shares
from edge_agent.media.tuning import is_same, top_step, tuning_of
from protocols.video import HEIGHT_PX, LADDER, VideoStep
from tests.edge_agent.media.thin_link import Drive, drive

HD, MIDDLE, SMALL = VideoStep.HD, VideoStep.MIDDLE, VideoStep.SMALL
STILL, NONE = VideoStep.STILLS, VideoStep.NONE
BELOW_HD = {MIDDLE, SMALL, STILL}


def test_each_step_is_left_well_below_the_rate_at_which_it_is_entered() -> None:
    moving = list(HEIGHT_PX)
    for higher, lower in pairwise(moving):
        assert SPANS[higher].enter_bps >= 2 * SPANS[higher].least_bps
        assert SPANS[lower].most_bps >= SPANS[higher].enter_bps  # proved inside the lower step
    assert SPANS[SMALL].least_bps < LEAST_BPS


@pytest.mark.parametrize(
    ("capacity_bps", "step"),
    [
        (30e3, STILL),
        (48e3, STILL),
        (64e3, STILL),
        (120e3, SMALL),
        (300e3, MIDDLE),
        (500e3, MIDDLE),
        (1.2e6, HD),
        (5e6, HD),
    ],
)
def test_a_link_of_each_rate_gets_its_step(capacity_bps: float, step: VideoStep) -> None:
    assert drive(lambda _: capacity_bps, for_s=120, seed=1).step_at(119) is step


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fills", [1.0, 0.6])
def test_the_drive_of_the_issue(seed: int, fills: float) -> None:
    def rate(at_s: float) -> float:
        return 2e6 if at_s < 30 else 2e5 if at_s < 75 else 48e3 if at_s < 120 else 2e6

    driven = drive(rate, for_s=160, seed=seed, fills=fills)
    assert driven.step_at(29.9) is HD
    assert driven.first_below(HD, after_s=30) < 3
    assert driven.first_below(MIDDLE, after_s=75) < 3
    assert driven.step_at(80) is STILL
    assert driven.reached(HD, after_s=120) < 15
    assert driven.share_later_than(1.0) < 0.005


@settings(max_examples=10, deadline=None)
@given(
    capacity_bps=st.floats(40e3, 4e6),
    seed=st.integers(0, 2**16),
    fills=st.floats(0.3, 1.0),
    loss=st.sampled_from([0.0, 0.01, 0.05]),
)
def test_a_link_that_stays_as_it_is_never_makes_the_step_flap(
    capacity_bps: float, seed: int, fills: float, loss: float
) -> None:
    driven = drive(lambda _: capacity_bps, for_s=200, seed=seed, fills=fills, loss=loss)
    settled = [step for at_s, step in driven.steps if at_s > 100]
    # a rise that failed is barred for 15 s, then for ever longer
    assert len(settled) <= 6, (driven.steps, "capacity", capacity_bps, "seed", seed)
    assert driven.share_later_than(1.0) < 0.01


@settings(max_examples=8, deadline=None)
@given(
    before_bps=st.floats(1.5e6, 4e6),
    after_bps=st.floats(40e3, 2.5e5),
    seed=st.integers(0, 2**16),
)
def test_down_within_three_seconds_and_up_again_within_fifteen(
    before_bps: float, after_bps: float, seed: int
) -> None:
    def rate(at_s: float) -> float:
        return after_bps if 40 <= at_s < 100 else before_bps

    driven = drive(rate, for_s=140, seed=seed)
    assert driven.step_at(39.9) is HD
    assert driven.first_below(HD, after_s=40) < 3
    assert driven.reached(HD, after_s=100) < 15


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**16), cut_s=st.floats(5, 120))
def test_a_cut_link_ends_video_and_its_return_brings_it_back(seed: int, cut_s: float) -> None:
    def rate(at_s: float) -> float:
        return 0.0 if 30 <= at_s < 30 + cut_s else 1e6

    driven = drive(rate, for_s=70 + cut_s, seed=seed)
    assert driven.first_below(STILL, after_s=30) < 6
    assert driven.first_moving(after_s=30 + cut_s) < 5


@pytest.mark.parametrize("seed", range(3))
def test_an_estimate_that_bursts_startle_holds_nothing_down(seed: int) -> None:
    """The hub's estimate falls for a burst of pictures, too; nothing queues and nothing is lost."""

    def rate(at_s: float) -> float:
        return 48e3 if 30 <= at_s < 75 else 3e6

    driven = drive(rate, for_s=120, seed=seed, startled=0.1)
    assert driven.step_at(29.9) is HD
    assert driven.reached(HD, after_s=75) < 15
    assert driven.step_at(119) is HD


def test_random_loss_without_delay_costs_no_step() -> None:
    driven = drive(lambda _: 3e6, for_s=100, seed=3, loss=0.05)
    assert driven.step_at(99) is HD


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


def test_a_camera_never_goes_above_what_it_gives() -> None:
    gate = Gate(MIDDLE)
    assert gate.look(4e6, 4e6, may_stills=True, now_s=0) is MIDDLE


def test_a_step_that_failed_is_barred_for_ever_longer() -> None:
    gate, tried, now_s = Gate(HD), [], 0.0
    for _ in range(1200):
        now_s += 0.5
        step = gate.look(800_000, 800_000, may_stills=True, now_s=now_s)
        if step is HD:
            tried.append(now_s)
            now_s += 0.5
            gate.look(300_000, 300_000, may_stills=True, now_s=now_s)
    waits = [b - a for a, b in pairwise(tried)]
    assert waits[0] >= 15
    assert waits == sorted(waits)
    assert waits[-1] >= 100


def test_cameras_share_and_the_last_gives_way_first() -> None:
    shares = Shares()
    wide = shares.of(1e6, 1e6, [True, True, True])
    assert [round(one) for one, _ in wide] == [500_000, 250_000, 250_000]
    thin = shares.of(100_000, 100_000, [True, True, True])
    assert [one for one, _ in thin] == [50_000, 50_000, 0.0]
    thinner = shares.of(60_000, 60_000, [True, True, True])
    assert [one for one, _ in thinner] == [60_000, 0.0, 0.0]
    without_first = shares.of(60_000, 60_000, [False, True, True])
    assert [one for one, _ in without_first] == [0.0, 60_000, 0.0]


@given(
    bps=st.lists(st.floats(0, 3e6), min_size=1, max_size=30),
    cameras=st.lists(st.booleans(), min_size=1, max_size=8),
)
def test_shares_never_add_up_to_more_than_there_is(bps: list[float], cameras: list[bool]) -> None:
    shares = Shares()
    for one in bps:
        given_out = shares.of(one, one, cameras)
        assert sum(share for share, _ in given_out) <= one * (1 + 1e-9)
        assert all(share == 0 for (share, _), used in zip(given_out, cameras, strict=True)
                   if not used)  # fmt: skip


@given(step=st.sampled_from(list(VideoStep)), share_bps=st.floats(0, 1e7))
def test_what_the_encoder_is_asked_for_stays_within_the_step_and_the_share(
    step: VideoStep, share_bps: float
) -> None:
    settings_ = MediaSettings()
    tuning = tuning_of(step, share_bps, settings_, is_top=False)
    assert (tuning is None) == (step not in HEIGHT_PX)
    if tuning is not None:
        assert tuning.bitrate_bps <= min(settings_.bitrate_bps, SPANS[step].most_bps, share_bps + 1)
        assert tuning.fps <= settings_.max_fps


def test_an_encoder_is_opened_anew_only_for_what_differs_clearly() -> None:
    one = tuning_of(MIDDLE, 200_000, MediaSettings(), is_top=False)
    assert is_same(one, tuning_of(MIDDLE, 210_000, MediaSettings(), is_top=False))
    assert not is_same(one, tuning_of(MIDDLE, 260_000, MediaSettings(), is_top=False))
    assert not is_same(one, tuning_of(SMALL, 200_000, MediaSettings(), is_top=False))
    assert not is_same(one, None)


def test_a_camera_s_own_lines_say_where_nothing_is_given_up() -> None:
    found = [top_step(lines, 2_500_000) for lines in (None, 144, 360, 480, 720, 1048, 1080, 2160)]
    assert found == [VideoStep.FULL_HD, MIDDLE, MIDDLE, HD, HD] + [VideoStep.FULL_HD] * 3
    assert [top_step(1080, most_bps) for most_bps in (100_000, 800_000, 2_000_000)] == [
        MIDDLE,
        HD,
        VideoStep.FULL_HD,
    ]


def test_the_drive_s_own_words() -> None:
    driven = Drive(steps=[(0.0, HD), (31.0, MIDDLE), (32.0, SMALL), (50.0, HD)])
    assert driven.first_below(HD, after_s=30) == 1
    assert driven.reached(HD, after_s=45) == 5
    assert {driven.step_at(40)} < BELOW_HD
    assert NONE is LADDER[-1]


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
