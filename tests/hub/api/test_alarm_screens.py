"""Alarms on the doctor's and the operator's page, in a real browser over a real hub's API."""

import shutil
from collections.abc import AsyncIterator
from typing import Final

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from hub.access.rights import Role
from protocols.messages import Alarm, AlarmPriority
from tests.browser.conftest import FLAGS
from tests.hub.api.stand import Stand
from tests.hub.api.test_alarms import alarm, tell
from tests.hub.consult.clinic import A1, SECOND_US
from tests.hub.vehicle import NOON_US, presence

LOW: Final = "limit.spo2_pct.low"
WITHIN_MS: Final = 60_000
ENDED: Final = alarm(
    "cleared", alarm_id="shock_index.high-9", code="shock_index.high",
    priority=AlarmPriority.MEDIUM, value=0.93, limit=0.9, cause="ended", by="Li Lei",
)  # fmt: skip


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("Chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        await browser.close()


async def opened(browser: Browser, stand: Stand, role: Role, path: str) -> Page:
    context = await browser.new_context(viewport={"width": 1920, "height": 1080}, locale="en-GB")
    context.set_default_timeout(WITHIN_MS)
    cookie = {"name": "gh_session", "value": stand.tokens[role], "url": stand.url}
    await context.add_cookies([cookie])  # type: ignore[list-item]
    page = await context.new_page()
    await page.goto(f"{stand.url}{path}")
    return page


async def say(stand: Stand, *said: Alarm, first_s: int) -> None:
    await tell(stand, *said, first_s=first_s)
    stand.clinic.feed.unit_changed(A1)


@pytest.mark.timeout(300)
async def test_a_doctor_sees_what_stands_what_was_and_what_is_only_last_known(
    stand: Stand, chromium: Browser
) -> None:
    stand.clinic.fleet.presence(A1, presence(stand.clinic.journal))
    await tell(stand, ENDED, alarm("raised"))
    await stand.clinic.clock.advance(3)
    page = await opened(chromium, stand, Role.DOCTOR, "/doctor/")
    await page.get_by_test_id(f"unit-row-{A1}").click()
    row = page.get_by_test_id(f"alarm-{LOW}")
    await expect(row).to_have_attribute("data-priority", "high", timeout=WITHIN_MS)
    await expect(row).to_have_attribute("data-stale", "false", timeout=WITHIN_MS)
    await expect(page.get_by_test_id(f"acknowledge-{LOW}")).to_have_count(0)  # the crew does
    log = page.get_by_test_id("alarm-log-shock_index.high")
    await expect(log).to_have_attribute("data-stands", "false", timeout=WITHIN_MS)
    await expect(log).to_contain_text("acknowledged by Li Lei")
    # nothing is heard of the unit any more: what stood stands, as of then
    await stand.clinic.clock.advance(15)
    stand.clinic.fleet.look_at_links(now_utc_us=stand.clinic.clock.utc_us())
    stand.clinic.feed.unit_changed(A1)
    await expect(row).to_have_attribute("data-stale", "true", timeout=WITHIN_MS)
    await expect(page.get_by_test_id("alarm-stale")).to_be_visible()
    # it comes back and says that it is over
    await say(stand, alarm("cleared", cause="ended"), first_s=20)
    await expect(row).to_have_count(0, timeout=WITHIN_MS)


@pytest.mark.timeout(300)
async def test_an_operator_sees_how_urgent_it_is_worst_first_and_no_value(
    stand: Stand, chromium: Browser
) -> None:
    stand.clinic.fleet.presence(A1, presence(stand.clinic.journal))
    link = alarm(
        "raised", alarm_id="link.lost-2", code="link.lost", priority=AlarmPriority.LOW,
        nature="technical", value=None, limit=None, raised_utc_us=NOON_US + 2 * SECOND_US,
    )  # fmt: skip
    await tell(stand, link, alarm("raised"))
    page = await opened(chromium, stand, Role.OPERATOR, "/operator/")
    bar = page.get_by_test_id("fleet-alarms")
    await expect(bar).to_have_attribute("data-count", "2", timeout=WITHIN_MS)
    rows = page.get_by_test_id(f"fleet-alarm-{A1}")
    await expect(rows.nth(0)).to_have_attribute("data-priority", "high", timeout=WITHIN_MS)
    await expect(rows.nth(0)).to_contain_text("Alarm of the patient")
    await expect(rows.nth(0)).not_to_contain_text("84")
    await expect(rows.nth(1)).to_contain_text("No link to the hub")
    group = page.get_by_test_id("group-alarms")
    await expect(group).to_have_attribute("data-count", "1", timeout=WITHIN_MS)
    await page.get_by_test_id("lang-switch").click()
    await expect(rows.nth(0)).to_contain_text("患者报警", timeout=WITHIN_MS)
