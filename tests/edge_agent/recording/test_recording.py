"""A real camera recorded: segments follow one another, and say what the hub is to have."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import pytest

from edge_agent.media.camera import Camera
from edge_agent.media.settings import MediaSettings
from edge_agent.media.tuning import Tuning
from edge_agent.recording.recorder import Recorder
from edge_agent.recording.settings import RecordingSettings
from edge_agent.recording.shelf import Segment, Shelf
from protocols.ids import CameraId
from protocols.runtime.clock import SystemClock
from tests.edge_agent.media.cameras import network_camera, write_film
from tests.until import until

ENCOUNTER = "5d3c0a52-90f1-4f5e-8a4e-6a1d0c9b7e21"
SHORT = RecordingSettings(segment_s=2, min_free_bytes=0)
PATIENT = CameraId("patient")
FRAME_US = 40_000  # so long is the last picture of a segment shown


@dataclass
class Vehicle:
    """What a recorder is told, and what it told."""

    shelf: Shelf
    camera: Camera
    encounter: str | None = ENCOUNTER
    is_live: bool = True
    segments: list[Segment] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def kept(self, segment: Segment) -> None:
        self.segments.append(segment)
        self.news.set()

    async def until(self, count: int) -> list[Segment]:
        async with asyncio.timeout(40):
            while len(self.segments) < count:
                self.news.clear()
                await self.news.wait()
        return self.segments


@asynccontextmanager
async def recording(
    folder: Path, source: str, settings: RecordingSettings = SHORT
) -> AsyncIterator[Vehicle]:
    """Record `source`; what was gathered is kept when the body ends."""
    clock = SystemClock()
    camera = Camera(PATIENT, source, MediaSettings(), now_s=clock.monotonic_s, changed=lambda: None)
    vehicle = Vehicle(await asyncio.to_thread(Shelf, folder / "shelf", settings), camera)
    recorder = Recorder(
        camera,
        vehicle.shelf,
        settings,
        clock=clock,
        encounter=lambda: vehicle.encounter,
        is_live=lambda: vehicle.is_live,
        unnoticed_s=6,
        kept=vehicle.kept,
    )
    tasks = [asyncio.create_task(camera.run()), asyncio.create_task(recorder.run())]
    try:
        yield vehicle
    finally:
        for task in reversed(tasks):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        vehicle.shelf.close()


async def test_segments_follow_one_another_without_a_hole(tmp_path: Path) -> None:
    async with network_camera() as camera, recording(tmp_path, camera.url) as vehicle:
        first, second, third = (await vehicle.until(3))[:3]
    for one, other in ((first, second), (second, third)):
        assert abs(other.first_utc_us - one.last_utc_us) < 300_000
        assert 1_900_000 < one.last_utc_us - one.first_utc_us < 8_000_000
    assert all(one.encounter_id == ENCOUNTER and one.is_wanted for one in vehicle.segments)


def sizes(vehicle: Vehicle, segment: Segment) -> set[tuple[int, int]]:
    """Return the sizes of the pictures in `segment`, decoded."""
    with av.open(vehicle.shelf.path(segment.segment)) as film:
        return {(frame.width, frame.height) for frame in film.decode(video=0)}


async def test_each_size_of_picture_has_segments_of_its_own(tmp_path: Path) -> None:
    """The ladder makes pictures smaller and larger; a player is told one size a file."""
    film = write_film(tmp_path / "film.mp4")
    long = RecordingSettings(segment_s=60, min_free_bytes=0)
    async with recording(tmp_path, str(film), long) as vehicle:
        for height_px in (90, 48):
            seen = vehicle.camera.encoded
            vehicle.camera.tune(Tuning(height_px=height_px, fps=15, bitrate_bps=100_000))
            await until(lambda seen=seen: vehicle.camera.encoded >= seen + 20)
        found = [sizes(vehicle, one) for one in await vehicle.until(1)]
    assert all(len(one) == 1 for one in found)


async def test_what_the_link_does_not_carry_is_recorded_as_the_settings_say(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4")
    async with recording(tmp_path, str(film)) as vehicle:
        live = vehicle.camera.subscribe()
        vehicle.camera.tune(Tuning(height_px=48, fps=6, bitrate_bps=45_000))
        await asyncio.wait_for(live.get(), 20)
        vehicle.camera.tune(None)
        live._waiting.clear()
        before = len(vehicle.segments)
        found = (await vehicle.until(before + 3))[before + 2]
        assert (len(live._waiting), sizes(vehicle, found)) == (0, {(320, 180)})
        vehicle.camera.tune(Tuning(height_px=48, fps=6, bitrate_bps=45_000))
        picture = await asyncio.wait_for(live.get(), 20)
    assert (picture.is_key, picture.size[1]) == (True, 48)


async def test_nothing_is_recorded_while_the_shutter_is_closed(tmp_path: Path) -> None:
    long = RecordingSettings(segment_s=60, min_free_bytes=0)
    async with network_camera() as camera, recording(tmp_path, camera.url, long) as vehicle:
        await until(lambda: vehicle.camera.encoded >= 10)
        vehicle.camera.shut(is_shut=True)
        closed_utc_us, encoded = SystemClock().utc_us(), vehicle.camera.encoded
        (before,) = await vehicle.until(1)
        await until(lambda: camera.status()["viewers"] == 0)
        assert vehicle.camera.encoded == encoded
        opened_utc_us = SystemClock().utc_us()
        vehicle.camera.shut(is_shut=False)
        await until(lambda: vehicle.camera.encoded >= encoded + 10)
    (_, after) = vehicle.segments
    assert before.last_utc_us <= closed_utc_us + FRAME_US
    assert after.first_utc_us >= opened_utc_us


async def test_what_was_begun_is_kept_when_recording_ends(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4")
    async with recording(
        tmp_path, str(film), RecordingSettings(segment_s=60, min_free_bytes=0)
    ) as v:
        await until(lambda: v.camera.encoded >= 10)
    assert len(v.segments) == 1


@pytest.mark.parametrize(
    ("upload", "link", "hub"),
    [
        ("all", "up", "has it"),
        ("missed", "up", ""),
        ("missed", "down", "has it"),
        ("none", "down", ""),
    ],
)
async def test_what_the_hub_is_to_have_is_a_setting(
    tmp_path: Path, upload: str, link: str, hub: str
) -> None:
    settings = RecordingSettings.model_validate(
        {"segment_s": 2, "min_free_bytes": 0, "upload": upload}
    )
    film = write_film(tmp_path / "film.mp4")
    async with recording(tmp_path, str(film), settings) as vehicle:
        vehicle.is_live = link == "up"
        (first, *_) = await vehicle.until(1)
    assert (first.was_missed, first.is_wanted) == (link == "down", bool(hub))


async def test_nothing_goes_to_the_hub_of_nobody_s_encounter(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4")
    async with recording(tmp_path, str(film)) as vehicle:
        vehicle.encounter = None
        (first, *_) = await vehicle.until(1)
    assert (first.encounter_id, first.is_wanted) == (None, False)
