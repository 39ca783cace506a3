"""Cameras for tests: a file, and a network camera that can be unplugged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import av
import numpy as np

from firmware_sim.camera.frames import SyntheticScene
from firmware_sim.camera.server import RtspCamera
from protocols.runtime.clock import SystemClock

LEVELS = 10
"""A test film steps through this many greys, one a picture, so that each can be told."""


def grey(index: int) -> int:
    return 40 + 16 * (index % LEVELS)


def write_film(
    path: Path, *, width: int = 320, height: int = 180, fps: int = 15, pictures: int = 30
) -> Path:
    """Write a film of plain greys."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "g": "15"}
        for index in range(pictures):
            image = np.full((height * 3 // 2, width), 128, dtype=np.uint8)
            image[:height] = grey(index)
            frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@asynccontextmanager
async def network_camera(*, port: int = 0, fps: int = 15) -> AsyncIterator[RtspCamera]:
    """Run a camera that speaks RTSP, with the time in its pictures."""
    camera = RtspCamera(
        source=SyntheticScene(name="test", width=320, height=180, fps=fps),
        clock=SystemClock(),
        seed=1,
        port=port,
        timecode=True,
    )
    await camera.start()
    running = asyncio.create_task(camera.run())
    try:
        yield camera
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await camera.close()
