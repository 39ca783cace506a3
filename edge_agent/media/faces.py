"""Faces are hidden before a picture is encoded: found by a network, followed between, pixelated.

Law: a picture that should have been blurred and could not be is not sent. Whoever calls gets a
picture with its faces hidden, or an error.
"""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from edge_agent.media.facemodel import FaceModelError, read_model
from edge_agent.media.tracks import Box, FaceTracks
from protocols.errors import MediaError

_STRIDE: Final = 4  # pixels of the picture in one of the network's output
_MULTIPLE: Final = 32  # the network takes sides of these
_LEAST_SCORE: Final = 0.35
_SAME: Final = 0.3  # overlap of two finds of one face
_OUTPUTS: Final = ("537", "538", "539", "540")  # how sure, how large, where exactly, landmarks
_BLOCKS: Final = 6  # a face is this many blocks wide: nobody is known by so few

Plane = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


class FaceFinder:
    """Finds faces in pictures that were made `width_px` wide; for one thread."""

    def __init__(self, model: bytes, *, width_px: int) -> None:
        """Load the network.

        Raises:
            FaceModelError: OpenCV cannot use it.
        """
        self._width_px = width_px
        try:
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        except cv2.error as err:
            raise FaceModelError(reason="OpenCV cannot read the face model") from err

    def find(self, frame: VideoFrame) -> list[Box]:
        """Return where faces are, in pixels of `frame`.

        Raises:
            MediaError: the network failed.
        """
        width = max(_MULTIPLE, min(self._width_px, frame.width) // _MULTIPLE * _MULTIPLE)
        height = max(_MULTIPLE, round(frame.height * width / frame.width / _MULTIPLE) * _MULTIPLE)
        image = frame.reformat(width=width, height=height, format="bgr24").to_ndarray()
        blob = cv2.dnn.blobFromImage(image, 1.0, (width, height), (0, 0, 0), swapRB=True)
        try:
            self._net.setInput(blob)
            sure, size, offset, _ = self._net.forward(list(_OUTPUTS))
        except cv2.error as err:
            raise MediaError(reason="the face network failed") from err
        found = boxes_of(np.asarray(sure), np.asarray(size), np.asarray(offset))
        across, down = frame.width / width, frame.height / height
        return [
            Box(box.left * across, box.top * down, box.right * across, box.bottom * down)
            for box in found
        ]


def boxes_of(sure: Floats, size: Floats, offset: Floats) -> list[Box]:
    """Return the boxes in the network's outputs (1 × channels × rows × columns), the surest first.

    Source: arXiv:1911.03599, 3.2: a peak of the heat map is a face's centre, corrected by an
    offset; its height and width are exponentials, in strides.
    """
    rows, columns = np.where(sure[0, 0] > _LEAST_SCORE)
    found: list[tuple[float, Box]] = []
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        height = float(np.exp(size[0, 0, row, column])) * _STRIDE
        width = float(np.exp(size[0, 1, row, column])) * _STRIDE
        y = (row + float(offset[0, 0, row, column]) + 0.5) * _STRIDE
        x = (column + float(offset[0, 1, row, column]) + 0.5) * _STRIDE
        box = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        found.append((float(sure[0, 0, row, column]), box))
    kept: list[Box] = []
    for _, box in sorted(found, key=lambda one: -one[0]):
        if all(box.overlap(other) < _SAME for other in kept):
            kept.append(box)
    return kept


class FaceBlur:
    """Hides the faces of one camera's pictures; looks for them in every `every`-th. One thread."""

    def __init__(self, folder: Path, *, width_px: int, every: int) -> None:
        """Load the model of `folder`.

        Raises:
            FaceModelError: there is none that can be used.
        """
        self._finder = FaceFinder(read_model(folder), width_px=width_px)
        self._every = every
        self._count = 0
        self._tracks = FaceTracks()

    def blurred(self, frame: VideoFrame, now_s: float) -> VideoFrame:
        """Return `frame` with its faces hidden; the same frame where there are none.

        Raises:
            MediaError: the network failed; the picture must not be shown.
        """
        if self._count % self._every == 0:
            self._tracks.found(self._finder.find(frame), now_s)
        self._count += 1
        covered = self._tracks.covered(now_s)
        return pixelated(frame, covered) if covered else frame


def pixelated(frame: VideoFrame, boxes: list[Box]) -> VideoFrame:
    """Return a copy of `frame` (YUV 4:2:0) in which nothing within `boxes` can be made out."""
    whole = frame.reformat(format="yuv420p").to_ndarray()
    image = np.ascontiguousarray(whole, dtype=np.uint8).reshape(-1)
    width, height = frame.width, frame.height
    luma = width * height
    planes = [
        (image[:luma].reshape(height, width), 1),
        (image[luma : luma + luma // 4].reshape(height // 2, width // 2), 2),
        (image[luma + luma // 4 :].reshape(height // 2, width // 2), 2),
    ]
    for box in boxes:
        for plane, divisor in planes:
            _hide(plane, box, divisor)
    hidden = VideoFrame.from_ndarray(image.reshape(height * 3 // 2, width), format="yuv420p")
    if frame.time_base is not None:
        hidden.pts, hidden.time_base = frame.pts, frame.time_base
    return hidden


def _hide(plane: Plane, box: Box, divisor: int) -> None:
    rows, columns = plane.shape
    top, bottom = max(0, int(box.top / divisor)), min(rows, int(box.bottom / divisor) + 1)
    left, right = max(0, int(box.left / divisor)), min(columns, int(box.right / divisor) + 1)
    if bottom - top < 1 or right - left < 1:
        return
    part = plane[top:bottom, left:right]
    blocks = (min(_BLOCKS, right - left), min(_BLOCKS, bottom - top))
    coarse = cv2.resize(part, blocks, interpolation=cv2.INTER_AREA)
    size = (right - left, bottom - top)
    plane[top:bottom, left:right] = cv2.resize(coarse, size, interpolation=cv2.INTER_NEAREST)
