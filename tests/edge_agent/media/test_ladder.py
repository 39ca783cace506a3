"""Rate and step together: what is given up as a link thins, how fast, and that it never flaps."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.media.allowance import LEAST_BPS
from edge_agent.media.ladder import SPANS, Gate
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
