"""A drive: readings and video share a modem whose rate falls and comes back; all parts are real."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from edge_agent.hub_http import HubAccess
from edge_agent.media.service import MediaService
from edge_agent.media.settings import MediaSettings
from firmware_sim.modem.modem import Modem, ModemSetup, PortPair
from firmware_sim.modem.shape import LinkChange
from hub.media import MediaSettings as HubMediaSettings
from protocols.ids import CameraId, UnitId
from protocols.runtime.clock import SystemClock
from protocols.video import LADDER, VideoStep
from tests.edge_agent.media.readings import Readings, answering
from tests.hub.media.peers import Viewer, loopback_offered
from tests.hub.media.relay import FRONT, free_ports
from tests.hub.media.stand import Stand, stand
from tests.until import until

PATIENT = CameraId("patient")
WIDE = LinkChange(rate_bps=2_000_000, delay_ms=20)


def write_hard_film(path: Path) -> Path:
    """Write a film whose pictures need all the bits that they can have."""
    rng = np.random.default_rng(5)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=15)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "20", "g": "15"}
        for _ in range(45):
            image = rng.integers(60, 200, (270, 320), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="yuv420p")))
        container.mux(stream.encode(None))
    return path


@asynccontextmanager
async def behind_a_modem(hub: Stand, ports: range, far_end: int) -> AsyncIterator[Modem]:
    setup = ModemSetup(
        listen_host=FRONT,
        hub_host="127.0.0.1",
        seed=1,
        tcp=[PortPair(0, hub.port), PortPair(0, far_end)],
        udp=[PortPair(port, port) for port in ports],
    )
    modem = Modem(setup=setup, clock=SystemClock())
    await modem.start()
    running = asyncio.create_task(modem.run())
    try:
        yield modem
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await modem.close()


class Drive:
    """The vehicle on its way, and the steps that it told of."""

    def __init__(self, modem: Modem, film: Path) -> None:
        self.modem = modem
        self.readings = Readings()
        self.steps: list[tuple[float, VideoStep]] = []
        self.service = MediaService(
            MediaSettings(bitrate_bps=600_000),
            {PATIENT: str(film)},
            HubAccess(
                http_url=f"http://{FRONT}:{modem.tcp_ports[0]}",
                unit=UnitId("amb-1"),
                password="right",  # noqa: S106 -- the stand's
            ),
            clock=SystemClock(),
            rng=random.Random(1),
            load=self.readings.load,
            stills=self.readings.record,
            on_change=lambda status: self.steps.append(
                (self.readings.clock.monotonic_s(), status.step)
            ),
        )

    @property
    def step(self) -> VideoStep:
        return self.service.statuses[0].step

    async def at_most(self, step: VideoStep, *, within_s: float) -> float:
        """Return after how long no more than `step` travelled."""
        return await self._took(lambda: LADDER.index(self.step) >= LADDER.index(step), within_s)

    async def at_least(self, step: VideoStep, *, within_s: float) -> float:
        """Return after how long `step` or more travelled."""
        return await self._took(lambda: LADDER.index(self.step) <= LADDER.index(step), within_s)

    async def _took(self, holds: Callable[[], bool], within_s: float) -> float:
        began_s = self.readings.clock.monotonic_s()

        async def looked() -> bool:
            return holds()

        look: Callable[[], Awaitable[bool]] = looked
        await until(look, within_s=within_s)
        return self.readings.clock.monotonic_s() - began_s


@pytest.mark.timeout(240)
async def test_video_gives_way_to_readings_and_comes_back(tmp_path: Path) -> None:
    film, ports = write_hard_film(tmp_path / "hard.mp4"), free_ports(4)
    settings = HubMediaSettings(udp_ports=f"{ports[0]}-{ports[-1]}")
    with loopback_offered():
        async with (
            stand(settings) as hub,
            answering() as far_end,
            behind_a_modem(hub, ports, far_end) as modem,
            contextlib.AsyncExitStack() as stack,
        ):
            drive = Drive(modem, film)
            modem.change(WIDE)
            for work in (
                drive.readings.run(FRONT, modem.tcp_ports[1]),
                drive.service.run(),
            ):
                task = asyncio.create_task(work)
                stack.push_async_callback(asyncio.wait, [task])
                stack.callback(task.cancel)
            await drive.at_least(VideoStep.MIDDLE, within_s=40)
            await until(hub.is_live)
            viewer = Viewer(hub.http, await hub.token("play"))
            await viewer.play()
            await viewer.connected()
            await viewer.pictures(20, within_s=30)

            modem.change(LinkChange(rate_bps=48_000))
            down_s = await drive.at_most(VideoStep.STILLS, within_s=20)
            thin_s = drive.readings.clock.monotonic_s()
            await until(lambda: _have(drive, 2), within_s=40)
            back_s = drive.readings.clock.monotonic_s()
            took = drive.readings.late(since_s=thin_s + 2, until_s=back_s)

            modem.change(WIDE)
            up_s = await drive.at_least(VideoStep.MIDDLE, within_s=60)
            await viewer.pictures(10, within_s=30)
            facts = f"{down_s=:.1f} {up_s=:.1f} {took=} {drive.steps=}"
            assert took[len(took) // 2] < 1.0, facts
            await viewer.leave()


async def _have(drive: Drive, stills: int) -> bool:
    return len(drive.readings.stills) >= stills
