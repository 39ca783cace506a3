"""The camera opened by third-party clients: FFmpeg through PyAV and OpenCV."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import av
import av.error
import cv2
import numpy as np
import pytest

from firmware_sim.camera import (
    CameraFaultRequest,
    FileScene,
    FrameSource,
    RtspCamera,
    SyntheticScene,
    open_frames,
    read_timecode,
)
from protocols.errors import ConfigError
from protocols.runtime.clock import SystemClock
from tests.until import until


@contextlib.asynccontextmanager
async def running(source: FrameSource, *, timecode: bool = True) -> AsyncIterator[RtspCamera]:
    camera = RtspCamera(source=source, clock=SystemClock(), seed=1, timecode=timecode)
    await camera.start()
    task = asyncio.create_task(camera.run())
    try:
        yield camera
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await camera.close()


LIVE = {
    "rtsp_transport": "tcp", "fflags": "nobuffer", "flags": "low_delay",
    "analyzeduration": "0", "probesize": "32",
}  # fmt: skip
"""What a client that cares for latency asks of FFmpeg."""


def _watch(url: str, count: int, options: dict[str, str] | None = None) -> list[float]:
    """Return the age in ms of each of `count` pictures, by its own time code, as FFmpeg has it."""
    ages: list[float] = []
    with av.open(url, mode="r", options=options or LIVE, timeout=10) as container:
        container.streams.video[0].thread_type = "NONE"
        for frame in container.decode(video=0):
            image = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            utc_ms = read_timecode(image)
            ages.append(float("nan") if utc_ms is None else time.time_ns() / 1e6 - utc_ms)
            if len(ages) == count:
                break
    return ages


async def test_pyav_sees_live_pictures_with_their_time() -> None:
    async with running(SyntheticScene(name="A-001", width=320, height=180)) as camera:
        ages = await asyncio.to_thread(_watch, camera.url, 20)

    assert not any(np.isnan(ages))
    assert min(ages) >= 0
    assert np.median(ages[5:]) < 300


async def test_a_client_that_asks_for_udp_first_comes_to_tcp() -> None:
    async with running(SyntheticScene(name="A-001", width=320, height=180)) as camera:
        options = {"rtsp_transport": "udp+tcp"}
        ages = await asyncio.to_thread(_watch, camera.url, 3, options)

    assert len(ages) == 3


async def test_opencv_opens_it_too() -> None:
    def read(url: str) -> tuple[int, ...]:
        capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG)
        try:
            ok, image = capture.read()
            assert ok
            return tuple(image.shape)
        finally:
            capture.release()

    async with running(SyntheticScene(name="A-001", width=320, height=180)) as camera:
        shape = await asyncio.to_thread(read, camera.url)

    assert shape == (180, 320, 3)


async def test_it_encodes_only_while_somebody_watches() -> None:
    async with running(SyntheticScene(name="A-001", width=320, height=180)) as camera:
        assert camera.status()["pictures"] == 0
        await asyncio.to_thread(_watch, camera.url, 3)
        await until(lambda: camera.status()["viewers"] == 0, within_s=5)
        await until(_still(camera), within_s=5)
        seen = camera.pictures
        await asyncio.to_thread(_watch, camera.url, 3)

        assert camera.pictures > seen >= 3


def _still(camera: RtspCamera) -> Callable[[], bool]:
    """Say whether no picture came for a third of a second."""
    last = {"count": -1, "at_s": 0.0}

    def still() -> bool:
        now_s = time.monotonic()
        if camera.pictures != last["count"]:
            last.update(count=camera.pictures, at_s=now_s)
        return now_s - last["at_s"] > 0.3

    return still


async def test_a_late_viewer_begins_at_once_with_a_key_frame() -> None:
    """Its first packet is a parameter set, within 0.4 s; the group of pictures is 1 s long."""
    async with running(SyntheticScene(name="A-001", width=320, height=180)) as camera:
        watching = asyncio.create_task(asyncio.to_thread(_watch, camera.url, 60))
        await until(lambda: camera.pictures > 3, within_s=5)
        waits_s = []
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", camera.port)
            setup = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
            await _say(reader, writer, f"SETUP {camera.url} RTSP/1.0\r\nCSeq: 1\r\n{setup}\r\n")
            await _say(reader, writer, f"PLAY {camera.url} RTSP/1.0\r\nCSeq: 2\r\n\r\n")
            asked_s = time.monotonic()
            packet = await _rtp_packet(reader)
            waits_s.append(time.monotonic() - asked_s)
            writer.close()
            assert packet[12] & 0x1F == 7
        await watching

    assert max(waits_s) < 0.4


async def _rtp_packet(reader: asyncio.StreamReader) -> bytes:
    """Return the next packet of channel 0; reports on channel 1 are passed over."""
    while True:
        _, channel, high, low = await reader.readexactly(4)
        packet = await reader.readexactly(high << 8 | low)
        if channel == 0:
            return packet


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A file of 10 grey pictures at 10 a second, each brighter than the one before."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(10):
            image = np.full((120, 160, 3), 40 + 20 * number, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def test_a_file_plays_over_and_over_at_its_own_rate(clip: Path) -> None:
    scene = open_frames(str(clip), name="A-001")
    means = [float(scene.read()[:120].mean()) for _ in range(25)]
    scene.close()

    assert scene.fps == 10
    assert scene.label == "recording: clip.mp4"
    assert means[:10] == sorted(means[:10])
    assert means[10:20] == pytest.approx(means[:10], abs=1)


async def test_a_file_from_memory_is_served_with_its_name_in_the_session(clip: Path) -> None:
    def title(url: str) -> str:
        with av.open(url, mode="r", options=LIVE, timeout=10) as container:
            next(container.decode(video=0))
            return container.metadata["title"]

    with clip.open("rb") as file:
        scene = FileScene(file, label="recording: in a car", width=320)
        async with running(scene, timecode=False) as camera:
            assert await asyncio.to_thread(title, camera.url) == "recording: in a car"
            assert camera.status()["size"] == "320x240@10"


@pytest.mark.parametrize("what", ["/dev/video97", "nothing.mp4", __file__])
def test_what_cannot_be_opened_is_a_broken_setting(what: str) -> None:
    with pytest.raises(ConfigError):
        open_frames(what, name="A-001")


async def test_a_camera_without_power_breaks_off_and_refuses() -> None:
    seen = threading.Event()

    def watch_to_the_end(url: str) -> str:
        with av.open(url, mode="r", options=LIVE, timeout=10) as container:
            try:
                for _ in container.decode(video=0):
                    seen.set()
            except av.error.FFmpegError as err:
                return type(err).__name__
            return "end"

    async with running(SyntheticScene(name="A-001", width=320, height=180)) as camera:
        watching = asyncio.create_task(asyncio.to_thread(watch_to_the_end, camera.url))
        await until(seen.is_set, within_s=15)
        camera.break_on_purpose(CameraFaultRequest(off_s=60))
        await asyncio.wait_for(watching, 10)
        with pytest.raises((av.error.FFmpegError, OSError)):
            await asyncio.to_thread(_watch, camera.url, 1)


async def _say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: str) -> str:
    writer.write(request.encode())
    return (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode()


async def test_requests_out_of_order_are_refused_and_do_not_end_the_camera() -> None:
    async with running(SyntheticScene(name="A-001", width=320, height=180)) as camera:
        reader, writer = await asyncio.open_connection("127.0.0.1", camera.port)
        url = camera.url
        answers = [
            await _say(reader, writer, f"PLAY {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
            await _say(reader, writer, f"DESCRIBE {url}x RTSP/1.0\r\nCSeq: 2\r\n\r\n"),
            await _say(reader, writer, "\r\nrubbish\r\n\r\n"),
            await _say(reader, writer, f"JUMP {url} RTSP/1.0\r\nCSeq: 3\r\n\r\n"),
        ]
        writer.write(b"$\x01\x00\x04abcd")
        answers.append(await _say(reader, writer, f"OPTIONS {url} RTSP/1.0\r\nCSeq: 4\r\n\r\n"))
        writer.close()

    assert [text.split()[1] for text in answers] == ["455", "404", "400", "405", "200"]
