"""The room in a browser: one click answers a ring, words go both ways, a link opens one room."""

import asyncio
import contextlib
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from hub.access.rights import Role
from hub.store import accounts, teams
from hub.store.teams import Team
from protocols.messages import EncounterOpened, PatientNote, RingRequest, Said
from tests.hub.api.stand import Stand
from tests.hub.consult.clinic import new_id
from tests.hub.vehicle import NOON_US
from tests.running.chromium import BUSY_MS, CHROMIUM, chromium, in_both_languages, page_of

pytestmark = [
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs Debian's chromium"),
    pytest.mark.timeout(300),
]


async def rung(stand: Stand) -> str:
    """The crew of A-001 rings the chest pain team; the doctor is its first step."""
    colleague = accounts.Account(
        username="wang", display_name="Dr Wang", role=Role.DOCTOR, organisation="First Hospital",
        password_argon2="-",  # noqa: S106 -- nobody signs in
    )  # fmt: skip
    await accounts.add(stand.clinic.pool, colleague, replace=False, now_utc_us=NOON_US)
    await teams.put(
        stand.clinic.pool,
        Team(
            team_id="chest", name="胸痛中心 Chest pain", kind="chest_pain",
            organisation="First Hospital", steps=(("doctor",), ("wang",)),
        ),
    )  # fmt: skip
    opened = EncounterOpened(encounter_id=new_id())
    note = PatientNote(
        encounter_id=opened.encounter_id, sex="female", age_years=62, complaint="胸痛 40 分钟",
        by="Li Lei",
    )  # fmt: skip
    ring = RingRequest(
        ring_id=new_id(), encounter_id=opened.encounter_id, team_id="chest", by="Li Lei",
        eta_utc_us=NOON_US + 660_000_000,
    )  # fmt: skip
    for at_s, message in enumerate((opened, note, ring)):
        await stand.clinic.hear(message, at_s=at_s)
    return opened.encounter_id


async def test_one_click_joins_and_a_guest_is_let_in_and_put_out(stand: Stand) -> None:
    encounter_id = await rung(stand)
    running = asyncio.create_task(stand.clinic.consult.run())
    try:
        async with chromium() as browser:
            session = {"gh_session": (stand.tokens[Role.DOCTOR], stand.url)}
            doctor = await page_of(browser, size=(1920, 1080), cookies=session)
            guest = await page_of(browser, size=(1920, 1080))
            await doctor.goto(f"{stand.url}/doctor/")
            await join(doctor)
            await talk(stand, doctor, encounter_id)
            link = await invite(doctor)
            await guest.goto(link)
            await expect(guest.get_by_test_id("room-person")).to_have_count(2, timeout=BUSY_MS)
            assert link.rpartition("/")[2] not in guest.url  # nor in the browser's history
            await in_both_languages(guest, "guest-room")
            await in_both_languages(doctor, "doctor-room")
            await doctor.get_by_test_id("invite").click()
            await doctor.get_by_test_id("guest-revoke").click()
            over = guest.get_by_test_id("guest-over")
            await expect(over).to_be_visible(timeout=BUSY_MS)
            await guest.reload()
            await expect(guest.get_by_text("opens nothing any more")).to_be_visible()
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def join(doctor: Page) -> None:
    line = doctor.get_by_role("alert")
    await expect(line).to_contain_text("胸痛 40 分钟 · F 62 y · ETA", timeout=BUSY_MS)
    await in_both_languages(doctor, "doctor-ring")
    await doctor.get_by_test_id("ring-join").click()
    await expect(doctor.get_by_test_id("room-person")).to_have_count(1, timeout=BUSY_MS)
    await expect(doctor.get_by_test_id("ring-join")).to_have_count(0, timeout=BUSY_MS)
    ring = doctor.get_by_test_id("room-ring")
    await expect(ring).to_have_attribute("data-state", "answered", timeout=BUSY_MS)


async def talk(stand: Stand, doctor: Page, encounter_id: str) -> None:
    record = doctor.get_by_test_id("room-record")
    await doctor.get_by_test_id("room-text").fill("Any allergies?")
    await doctor.get_by_test_id("room-say").click()
    await expect(record).to_contain_text("doctor: Any allergies?", timeout=BUSY_MS)
    said = Said(said_id=new_id(), encounter_id=encounter_id, text="None known 无", by="Li Lei")
    await stand.clinic.hear(said, at_s=9)
    await expect(record).to_contain_text("Li Lei: None known 无", timeout=BUSY_MS)


async def invite(doctor: Page) -> str:
    """Ring a colleague by name, and make a guest's link; return it."""
    await doctor.get_by_test_id("invite").click()
    await doctor.get_by_test_id("invite-doctor-wang").click()
    await doctor.get_by_test_id("guest-name").fill("Prof. Ho")
    await doctor.get_by_test_id("guest-make").click()
    link = await doctor.get_by_test_id("guest-link").text_content()
    await doctor.get_by_test_id("invite-close").click()
    ringing = doctor.get_by_test_id("room-ring").filter(has_text="Dr Wang")
    await expect(ringing.first).to_be_visible()
    return link or ""
