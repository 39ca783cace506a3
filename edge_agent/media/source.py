"""Where pictures come from: a network camera, a device of this computer, a file played in a loop.

FFmpeg (in PyAV) reads all of them. `rtsp://`, `rtmp://`, `http(s)://`, `udp://`, `tcp://` and
`/dev/video*` come at their own pace; any other text is a file, which is played at its own pace,
too, and begins again at its end.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from protocols.errors import MediaError

_NETWORK: Final = ("rtsp://", "rtsps://", "rtmp://", "http://", "https://", "udp://", "tcp://")
_DEVICE: Final = "/dev/video"
_FALLBACK_FPS: Final = 25.0
_LONGEST_PAUSE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded frame, and when it was (or is to be) shown, monotonic."""

    frame: VideoFrame
    captured_s: float


class CameraLostError(MediaError):
    """The camera cannot be opened, fell silent or ended; open it anew."""

    code = "media.camera_lost"


def is_live(source: str) -> bool:
    """Say whether `source` sets its own pace (else it is a file)."""
    return source.startswith((*_NETWORK, _DEVICE))


def read_pictures(
    source: str,
    *,
    read_timeout_s: float,
    now_s: Callable[[], float],
    ended: threading.Event,
) -> Iterator[Picture]:
    """Yield the pictures of `source` until `ended` is set; a file begins again for ever.

    Blocks, for at most `read_timeout_s` at a time: for a thread.

    Raises:
        CameraLostError: see there.
    """
    container = _open(source, read_timeout_s)
    try:
        if is_live(source):
            yield from _live(container, now_s=now_s, ended=ended)
        else:
            yield from _looped(container, now_s=now_s, ended=ended)
    except (av.FFmpegError, OSError) as err:
        raise CameraLostError(reason=type(err).__name__) from err
    finally:
        container.close()
    if not ended.is_set():
        raise CameraLostError(reason="ended")


def _open(source: str, timeout_s: float) -> InputContainer:
    options = {}
    file_format = None
    if source.startswith("rtsp"):
        options = {"rtsp_transport": "tcp", "fflags": "nobuffer", "flags": "low_delay"}
    elif source.startswith(_DEVICE):
        file_format = "v4l2"
    elif is_live(source):
        options = {"fflags": "nobuffer", "flags": "low_delay", "probesize": "200000"}
    try:
        container = av.open(source, format=file_format, options=options, timeout=timeout_s)
    except (av.FFmpegError, OSError, ValueError) as err:
        raise CameraLostError(reason=type(err).__name__) from err
    if not container.streams.video:
        container.close()
        raise CameraLostError(reason="no video in it")
    container.streams.video[0].thread_type = "SLICE"  # frame threads would hold pictures back
    return container


def _live(
    container: InputContainer, *, now_s: Callable[[], float], ended: threading.Event
) -> Iterator[Picture]:
    for frame in container.decode(video=0):
        if ended.is_set():
            return
        yield Picture(frame, now_s())


def _looped(
    container: InputContainer, *, now_s: Callable[[], float], ended: threading.Event
) -> Iterator[Picture]:
    stream = container.streams.video[0]
    step_s = 1.0 / float(stream.average_rate or _FALLBACK_FPS)
    due_s = now_s()
    while not ended.is_set():
        last_time_s: float | None = None
        pictures = 0
        for frame in container.decode(video=0):
            time_s = frame.time
            if time_s is not None and last_time_s is not None:
                due_s += min(max(0.0, time_s - last_time_s), _LONGEST_PAUSE_S)
            elif pictures:
                due_s += step_s
            last_time_s = time_s
            if ended.wait(max(0.0, due_s - now_s())):
                return
            due_s = max(due_s, now_s() - _LONGEST_PAUSE_S)  # after a long stop: no race to catch up
            pictures += 1
            yield Picture(frame, due_s)
        if not pictures:
            return
        due_s += step_s
        container.seek(0)
