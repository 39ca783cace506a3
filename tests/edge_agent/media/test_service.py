"""Cameras kept published, through lost cameras and lost links: real camera, modem and hub."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from edge_agent.hub_http import HubAccess
from edge_agent.media.service import MediaService
from edge_agent.media.settings import MediaSettings
from edge_agent.media.state import CameraState, CameraStatus
from firmware_sim.camera.server import CameraFaultRequest
from firmware_sim.modem.modem import Modem, ModemSetup, PortPair
from firmware_sim.modem.shape import LinkChange
from hub.media import MediaSettings as HubMediaSettings
from protocols.errors import NotFoundError
from protocols.ids import CameraId, UnitId
from protocols.runtime.clock import SystemClock
from protocols.video import CameraFault, VideoReason, VideoStep
from tests.edge_agent.media.cameras import network_camera, write_film
from tests.hub.media.peers import Viewer, loopback_offered
from tests.hub.media.relay import FRONT, free_ports
from tests.hub.media.stand import Stand, stand
from tests.until import until

PATIENT = CameraId("patient")
RIGHT = "right"


class Watch:
    """A service that runs, and every state it has told of."""

    def __init__(self, service: MediaService, told: list[CameraStatus]) -> None:
        self.service = service
        self.told = told
        self.news = asyncio.Event()

    async def until_state(self, state: CameraState, *, within_s: float = 10) -> CameraStatus:
        async with asyncio.timeout(within_s):
            while self.service.statuses[0].state is not state:
                self.news.clear()
                await self.news.wait()
        return self.service.statuses[0]


@asynccontextmanager
async def publishing(
    url: str, source: str, *, has_right_password: bool = True, **settings: object
) -> AsyncIterator[Watch]:
    told: list[CameraStatus] = []

    def tell(status: CameraStatus) -> None:
        told.append(status)
        watch.news.set()

    service = MediaService(
        MediaSettings.model_validate(settings),
        {PATIENT: source},
        HubAccess(
            http_url=url,
            unit=UnitId("amb-1"),
            password="right" if has_right_password else "wrong",
        ),
        clock=SystemClock(),
        rng=random.Random(1),
        on_change=tell,
    )
    watch = Watch(service, told)
    running = asyncio.create_task(service.run())
    try:
        yield watch
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@asynccontextmanager
async def behind_a_modem(hub: Stand, ports: range) -> AsyncIterator[tuple[Modem, str]]:
    setup = ModemSetup(
        listen_host=FRONT,
        hub_host="127.0.0.1",
        seed=1,
        tcp=[PortPair(0, hub.port)],
        udp=[PortPair(port, port) for port in ports],
    )
    modem = Modem(setup=setup, clock=SystemClock())
    await modem.start()
    running = asyncio.create_task(modem.run())
    try:
        yield modem, f"http://{FRONT}:{modem.tcp_ports[0]}"
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await modem.close()


@pytest.fixture
async def hub() -> AsyncIterator[Stand]:
    with loopback_offered():
        async with stand() as up:
            yield up


async def test_a_file_is_published_and_seen_with_its_changes(hub: Stand, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4")
    async with publishing(hub.url, str(film)) as watch:
        status = await watch.until_state(CameraState.PUBLISHING)
        assert (status.width_px, status.height_px) == (320, 180)
        await until(hub.is_live)
        viewer = Viewer(hub.http, await hub.token("play"))
        await viewer.play()
        await viewer.connected()
        await viewer.pictures(20)
        assert len(set(viewer.levels)) >= 8
        await viewer.leave()
    states = [state for state, _ in groupby(status.state for status in watch.told)]
    assert states[:2] == [CameraState.CONNECTING, CameraState.PUBLISHING]


async def test_nothing_is_left_at_the_hub_when_the_vehicle_stops(
    hub: Stand, tmp_path: Path
) -> None:
    film = write_film(tmp_path / "film.mp4")
    async with publishing(hub.url, str(film)) as watch:
        await watch.until_state(CameraState.PUBLISHING)

    async def is_empty() -> bool:
        return (await hub.process.client.counts()).sessions == 0

    await until(is_empty, within_s=5)


async def test_an_unplugged_camera_is_a_fault_and_comes_back_by_itself(hub: Stand) -> None:
    async with (
        network_camera() as camera,
        publishing(hub.url, camera.url, read_timeout_s=1) as watch,
    ):
        await watch.until_state(CameraState.PUBLISHING)
        camera.break_on_purpose(CameraFaultRequest(off_s=2))
        status = await watch.until_state(CameraState.CAMERA_FAULT)
        assert status.reason
        await watch.until_state(CameraState.PUBLISHING)
        await until(hub.is_live)


async def test_a_wrong_credential_is_told_and_tried_again(hub: Stand, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4")
    async with publishing(hub.url, str(film), has_right_password=False) as watch:
        async with asyncio.timeout(10):
            while watch.service.statuses[0].reason != "hub refuses":
                watch.news.clear()
                await watch.news.wait()
        assert watch.service.statuses[0].state is CameraState.CONNECTING


async def test_after_a_cut_the_picture_is_back_within_eight_seconds() -> None:
    ports = free_ports(4)
    settings = HubMediaSettings(udp_ports=f"{ports[0]}-{ports[-1]}", silence_timeout_s=6)
    with loopback_offered():
        async with (
            stand(settings) as hub,
            behind_a_modem(hub, ports) as (modem, url),
            network_camera() as camera,
            publishing(url, camera.url, stall_timeout_s=3) as watch,
        ):
            await watch.until_state(CameraState.PUBLISHING)
            await until(hub.is_live)
            viewer = Viewer(hub.http, await hub.token("play"))
            await viewer.play()
            await viewer.connected()
            await viewer.pictures(5)

            modem.change(LinkChange(cut_s=0))
            await watch.until_state(CameraState.LOST)

            async def is_stale() -> bool:
                return not await hub.is_live()

            await until(is_stale)
            modem.change(LinkChange(restore=True))
            restored_s = time.monotonic()
            await viewer.pictures(5, within_s=15)
            assert time.monotonic() - restored_s < 8
            assert watch.service.statuses[0].state is CameraState.PUBLISHING
            await viewer.leave()


async def test_with_the_shutter_closed_nothing_is_read_encoded_or_sent(hub: Stand) -> None:
    async with (
        network_camera() as camera,
        publishing(hub.url, camera.url, read_timeout_s=2) as watch,
    ):
        await watch.until_state(CameraState.PUBLISHING)
        viewer = Viewer(hub.http, await hub.token("play"))
        await viewer.play()
        await viewer.connected()
        await viewer.pictures(3)
        inner = watch.service._cameras[PATIENT]

        watch.service.shut(PATIENT, is_shut=True)
        status = await watch.until_state(CameraState.SHUT)
        assert (status.step, status.given_up) == (VideoStep.NONE, VideoReason.SHUTTER)
        encoded = inner.encoded

        async def is_dark() -> bool:
            return not await hub.is_live() and camera.status()["viewers"] == 0

        await until(is_dark, within_s=20)
        assert inner.encoded == encoded
        assert inner.latest is None

        watch.service.shut(PATIENT, is_shut=False)
        await watch.until_state(CameraState.PUBLISHING)
        await viewer.pictures(3, within_s=20)
        assert inner.encoded > encoded
        await viewer.leave()


async def test_a_shutter_of_no_camera_is_refused(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4")
    async with publishing("http://127.0.0.1:9", str(film)) as watch:
        with pytest.raises(NotFoundError):
            watch.service.shut(CameraId("roof"), is_shut=True)


async def test_a_camera_whose_faces_cannot_be_hidden_sends_nothing(
    hub: Stand, tmp_path: Path
) -> None:
    film = write_film(tmp_path / "film.mp4")
    policy: dict[str, Any] = {
        "blur_faces": True,
        "blur_exempt": (),
        "face_model_dir": tmp_path / "none",
    }
    async with publishing(hub.url, str(film), **policy) as watch:
        await watch.until_state(CameraState.PUBLISHING)
        status = watch.service.statuses[0]
        assert status.faults == (CameraFault.NO_FACE_MODEL,)
        assert (status.step, status.given_up) == (VideoStep.NONE, VideoReason.PRIVACY)
        viewer = Viewer(hub.http, await hub.token("play"))
        await viewer.play()
        await viewer.connected()
        with pytest.raises(TimeoutError):
            await viewer.pictures(1, within_s=3)
        inner = watch.service._cameras[PATIENT]
        assert inner.encoded == 0
        assert await asyncio.to_thread(inner.still) is None
        await viewer.leave()


async def test_several_cameras_are_seen_side_by_side_and_shut_one_by_one(
    hub: Stand, tmp_path: Path
) -> None:
    film = write_film(tmp_path / "film.mp4")
    names = [CameraId(name) for name in ("patient", "cabin", "front")]
    service = MediaService(
        MediaSettings(),
        dict.fromkeys(names, str(film)),
        HubAccess(http_url=hub.url, unit=UnitId("amb-1"), password=RIGHT),
        clock=SystemClock(),
        rng=random.Random(1),
    )
    running = asyncio.create_task(service.run())
    try:

        async def live() -> list[str]:
            return [name for name in names if (await hub.camera(camera=name)).get("live")]

        async def all_live() -> bool:
            return await live() == names

        await until(all_live, within_s=30)
        viewers = []
        for name in names:
            viewer = Viewer(hub.http, await hub.token("play", camera=name))
            await viewer.play(f"amb-1/{name}")
            await viewer.connected()
            await viewer.pictures(5, within_s=20)
            viewers.append(viewer)

        service.shut(names[1], is_shut=True)

        async def all_but_one() -> bool:
            return await live() == [names[0], names[2]]

        await until(all_but_one, within_s=20)
        for viewer in (viewers[0], viewers[2]):
            await viewer.pictures(3, within_s=20)
        assert [one.state for one in service.statuses] == [
            CameraState.PUBLISHING,
            CameraState.SHUT,
            CameraState.PUBLISHING,
        ]
        for viewer in viewers:
            await viewer.leave()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
