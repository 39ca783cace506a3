"""Where faces are between two looks for them. Pure.

A face that was found is followed: it goes on as it went, and its box grows with every picture in
which nobody has looked. One that is not found again stays covered for a while: rather too much is
hidden than a face shown for one picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

_MARGIN: Final = 0.3  # of a face's own size, added on each side: hair, chin, ears
_GROWTH_PER_S: Final = 0.8  # of its size, on each side, for each second without a look
_KEPT_S: Final = 1.0
_SAME: Final = 0.15  # overlap (intersection over union) of one face in two looks
_MOST: Final = 64


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, in pixels; the right and lower edges are outside."""

    left: float
    top: float
    right: float
    bottom: float

    def moved(self, dx: float, dy: float) -> "Box":
        """Return the box so much further right and down."""
        return Box(self.left + dx, self.top + dy, self.right + dx, self.bottom + dy)

    def grown(self, share: float) -> "Box":
        """Return the box with `share` of its size added on each side."""
        dx, dy = (self.right - self.left) * share, (self.bottom - self.top) * share
        return Box(self.left - dx, self.top - dy, self.right + dx, self.bottom + dy)

    def overlap(self, other: "Box") -> float:
        """Return intersection over union, 0 … 1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        return width * height / (self.area + other.area - width * height)

    @property
    def area(self) -> float:
        """How many pixels it has."""
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


@dataclass(frozen=True, slots=True)
class _Track:
    box: Box
    found_s: float
    dx_per_s: float = 0.0
    dy_per_s: float = 0.0

    def at(self, now_s: float) -> Box:
        passed_s = max(0.0, now_s - self.found_s)
        return self.box.moved(self.dx_per_s * passed_s, self.dy_per_s * passed_s)


class FaceTracks:
    """The faces of one camera."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []

    def found(self, boxes: Sequence[Box], now_s: float) -> None:
        """Take in a look: every face that was found."""
        before = [track for track in self._tracks if now_s - track.found_s < _KEPT_S]
        tracks: list[_Track] = []
        for box in boxes[:_MOST]:
            same = max(before, key=lambda one: one.at(now_s).overlap(box), default=None)
            if same is None or same.at(now_s).overlap(box) < _SAME:
                tracks.append(_Track(box, now_s))
                continue
            before.remove(same)
            tracks.append(_followed(same, box, now_s))
        self._tracks = [*tracks, *before][:_MOST]

    def covered(self, now_s: float) -> list[Box]:
        """Return what is to be hidden in the picture of `now_s`."""
        self._tracks = [track for track in self._tracks if now_s - track.found_s < _KEPT_S]
        return [
            track.at(now_s).grown(_MARGIN + _GROWTH_PER_S * max(0.0, now_s - track.found_s))
            for track in self._tracks
        ]


def _followed(before: _Track, box: Box, now_s: float) -> _Track:
    passed_s = now_s - before.found_s
    if passed_s <= 0:
        return replace(before, box=box)
    (x0, y0), (x1, y1) = before.box.centre, box.centre
    return _Track(box, now_s, (x1 - x0) / passed_s, (y1 - y0) / passed_s)
