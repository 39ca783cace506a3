"""A link as the ladder meets it, in virtual time: one queue for readings and video, tail drop.

Readings are few and small; each waits behind what is queued. Feedback on the video comes as from
the hub: a report on losses about once a second, and what arrives as soon as a queue builds up.
"""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from edge_agent.media.allowance import LOOK_S, Allowance, Evidence
from edge_agent.media.ladder import Gate
from protocols.video import HEIGHT_PX, LADDER, VideoStep

QUEUE_S = 0.4
LEAST_QUEUE_BITS = 8 * 4 * 1440
READINGS_BPS = 26_000.0
STILL_BITS = 8 * 6_000.0
WINDOW_BITS = 8 * 2_048.0  # what a link lets be in flight where it is thin


@dataclass
class Drive:
    """What came of a drive: steps by time, how late readings were, how long nothing moved."""

    steps: list[tuple[float, VideoStep]] = field(default_factory=list)
    late: list[tuple[float, float]] = field(default_factory=list)

    def step_at(self, at_s: float) -> VideoStep:
        return [step for when_s, step in self.steps if when_s <= at_s][-1]

    def first_below(self, step: VideoStep, *, after_s: float) -> float:
        """Return how long after `after_s` less than `step` travelled first."""
        return self._first(lambda one: LADDER.index(one) > LADDER.index(step), after_s)

    def reached(self, step: VideoStep, *, after_s: float) -> float:
        """Return how long after `after_s` all of `step` travelled first."""
        return self._first(lambda one: LADDER.index(one) <= LADDER.index(step), after_s)

    def first_moving(self, *, after_s: float) -> float:
        """Return how long after `after_s` something moved first."""
        return self._first(lambda one: one in HEIGHT_PX, after_s)

    def share_later_than(self, limit_s: float) -> float:
        """Return at how much of the time a reading would have been so late."""
        return sum(late_s > limit_s for _, late_s in self.late) / len(self.late)

    def _first(self, holds: Callable[[VideoStep], bool], after_s: float) -> float:
        for (when_s, step), (until_s, _) in pairwise(
            [*self.steps, (float("inf"), self.steps[-1][1])]
        ):
            if until_s > after_s and holds(step):
                return max(0.0, when_s - after_s)
        return float("inf")


def drive(  # noqa: PLR0913, PLR0915 -- what a link and a camera may be like
    capacity_bps: Callable[[float], float],
    *,
    for_s: float,
    seed: int,
    top: VideoStep = VideoStep.HD,
    fills: float = 1.0,
    loss: float = 0.0,
    startled: float = 0.0,
) -> Drive:
    """Drive along a link of `capacity_bps` at each time (0: cut).

    `startled`: of all looks, at how many the receiver's estimate falls for no reason.
    """
    rng = random.Random(seed)
    allowance, gate, drive = Allowance(now_s=0.0), Gate(top), Drive()
    queued = 0.0  # bits
    sent: deque[tuple[float, float, float]] = deque()  # when, offered, dropped
    carried: deque[float] = deque([0.0] * 100, maxlen=round(10 / LOOK_S))
    report_s, waits_s, heard_s, last_reading_s = 0.0, 0.0, 0.0, 0.0
    still_left = 0.0
    step, looks = VideoStep.MIDDLE, round(for_s / LOOK_S)
    for look in range(looks):
        now_s = look * LOOK_S
        rate = capacity_bps(now_s)
        offered = 0.0 if allowance.is_held else allowance.bps * fills * rng.uniform(0.7, 1.3)
        if step in {VideoStep.STILLS, VideoStep.NONE}:
            offered = 0.0
        offered *= LOOK_S
        if step is VideoStep.STILLS and still_left <= 0 and look % round(6 / LOOK_S) == 0:
            still_left = STILL_BITS
        still = min(still_left, max(0.0, WINDOW_BITS - queued + rate * LOOK_S))
        still_left -= still
        room = max(LEAST_QUEUE_BITS, rate * QUEUE_S) + rate * LOOK_S
        readings = READINGS_BPS * LOOK_S + still
        dropped = min(offered, max(0.0, queued + readings + offered - room)) if offered else 0.0
        dropped = max(dropped, offered * loss)
        before = queued
        queued = max(0.0, queued + readings + offered - dropped - rate * LOOK_S)
        sent.append((now_s, offered, dropped))
        while sent[0][0] < now_s - 1.0:
            sent.popleft()
        delay_s = queued / rate if rate else float("inf")
        waits_s = 0.0 if delay_s < 0.02 else min(delay_s, waits_s + LOOK_S)
        if rate:
            heard_s = now_s
            last_reading_s = now_s
            # where the link is not full, what a round trip of 100 ms shows of it
            carried.append(rate if before > WINDOW_BITS / 2 else min(rate, 4_000 * 8 / 0.1))
        else:
            carried.append(0.0)
        share: float | None = None
        estimated: float | None = None
        total = sum(one[1] for one in sent)
        if rate and total and now_s >= report_s:
            report_s = now_s + rng.uniform(0.5, 1.5)
            share = 1 - sum(one[2] for one in sent) / total
        elif rate and total and delay_s > 0.1 and queued > before:
            room_bps = max(0.0, rate - READINGS_BPS)
            estimated = min(1.0, room_bps / (total / min(1.0, now_s + 0.1)))
        elif rate and total and rng.random() < startled:
            estimated = rng.uniform(0.5, 0.8)
        allowance.look(
            Evidence(
                now_s=now_s,
                is_answered=now_s - last_reading_s < 4,
                late_s=waits_s if rate else now_s - last_reading_s,
                queue_s=delay_s if rate else 0.0,
                link_bps=max(carried),
                readings_bps=READINGS_BPS,
                video_bps=total,
                wanted_bps=2_000_000,
                arriving=share,
                estimated=estimated,
                is_heard=now_s - heard_s < 2.5,
            )
        )
        step = gate.look(
            allowance.bps, allowance.proved_bps, may_stills=allowance.is_stills, now_s=now_s
        )
        if not drive.steps or drive.steps[-1][1] is not step:
            drive.steps.append((now_s, step))
        drive.late.append((now_s, delay_s))
    return drive
