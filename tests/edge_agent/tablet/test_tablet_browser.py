"""The tablet in a browser: ring in two taps, a drug read back by its keys, given and on record."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from protocols.live import AdviceChanged
from protocols.messages import (
    Called,
    DirectoryOrder,
    PersonEntry,
    Present,
    RingSeen,
    RoomOrder,
    TeamEntry,
)
from tests.edge_agent.cab import Cab
from tests.edge_agent.tablet.standing import PIN, Tablet, standing
from tests.running.chromium import BUSY_MS, CHROMIUM, chromium, in_both_languages, page_of

pytestmark = [
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs Debian's chromium"),
    pytest.mark.timeout(300),
]
FAR_US = 10**12


@pytest.fixture
async def tablet(tmp_path: Path) -> AsyncIterator[Tablet]:
    async with standing(tmp_path) as made:
        yield made


async def test_a_crew_rings_talks_and_reads_a_drug_back(tablet: Tablet) -> None:
    vehicle = tablet.vehicle
    await vehicle.ordered(directory(vehicle))
    async with chromium() as browser:
        page = await page_of(browser, size=(1280, 800))
        await page.goto(str(tablet.client.base_url))
        await page.get_by_test_id("pin-name").fill("Li Lei")
        await page.get_by_test_id("pin-code").fill(PIN)
        await page.get_by_test_id("pin-submit").click()
        await page.get_by_test_id("tab-help").click()
        await page.get_by_test_id("eta-10").click()
        await page.get_by_test_id("ring-team-chest").click()
        ring = page.get_by_test_id("crew-ring")
        await expect(ring).to_have_attribute("data-state", "waiting", timeout=BUSY_MS)
        await vehicle.ordered(room(vehicle))
        await moves_on(tablet, lambda: vehicle.orders.room.room is not None)
        await expect(ring).to_have_attribute("data-state", "answered", timeout=BUSY_MS)
        await expect(page.get_by_test_id("crew-people")).to_contain_text("Dr Wang")
        await page.get_by_test_id("crew-text").fill("None known")
        await page.get_by_test_id("crew-say").click()
        await expect(page.get_by_test_id("crew-texts")).to_contain_text("None known")
        await in_both_languages(page, "crew-help")
        await read_back(tablet, page)


async def read_back(tablet: Tablet, page: Page) -> None:
    vehicle = tablet.vehicle
    await vehicle.ordered(vehicle.drug())
    await moves_on(tablet, lambda: bool(shown(vehicle)))
    ring = page.get_by_test_id("advice-ring")
    await expect(ring).to_have_attribute("data-kind", "medication", timeout=BUSY_MS)
    for key in "30":
        await page.get_by_test_id(f"dose-key-{key}").click()
    await page.get_by_test_id("read-back-send").click()
    await expect(page.get_by_test_id("read-back-wrong")).to_be_visible()
    await in_both_languages(page, "crew-read-back")
    await page.get_by_test_id("dose-key-0").click()  # it was 30: now 300
    await page.get_by_test_id("read-back-send").click()
    await moves_on(tablet, lambda: shown(vehicle)[0].state == "read_back")
    await page.get_by_test_id("advice-confirm").click()
    await moves_on(tablet, lambda: shown(vehicle)[0].state == "confirmed")
    given = page.get_by_test_id("given-now")
    await expect(given).to_be_visible(timeout=BUSY_MS)
    await in_both_languages(page, "crew-to-give")
    await given.click()
    await moves_on(tablet, lambda: shown(vehicle)[0].state == "administered")
    await expect(given).to_have_count(0, timeout=BUSY_MS)


def shown(vehicle: Cab) -> list[AdviceChanged]:
    return vehicle.orders.advice.shown


async def moves_on(tablet: Tablet, holds: object) -> None:
    """Wait until it holds, and let the tablet's feed tell so: its clock is ours."""
    assert callable(holds)
    await tablet.vehicle.until(holds)
    await tablet.vehicle.clock.advance(1)


def directory(vehicle: Cab) -> DirectoryOrder:
    names = {"chest": "胸痛中心 Chest pain", "stroke": "卒中中心 Stroke"}
    return DirectoryOrder(
        order_id=str(uuid.uuid4()),
        teams=tuple(
            TeamEntry(team_id=key, name=name, team_kind="other", organisation="First Hospital")
            for key, name in names.items()
        ),
        people=(PersonEntry(username="wang", name="Dr Wang", organisation="First Hospital"),),
        given_utc_us=vehicle.clock.utc_us(),
        expires_utc_us=vehicle.clock.utc_us() + FAR_US,
    )


def room(vehicle: Cab) -> RoomOrder:
    [asked] = vehicle.orders.room.waiting
    now_us = vehicle.clock.utc_us()
    calls = (
        Called(name="Dr Chen", organisation="First Hospital", step=0, state="timed_out"),
        Called(name="Dr Wang", organisation="First Hospital", step=1, state="answered"),
    )
    return RoomOrder(
        order_id=str(uuid.uuid4()),
        encounter_id=asked.encounter_id,
        rings=(
            RingSeen(
                ring_id=asked.ring_id, target="胸痛中心 Chest pain", state="answered", calls=calls
            ),
        ),
        people=(
            Present(
                name="Dr Wang", organisation="First Hospital", role="doctor", joined_utc_us=now_us
            ),
        ),
        given_utc_us=now_us,
        expires_utc_us=now_us + FAR_US,
    )
