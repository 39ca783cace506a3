"""What one camera gives up as its share of the link shrinks, in steps. Pure.

Theory of operation. `Gate` turns a rate (`edge_agent.media.allowance`, shared out by `shares`) into
a step, one for each camera. A step is entered at a higher rate than it is left, and the rate
between is tried inside the lower step: a link that stays as it is never makes a picture change
back and forth.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from protocols.video import HEIGHT_PX, LADDER, VideoStep


@dataclass(frozen=True, slots=True)
class Span:
    """A step's rates: it is left below `least_bps`, entered at `enter_bps`, and uses no more."""

    least_bps: int
    enter_bps: int
    most_bps: int
    most_fps: float


SPANS: Final = {
    VideoStep.SMALL: Span(40_000, 45_000, 180_000, 6.0),
    VideoStep.MIDDLE: Span(85_000, 170_000, 800_000, 15.0),
    VideoStep.HD: Span(350_000, 700_000, 2_000_000, 30.0),
    VideoStep.FULL_HD: Span(1_000_000, 2_000_000, 4_000_000, 30.0),
}
"""Each step is entered at twice the rate at which it is left, but for the least one."""

_BACK_S: Final = 60.0
_BROKE_IN: Final = 0.6  # so much less than a step needs is another link
_GATE_WAIT_S: Final = 15.0
_GATE_MOST_S: Final = 120.0


class Gate:
    """Which step one camera takes of its share."""

    def __init__(self, top: VideoStep) -> None:
        """`top`: what the camera itself gives; it begins no higher than 360p."""
        self.top = top
        self.step = max(top, VideoStep.MIDDLE, key=LADDER.index)
        self._entered_s = float("-inf")
        self._barred_until_s = float("-inf")
        self._bar_s = _GATE_WAIT_S

    def look(
        self, share_bps: float, proved_bps: float, *, may_stills: bool, now_s: float
    ) -> VideoStep:
        """Return the step for a share of `share_bps`, of which `proved_bps` were carried before."""
        moving = [step for step in HEIGHT_PX if LADDER.index(step) >= LADDER.index(self.top)]
        if share_bps < SPANS[VideoStep.SMALL].least_bps:
            return self._take(VideoStep.STILLS if may_stills else VideoStep.NONE, now_s)
        if self.step is VideoStep.NONE:  # nothing is known to be against the middle
            is_enough = share_bps >= SPANS[VideoStep.MIDDLE].least_bps
            return self._take(VideoStep.MIDDLE if is_enough else VideoStep.SMALL, now_s)
        if self.step not in moving:
            fitting = [step for step in moving if proved_bps >= SPANS[step].enter_bps]
            return self._take(fitting[0] if fitting else VideoStep.SMALL, now_s)
        if share_bps < SPANS[self.step].least_bps:
            self._leave(share_bps, now_s)
        while share_bps < SPANS[self.step].least_bps:
            self.step = LADDER[LADDER.index(self.step) + 1]
        for higher, step in pairwise(moving):
            enough = proved_bps >= SPANS[higher].enter_bps
            if step is self.step and enough and now_s >= self._barred_until_s:
                return self._take(higher, now_s)
        return self.step

    def rest(self) -> None:
        """Give nothing: the camera is not in use."""
        self.step = VideoStep.NONE

    def _leave(self, share_bps: float, now_s: float) -> None:
        """Bar the step where it proved a little too much; where the link broke in, it did not."""
        if share_bps < SPANS[self.step].least_bps * _BROKE_IN:
            self._barred_until_s, self._bar_s = float("-inf"), _GATE_WAIT_S
        elif now_s - self._entered_s < _BACK_S:
            self._barred_until_s = now_s + self._bar_s
            self._bar_s = min(_GATE_MOST_S, self._bar_s * 2)

    def _take(self, step: VideoStep, now_s: float) -> VideoStep:
        if LADDER.index(step) < LADDER.index(self.step):
            self._entered_s = now_s
        self.step = step
        return step
