"""How one camera is encoded at one step of the ladder. Pure."""

from dataclasses import dataclass
from typing import Final

from edge_agent.media.ladder import SPANS
from edge_agent.media.settings import MediaSettings
from protocols.video import HEIGHT_PX, VideoStep

_CHANGED: Final = 0.12
"""A rate that differs by less is left as it is: a new one costs a key frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What the encoder is asked for; `height_px` is the most, a smaller camera stays as it is."""

    height_px: int
    fps: float
    bitrate_bps: int


def tuning_of(
    step: VideoStep, share_bps: float, settings: MediaSettings, *, is_top: bool
) -> Tuning | None:
    """Return how a camera with so much of the link is encoded at `step`; None: it does not move.

    `is_top`: nothing is given up, so that frames are as many as the settings allow.
    """
    span = SPANS.get(step)
    if span is None:
        return None
    most_bps = min(span.most_bps, settings.bitrate_bps)
    return Tuning(
        height_px=HEIGHT_PX[step],
        fps=settings.max_fps if is_top else min(settings.max_fps, span.most_fps),
        bitrate_bps=round(min(most_bps, share_bps)),
    )


def top_step(height_px: int | None, most_bps: int) -> VideoStep:
    """Return the step at which a camera of so many lines gives up nothing; None: not known yet.

    `most_bps`: what the settings allow; a step that needs more is not one of this vehicle's.
    """
    steps = [step for step in HEIGHT_PX if step is not VideoStep.SMALL]
    allowed = [step for step in steps if SPANS[step].enter_bps <= most_bps] or [VideoStep.MIDDLE]
    fitting = [step for step in allowed if height_px is not None and HEIGHT_PX[step] >= height_px]
    return fitting[-1] if fitting else allowed[0]


def is_same(one: Tuning | None, other: Tuning | None) -> bool:
    """Say whether an encoder for `one` will do for `other`."""
    if one is None or other is None:
        return one is other
    is_alike = (one.height_px, one.fps) == (other.height_px, other.fps)
    return is_alike and abs(one.bitrate_bps - other.bitrate_bps) < _CHANGED * one.bitrate_bps
