"""A watch on the picture itself: covered, dark, blurred, frozen is told, not found out by a doctor.

Theory of operation. Twice a second a picture is made small and grey, and four numbers are taken of
it (`measure`). `Watch`, which is pure, turns them into faults: one is raised once its sign has held
for some seconds, and cleared once it has been gone for two.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from protocols.video import CameraFault

EVERY_S: Final = 0.5
_WIDTH_PX: Final = 160
_DARK: Final = 18.0  # mean brightness, of 255
_UNIFORM: Final = 7.0  # standard deviation of brightness: no scene is so even
_SHARP: Final = (
    0.012  # edges as a share of contrast, in the small picture; see `Measured.sharpness`
)
_SAME: Final = 0.02  # mean change of brightness: a sensor's own noise is more
_RAISE_S: Final = 3.0
_FROZEN_S: Final = 10.0  # a still scene, compressed by its camera, may not change for a while
_CLEAR_S: Final = 2.0

_SIGNS: Final = (
    CameraFault.COVERED,
    CameraFault.DARK,
    CameraFault.BLURRED,
    CameraFault.FROZEN,
)

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One picture in four numbers. Brightness is 0 … 255.

    `sharpness`: the variance of the Laplacian over that of the brightness, so that it does not
    depend on contrast; a picture in focus has 0.05 and more. `change`: mean difference of
    brightness to the picture before; None for the first.
    """

    brightness: float
    contrast: float
    sharpness: float
    change: float | None


def small_grey(frame: VideoFrame) -> Grey:
    """Return `frame` small and grey."""
    height_px = max(2, round(frame.height * _WIDTH_PX / frame.width) // 2 * 2)
    grey = frame.reformat(width=_WIDTH_PX, height=height_px, format="gray").to_ndarray()
    return np.asarray(grey, np.uint8)


def measure(grey: Grey, before: Grey | None) -> Measured:
    """Return the numbers of a small grey picture and its predecessor."""
    brightness, contrast = (float(value[0, 0]) for value in cv2.meanStdDev(grey))
    edges = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    change = None
    if before is not None and before.shape == grey.shape:
        change = float(cv2.absdiff(grey, before).mean())
    return Measured(
        brightness=brightness,
        contrast=contrast,
        sharpness=edges / (contrast * contrast + 1.0),
        change=change,
    )


def signs_of(seen: Measured) -> frozenset[CameraFault]:
    """Return which faults one picture looks like: at most one of its looks, and if it moves."""
    signs = set()
    if seen.brightness < _DARK:
        signs.add(CameraFault.DARK)
    elif seen.contrast < _UNIFORM:
        signs.add(CameraFault.COVERED)
    elif seen.sharpness < _SHARP:
        signs.add(CameraFault.BLURRED)
    if seen.change is not None and seen.change < _SAME:
        signs.add(CameraFault.FROZEN)
    return frozenset(signs)


class Watch:
    """Remembers since when each sign has held, and since when it has been gone."""

    def __init__(self) -> None:
        self.faults: frozenset[CameraFault] = frozenset()
        self._since_s: dict[CameraFault, float] = {}
        self._gone_s: dict[CameraFault, float] = {}

    def look(self, seen: Measured, now_s: float) -> frozenset[CameraFault]:
        """Take in one picture; return the faults that stand."""
        signs = signs_of(seen)
        for fault in _SIGNS:
            if fault in signs:
                since_s = self._since_s.setdefault(fault, now_s)
                self._gone_s.pop(fault, None)
                if now_s - since_s >= (_FROZEN_S if fault is CameraFault.FROZEN else _RAISE_S):
                    self.faults |= {fault}
            elif fault in self.faults:
                if now_s - self._gone_s.setdefault(fault, now_s) >= _CLEAR_S:
                    self.faults -= {fault}
                    self._since_s.pop(fault, None)
            else:
                self._since_s.pop(fault, None)
        return self.faults


class PictureWatch:
    """Watches one camera's pictures; for the thread that reads them."""

    def __init__(self) -> None:
        self._watch = Watch()
        self._before: Grey | None = None
        self._due_s = float("-inf")

    @property
    def faults(self) -> frozenset[CameraFault]:
        """The faults that stand."""
        return self._watch.faults

    def look(self, frame: VideoFrame, now_s: float) -> bool:
        """Look at `frame` if it is time; return whether the faults have changed."""
        if now_s < self._due_s:
            return False
        self._due_s = now_s + EVERY_S
        known, grey = self._watch.faults, small_grey(frame)
        seen = measure(grey, self._before)
        self._before = grey
        return self._watch.look(seen, now_s) != known
