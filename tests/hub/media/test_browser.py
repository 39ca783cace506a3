"""A browser plays what a vehicle publishes, with everything on loopback."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi.responses import FileResponse
from playwright.async_api import Page, async_playwright

from tests.edge_agent.media.cameras import network_camera
from tests.edge_agent.media.test_service import publishing
from tests.hub.media.peers import Publisher
from tests.hub.media.stand import Stand
from tests.until import until

PAGE = Path(__file__).with_name("watch.html")
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-loopback-in-peer-connection",  # for machines that have no other network
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]

pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason="needs Debian's chromium at /usr/bin/chromium"
)


@pytest.fixture
async def page(hub: Stand) -> AsyncIterator[Page]:
    hub.app.get("/watch")(lambda: FileResponse(PAGE))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = await browser.new_page()
            await page.goto(f"{hub.url}/watch")
            yield page
        finally:
            await browser.close()


async def test_a_browser_decodes_pictures_that_change(hub: Stand, page: Page) -> None:
    publisher = Publisher(hub.http, await hub.token("publish"))
    await publisher.publish(audio=True)
    await publisher.connected()
    await until(hub.is_live)

    token = await hub.token("play")
    joined = await page.evaluate(
        "([path, token]) => play(path, token)", ["/api/v1/media/whep/amb-1/patient", token]
    )

    async def decoded_frames() -> int:
        return int((await page.evaluate("decoded()"))["frames"])

    first = await decoded_frames()
    levels = set()

    async def twenty_more() -> bool:
        levels.add(await page.evaluate("level()"))
        return await decoded_frames() >= first + 20

    await until(twenty_more)
    stats = await page.evaluate("decoded()")
    assert (stats["codec"], stats["width"]) == ("video/H264", 320)
    assert len(levels) > 3, levels
    assert joined["first_picture_ms"] < 3_000, joined
    print("joined", joined, stats)  # noqa: T201 - the figure, with -s
    await publisher.leave()


async def test_a_camera_s_picture_is_shown_within_half_a_second(hub: Stand, page: Page) -> None:
    """By the camera's own clock in the picture: RTSP, vehicle, hub and screen together."""
    async with network_camera() as camera, publishing(hub.url, camera.url):
        await until(hub.is_live)
        token = await hub.token("play")
        path = "/api/v1/media/whep/amb-1/patient"
        await page.evaluate("([path, token]) => play(path, token)", [path, token])
        ages_ms = sorted(await page.evaluate("ages(40)"))
    print("ages of pictures, ms", ages_ms)  # noqa: T201 - the figure, with -s
    assert ages_ms[0] > 0
    assert ages_ms[len(ages_ms) // 2] < 500, ages_ms
