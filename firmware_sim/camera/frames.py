"""Where a camera's pictures come from: a made scene, a file played over and over, a device.

Pictures are YUV 4:2:0 as one array of shape (height × 3 / 2, width): brightness first. Reading may
block (a file is decoded, a device waits for its next picture), so it happens in a thread.
"""

import logging
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import av
import av.container
import av.error
import av.video.stream
import cv2
import numpy as np
import numpy.typing as npt

from protocols.errors import ConfigError

log = logging.getLogger(__name__)

Picture = npt.NDArray[np.uint8]
"""Shape (height × 3 / 2, width)."""

_LEAST_FPS: Final = 1
_MOST_FPS: Final = 60


class FrameSource(Protocol):
    """A camera's sensor. `is_paced`: `read` itself waits for the next picture."""

    width: int
    height: int
    fps: int
    label: str
    is_paced: bool

    def read(self) -> Picture:
        """Return the next picture; the caller owns it."""
        ...

    def close(self) -> None:
        """Release the file or device."""
        ...


class SyntheticScene:
    """A scene that says what it is: a disc on its way over moving bars, and the unit's name."""

    is_paced = False

    def __init__(self, *, name: str, width: int = 640, height: int = 360, fps: int = 15) -> None:
        _even(width, height)
        self.width, self.height, self.fps = width, height, fps
        self.label = "model: synthetic scene"
        self._name = name.encode("ascii", "replace").decode()
        self._count = 0
        ramp = np.linspace(60, 150, width, dtype=np.float64)
        self._base = np.tile(ramp, (height, 1)).astype(np.uint8)

    def read(self) -> Picture:
        """Return the next picture."""
        self._count += 1
        picture = np.full((self.height * 3 // 2, self.width), 128, np.uint8)
        luma = picture[: self.height]
        luma[:] = np.roll(self._base, self._count * 2, axis=1)
        turn = 2 * np.pi * (self._count / self.fps) / 6
        centre = (
            int(self.width * (0.6 + 0.25 * np.cos(turn))),
            int(self.height * (0.6 + 0.2 * np.sin(turn))),
        )
        cv2.circle(luma, centre, self.height // 9, 220, -1)
        scale = self.height / 360
        cv2.putText(luma, f"SIMULATED CAMERA {self._name}",
                    (int(12 * scale), self.height - int(16 * scale)),
                    cv2.FONT_HERSHEY_SIMPLEX, 0.6 * scale, 235, max(1, round(scale)))  # fmt: skip
        return picture

    def close(self) -> None:
        """Nothing to release."""


class FileScene:
    """A video file (or the bytes of one), from the first picture to the last, over and over."""

    is_paced = False

    def __init__(self, file: Path | BinaryIO, *, label: str, width: int | None = None) -> None:
        """Open the file; `width` scales the picture, keeping its shape.

        Raises:
            ConfigError: it cannot be opened, or holds no picture.
        """
        self._file = file
        self._container = self._open()
        stream = self._container.streams.video[0]
        self.width = width or stream.codec_context.width
        self.width -= self.width % 2
        self.height = round(stream.codec_context.height * self.width / stream.codec_context.width)
        self.height -= self.height % 2
        self.fps = _fps(stream)
        self.label = label
        self._frames = self._container.decode(video=0)

    def read(self) -> Picture:
        """Return the next picture.

        Raises:
            ConfigError: the file holds no picture at all.
        """
        for _ in range(2):
            try:
                frame = next(self._frames)
            except (StopIteration, av.error.EOFError):
                self._container.seek(0)
                self._frames = self._container.decode(video=0)
                continue
            frame = frame.reformat(width=self.width, height=self.height, format="yuv420p")
            return np.ascontiguousarray(frame.to_ndarray())
        raise ConfigError(reason="no picture in the video file", label=self.label)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _open(self) -> av.container.InputContainer:
        shown = str(self._file) if isinstance(self._file, Path) else "archive member"
        try:
            file = str(self._file) if isinstance(self._file, Path) else self._file
            container = av.open(file, mode="r")
        except (av.error.FFmpegError, OSError) as err:
            raise ConfigError(reason="cannot open the video file", file=shown) from err
        if not container.streams.video:
            container.close()
            raise ConfigError(reason="no picture in the video file", file=shown)
        return container


class DeviceScene:
    """A real camera by Video4Linux (`/dev/video0`)."""

    is_paced = True

    def __init__(self, device: str, *, width: int = 640, height: int = 480, fps: int = 15) -> None:
        """Open the device.

        Raises:
            ConfigError: it is not there, busy, or cannot do what is asked.
        """
        options = {"video_size": f"{width}x{height}", "framerate": str(fps)}
        try:
            self._container = av.open(device, format="v4l2", options=options)
        except (av.error.FFmpegError, OSError, ValueError) as err:
            raise ConfigError(reason="cannot open the camera device", device=device) from err
        stream = self._container.streams.video[0]
        self.width, self.height = stream.codec_context.width, stream.codec_context.height
        self.width -= self.width % 2
        self.height -= self.height % 2
        self.fps = _fps(stream)
        self.label = f"device: {device}"
        self._frames = self._container.decode(video=0)

    def read(self) -> Picture:
        """Return the next picture, once the device has it."""
        frame = next(self._frames)
        frame = frame.reformat(width=self.width, height=self.height, format="yuv420p")
        return np.ascontiguousarray(frame.to_ndarray())

    def close(self) -> None:
        """Release the device."""
        self._container.close()


def open_frames(
    what: str, *, name: str, width: int | None = None, fps: int | None = None
) -> FrameSource:
    """Return the source that `what` names: `synthetic`, `/dev/video0`, or a video file.

    Raises:
        ConfigError: it cannot be opened.
    """
    if what == "synthetic":
        wide = width or 640
        height = wide * 9 // 16 // 2 * 2
        return SyntheticScene(name=name, width=wide, height=height, fps=fps or 15)
    if what.startswith("/dev/"):
        return DeviceScene(what)
    path = Path(what)
    if not path.is_file():
        raise ConfigError(reason="no such video file", file=what)
    return FileScene(path, label=f"recording: {path.name}", width=width)


def _fps(stream: av.video.stream.VideoStream) -> int:
    rate = stream.average_rate or stream.base_rate or 25
    return max(_LEAST_FPS, min(_MOST_FPS, round(float(rate))))


def _even(width: int, height: int) -> None:
    if width % 2 or height % 2 or width < 64 or height < 48:  # noqa: PLR2004
        raise ConfigError(reason="a picture needs even sides of 64 x 48 or more",
                          width=width, height=height)  # fmt: skip
