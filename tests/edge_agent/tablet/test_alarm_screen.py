"""The tablet's bar of alarms in a real browser over a real journal: seen, by name, and stale."""

import asyncio
import shutil
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from protocols.link import Stream
from protocols.messages import Alarm, DeviceHealth, VitalsReading
from tests.browser.conftest import FLAGS
from tests.edge_agent.cab import cab
from tests.edge_agent.tablet.test_tablet import PIN, Tablet

LOW = "limit.spo2_pct.low"
WITHIN_MS = 60_000
"""Room for a machine that has other things to do; each wait ends with its condition."""


async def flashes_per_s(page: Page) -> float:
    """Return how often the row's colour goes to and fro in a second; 0: it is steady."""
    duration, name = await page.get_by_test_id(f"alarm-{LOW}").evaluate(
        "row => { const style = getComputedStyle(row);"
        " return [parseFloat(style.animationDuration), style.animationName]; }"
    )
    return 0.0 if name == "none" else 1 / float(duration)


@pytest.mark.timeout(300)
async def test_an_alarm_flashes_is_acknowledged_by_name_and_stays_when_the_feed_is_lost(
    tmp_path: Path,
) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    async with cab(tmp_path) as vehicle, async_playwright() as playwright:
        vehicle.devices = [DeviceHealth(name="monitor", state="ok", heard=9)]
        for _ in range(14):
            await vehicle.measured(VitalsReading(spo2_pct=83, pulse_bpm=80))
            await vehicle.alarms.look()
            await vehicle.clock.advance(1.0)
        tablet = Tablet(vehicle)
        serving = asyncio.create_task(tablet.server.run(tablet.app))
        feeding = asyncio.create_task(tablet.feed.run())
        await tablet.server.wait_ready()
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        context.set_default_timeout(WITHIN_MS)
        page = await context.new_page()
        await page.goto(f"http://127.0.0.1:{tablet.server.port}/")
        await page.get_by_test_id("pin-name").fill("Li Lei")
        await page.get_by_test_id("pin-code").fill(PIN)
        await page.get_by_test_id("pin-submit").click()
        row = page.get_by_test_id(f"alarm-{LOW}")
        await expect(row).to_have_attribute("data-priority", "high", timeout=WITHIN_MS)
        await expect(row).to_contain_text("SpO₂ low")
        await expect(row).to_contain_text("83 % · limit 85")
        assert 1.4 <= await flashes_per_s(page) <= 2.8  # IEC 60601-1-8, high priority
        await page.get_by_test_id("alarm-silence").click()
        # what the tablet's state says goes out on the vehicle's clock, which stands still here
        await expect(page.get_by_test_id("alarm-silence")).to_have_attribute(
            "aria-pressed", "true", timeout=WITHIN_MS
        )
        await page.get_by_test_id("tab-patient").click()  # no page hides it
        await page.get_by_test_id(f"acknowledge-{LOW}").click()
        await expect(row).to_have_attribute("data-state", "acknowledged", timeout=WITHIN_MS)
        await expect(row).to_contain_text("Li Lei")
        assert await flashes_per_s(page) == 0
        said = [one for one in await vehicle.said(Stream.ALARM) if isinstance(one, Alarm)]
        assert (said[-1].state, said[-1].by) == ("acknowledged", "Li Lei")
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        bar = page.get_by_test_id("alarm-bar")
        await expect(bar).to_have_attribute("data-stale", "true", timeout=WITHIN_MS)
        await expect(row).to_be_visible()
        await browser.close()
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await tablet.client.aclose()
        await tablet.nobody.aclose()
