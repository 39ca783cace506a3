"""Stills: where nothing moves, a JPEG now and then, as records of the link's own stream.

Law: a still uses half of what the readings leave, and none is made while one still waits. Its
parts are short, for a reading may have to wait behind one.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import cv2
from av.video.frame import VideoFrame

from edge_agent.media.camera import Camera
from edge_agent.media.governor import Governor
from edge_agent.media.source import Picture
from edge_agent.uplink.load import LinkLoad
from protocols.clock import Clock
from protocols.errors import MediaError, StorageError
from protocols.ids import CameraId
from protocols.messages import Still
from protocols.messages.clip import MOST_PARTS
from protocols.video import VideoStep

EVERY_S: Final = 5.0
PART_BYTES: Final = 1_000
_LOOK_S: Final = 0.5
_SHARE: Final = 0.5
_LATE_S: Final = 0.3  # a reading waits so much longer than usual: no still now
_LEAST_BYTES: Final = 2_500
_MOST_BYTES: Final = 24_000
_UNMEASURED_BPS: Final = 10_000.0
_OLDEST_S: Final = 2.0  # a picture that the camera gave longer ago is no still of now
_FORMS: Final = ((640, 60), (480, 55), (480, 40), (320, 45), (320, 30), (240, 30), (160, 25))
"""Widths in pixels with JPEG qualities, the best first."""


class KeepStill(Protocol):
    """Accepts the parts of one still."""

    def __call__(self, parts: Sequence[Still], *, age_s: float) -> Awaitable[None]:
        """Record `parts`, of a picture taken so long ago."""
        ...


class Stills:
    """Makes them while `run` runs."""

    def __init__(
        self,
        cameras: Mapping[CameraId, Camera],
        governor: Governor,
        *,
        load: Callable[[], LinkLoad],
        keep: KeepStill,
        clock: Clock,
    ) -> None:
        self._cameras = cameras
        self._governor = governor
        self._load = load
        self._keep = keep
        self._clock = clock
        self._due_s: dict[CameraId, float] = {}

    async def run(self) -> None:
        """Make stills of the cameras at that step, until cancelled."""
        while True:
            await self._clock.sleep(_LOOK_S)
            names = [n for n in self._cameras if self._governor.given(n).step is VideoStep.STILLS]
            budget = budget_bytes(self._governor.left_bps, every_s=EVERY_S / max(1, len(names)))
            for name in names:
                load = self._load()
                is_free = load.stills_waiting == 0 and load.late_s < _LATE_S
                if is_free and self._is_due(name):
                    await self._make(name, self._cameras[name], budget)

    def _is_due(self, name: CameraId) -> bool:
        return self._clock.monotonic_s() >= self._due_s.get(name, float("-inf"))

    async def _make(self, name: CameraId, camera: Camera, most_bytes: int) -> None:
        picture, now_s = camera.latest, self._clock.monotonic_s()
        if picture is None or now_s - picture.captured_s > _OLDEST_S:
            return
        self._due_s[name] = now_s + EVERY_S
        try:
            made = await asyncio.to_thread(_still_of, camera, most_bytes)
            if made is None or camera.is_shut:
                return
            picture, size, jpeg = made
            age_s = self._clock.monotonic_s() - picture.captured_s
            await self._keep(parts_of(name, size, jpeg), age_s=age_s)
        except (MediaError, StorageError):
            return  # the next one is soon due; the journal says itself that it is full


def _still_of(camera: Camera, most_bytes: int) -> tuple[Picture, tuple[int, int], bytes] | None:
    picture = camera.still()
    return None if picture is None else (picture, *jpeg_of(picture.frame, most_bytes))


def budget_bytes(left_bps: float | None, *, every_s: float) -> int:
    """Return how long a still may be where the readings leave so much."""
    bps = _UNMEASURED_BPS if left_bps is None else left_bps
    return int(max(_LEAST_BYTES, min(_MOST_BYTES, _SHARE * bps * every_s / 8)))


def jpeg_of(frame: VideoFrame, most_bytes: int) -> tuple[tuple[int, int], bytes]:
    """Return the size and bytes of the best JPEG of `frame` that is not longer; else the smallest.

    Raises:
        MediaError: it cannot be made.
    """
    made: tuple[tuple[int, int], bytes] | None = None
    for width_px, quality in _FORMS:
        if made is not None and width_px > frame.width:
            continue
        made = _jpeg(frame, min(width_px, frame.width), quality)
        if len(made[1]) <= most_bytes:
            break
    if made is None:
        raise MediaError(reason="jpeg")
    return made


def _jpeg(frame: VideoFrame, width_px: int, quality: int) -> tuple[tuple[int, int], bytes]:
    height_px = max(2, round(frame.height * width_px / frame.width) // 2 * 2)
    image = frame.reformat(width=width_px, height=height_px, format="bgr24").to_ndarray()
    is_made, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not is_made:
        raise MediaError(reason="jpeg")
    return (width_px, height_px), data.tobytes()


def parts_of(camera: CameraId, size: tuple[int, int], jpeg: bytes) -> Sequence[Still]:
    """Return the records that carry `jpeg`."""
    part_bytes = max(PART_BYTES, math.ceil(len(jpeg) / MOST_PARTS))
    pieces = [jpeg[at : at + part_bytes] for at in range(0, len(jpeg), part_bytes)]
    return [
        Still(
            camera=camera,
            width_px=size[0],
            height_px=size[1],
            jpeg=piece,
            part=number if len(pieces) > 1 else None,
            parts=len(pieces) if len(pieces) > 1 else None,
        )
        for number, piece in enumerate(pieces, 1)
    ]
