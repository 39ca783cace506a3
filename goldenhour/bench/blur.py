"""What hiding faces costs, and what it misses; and what the watch on the picture costs.

The recording of a face in a moving car is made 720 lines high, as a vehicle's camera gives it. Each
picture passes as in the agent; then a look with more pixels says where faces are, in what came in
and in what would leave. Times are processor time of this process, one thread of OpenCV.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import av
import cv2
from av.video.frame import VideoFrame

from edge_agent.media.facemodel import read_model
from edge_agent.media.faces import FaceBlur, FaceFinder
from edge_agent.media.settings import MediaSettings
from edge_agent.media.watch import measure as measure_picture
from edge_agent.media.watch import small_grey
from firmware_sim import recordings
from goldenhour.bench.figures import Figure, quantile
from goldenhour.bench.picture import Bar, bars
from protocols.errors import ConfigError

COST_BAR_MS: Final = 20.0
"""Half of what a core has for a picture at 25 a second."""

WATCH_BAR_MS: Final = 2.0
_SIZE: Final = (880, 720)
_FPS: Final = 25.0
_JUDGE_WIDTH_PX: Final = 512
_AVERAGE: Final = "a picture on average, faces looked for in every"


def measure(*, recordings_dir: Path, models_dir: Path, pictures: int) -> list[Figure]:
    """Return the figures.

    Raises:
        ConfigError: the recording is not there.
        FaceModelError: the face model is not there.
    """
    settings = MediaSettings()
    frames = _film(recordings_dir, pictures)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        finder = FaceFinder(read_model(models_dir), width_px=settings.face_width_px)
        judge = FaceFinder(read_model(models_dir), width_px=_JUDGE_WIDTH_PX)
        finder.find(frames[0])  # the first look makes room
        looks = [_timed_ms(lambda frame=frame: finder.find(frame)) for frame in frames[::5]]
        blur = FaceBlur(models_dir, width_px=settings.face_width_px, every=settings.face_every)
        costs, shown = [], []
        for index, frame in enumerate(frames):
            began_s = time.process_time()
            shown.append(blur.blurred(frame, index / _FPS))
            costs.append((time.process_time() - began_s) * 1_000)
        came = sum(bool(judge.find(frame)) for frame in frames)
        left = sum(bool(judge.find(frame)) for frame in shown)
        grey = small_grey(frames[0])
        watch = [
            _timed_ms(lambda frame=frame: measure_picture(small_grey(frame), grey))
            for frame in frames
        ]
    finally:
        cv2.setNumThreads(threads)
    return [
        Figure(name="pictures of 880 × 720", value=len(frames), unit="1"),
        Figure(name="a look for faces, median", value=quantile(looks, 0.5), unit="ms"),
        Figure(
            name=f"{_AVERAGE} {settings.face_every}.",
            value=sum(costs) / len(costs),
            unit="ms",
            bar=COST_BAR_MS,
            peer=quantile(looks, 0.5),
        ),
        Figure(name="pictures with a face, before", value=came, unit="1", bar=len(frames) * 0.9,
               at_least=True),
        Figure(name="pictures with a face, as they leave", value=left, unit="1", bar=0),
        Figure(
            name="a look at the picture itself (covered, dark …), median",
            value=quantile(watch, 0.5),
            unit="ms",
            bar=WATCH_BAR_MS,
        ),
    ]  # fmt: skip


def picture(figures: Sequence[Figure], note: str) -> str:
    """Return the picture of what each part costs."""
    rows = [
        Bar(figure.name, figure.value, is_ours=figure.bar is not None)
        for figure in figures
        if figure.unit == "ms"
    ]
    return bars("What hiding faces costs", "ms", rows, limit=COST_BAR_MS, note=note)


def _timed_ms(work: object) -> float:
    assert callable(work)  # noqa: S101 -- for the type checker
    began_s = time.process_time()
    work()
    return (time.process_time() - began_s) * 1_000


def _film(folder: Path, pictures: int) -> list[VideoFrame]:
    data = recordings.carphone_file(folder)
    if data is None:
        raise ConfigError(
            reason="the recording of a face is not here: goldenhour sim recordings",
            folder=str(folder),
        )
    with av.open(data, mode="r") as container:
        found = [
            frame.reformat(width=_SIZE[0], height=_SIZE[1], format="yuv420p")
            for frame in container.decode(video=0)
        ]
    return [found[index % len(found)] for index in range(pictures)]
