"""The consultation as its people see it: a ring, the room, orders read back, and what is left."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Shoot
from tests.browser.screens import by_id, context, sign_in, sign_in_crew
from tests.running.demo import RunningDemo

UNIT = "A-001"
BUSY_MS = 60_000
"""Three screens, a city and other tests may share two cores; nothing here is about speed."""


@pytest.mark.timeout(600)
def test_a_crew_rings_and_doctors_join_write_and_order(
    demo: RunningDemo, chromium: Browser, shoot: Shoot
) -> None:
    with (
        context(chromium, size=(1920, 1080)) as ward,
        context(chromium, size=(1920, 1080)) as lab,
        context(chromium, wide=False) as van,
    ):
        doctor, specialist, tablet = ward.new_page(), lab.new_page(), van.new_page()
        for page in (doctor, specialist, tablet):
            page.set_default_timeout(BUSY_MS)
        sign_in_crew(tablet, demo, UNIT)
        sign_in(doctor, demo, "doctor", path="/doctor/")
        sign_in(specialist, demo, "cardiologist", path="/doctor/")
        for event in ("roll", "arrive", "contact"):
            expect(by_id(tablet, "next-step")).to_have_attribute("data-event", event)
            by_id(tablet, "next-step").click()
        describe_the_patient(tablet)

        ring_the_chest_pain_team(tablet)
        decline(doctor, shoot)
        join(specialist, shoot)
        see_who_came(tablet)
        talk(specialist, tablet)
        by_id(doctor, f"unit-row-{UNIT}").click()
        by_id(doctor, "room-join").click()
        expect(by_id(doctor, "room-person")).to_have_count(2, timeout=BUSY_MS)
        order_read_back_and_give(doctor, tablet, shoot)
        order_beyond_the_usual_and_take_it_back(doctor, tablet, shoot)
        by_id(doctor, "room-leave").click()
        expect(by_id(specialist, "room-person")).to_have_count(1, timeout=BUSY_MS)
        expect(by_id(specialist, "room-record")).to_contain_text("Dr Chen left")
        in_both_languages(specialist, shoot, "doctor-room")


def describe_the_patient(tablet: Page) -> None:
    by_id(tablet, "tab-patient").click()
    tablet.locator(".pat-who").click()
    by_id(tablet, "patient-age").fill("62")
    by_id(tablet, "patient-sex-female").click()
    by_id(tablet, "patient-complaint").fill("Chest pain 40 min")
    by_id(tablet, "patient-save").click()
    expect(by_id(tablet, "patient-save")).to_have_count(0)


def ring_the_chest_pain_team(tablet: Page) -> None:
    by_id(tablet, "tab-help").click()
    by_id(tablet, "eta-10").click()
    by_id(tablet, "ring-team-chest-pain").click()
    ring = by_id(tablet, "crew-ring").first
    expect(ring).to_have_attribute("data-state", "ringing", timeout=BUSY_MS)
    expect(ring).to_contain_text("Dr Chen")


def decline(doctor: Page, shoot: Shoot) -> None:
    line = doctor.locator("[data-testid^='ring-'][data-call=ringing]")
    expect(line).to_contain_text(re.compile(r"Yuexiu 1.*Chest pain 40 min.*F 62.*ETA"))
    in_both_languages(doctor, shoot, "doctor-ring")
    by_id(doctor, "ring-decline").click()
    expect(line).to_have_count(0, timeout=BUSY_MS)


def join(specialist: Page, shoot: Shoot) -> None:
    by_id(specialist, "ring-join").click()
    expect(by_id(specialist, "room-person")).to_contain_text("Dr Wang", timeout=BUSY_MS)
    expect(by_id(specialist, "ring-join")).to_have_count(0, timeout=BUSY_MS)
    shoot(specialist, "doctor-joined")


def see_who_came(tablet: Page) -> None:
    ring = by_id(tablet, "crew-ring").first
    expect(ring).to_have_attribute("data-state", "answered", timeout=BUSY_MS)
    expect(ring.locator("[data-state=declined]")).to_contain_text("Dr Chen")
    expect(ring.locator("[data-state=answered]")).to_contain_text("Dr Wang")
    expect(by_id(tablet, "crew-people")).to_contain_text("Dr Wang")


def talk(specialist: Page, tablet: Page) -> None:
    by_id(specialist, "room-text").fill("Any allergies?")
    by_id(specialist, "room-say").click()
    expect(by_id(tablet, "crew-texts")).to_contain_text("Any allergies?", timeout=BUSY_MS)
    by_id(tablet, "crew-text").fill("None known")
    by_id(tablet, "crew-say").click()
    expect(by_id(specialist, "room-record")).to_contain_text("Li Lei: None known", timeout=BUSY_MS)


def order_read_back_and_give(doctor: Page, tablet: Page, shoot: Shoot) -> None:
    pick_aspirin(doctor, "300")
    by_id(doctor, "order-remark").fill("chewed, with water")
    by_id(doctor, "order-send").click()
    ring = by_id(tablet, "advice-ring")
    expect(ring).to_have_attribute("data-kind", "medication", timeout=BUSY_MS)
    expect(by_id(tablet, "drug-dose")).to_have_text("300 mg")
    for digit in "30":
        by_id(tablet, f"dose-key-{digit}").click()
    by_id(tablet, "read-back-send").click()
    expect(by_id(tablet, "read-back-wrong")).to_be_visible()
    in_both_languages(tablet, shoot, "crew-read-back")
    expect(newest(doctor).locator("[data-said=misread]")).to_have_count(1, timeout=BUSY_MS)
    by_id(tablet, "dose-key-0").click()  # it was 30: now 300
    by_id(tablet, "read-back-send").click()
    expect(ring).to_have_attribute("data-state", "read_back", timeout=BUSY_MS)
    shoot(tablet, "crew-confirm")
    by_id(tablet, "advice-confirm").click()
    becomes(newest(doctor), "confirmed")
    in_both_languages(tablet, shoot, "crew-help")
    by_id(tablet, "given-now").click()
    becomes(newest(doctor), "administered")
    expect(newest(doctor)).to_contain_text("Li Lei")
    expect(tablet.locator("[data-testid^='to-give-']")).to_have_count(0)
    in_both_languages(doctor, shoot, "doctor-order-given")


def order_beyond_the_usual_and_take_it_back(doctor: Page, tablet: Page, shoot: Shoot) -> None:
    pick_aspirin(doctor, "3000")
    form, send = by_id(doctor, "order-form"), by_id(doctor, "order-send")
    expect(form).to_have_attribute("data-verdict", "slip")
    expect(send).to_be_disabled()
    by_id(doctor, "order-dose").fill("500")
    expect(form).to_have_attribute("data-verdict", "beyond")
    expect(send).to_be_disabled()
    by_id(doctor, "order-reason").fill("only tablets of 500 mg on board")
    shoot(doctor, "doctor-order-beyond")
    send.click()
    ring = by_id(tablet, "advice-ring")
    expect(ring).to_contain_text("only tablets of 500 mg on board", timeout=BUSY_MS)
    newest(doctor).get_by_test_id("advice-withdraw").click()
    becomes(newest(doctor), "withdrawn")
    expect(ring).to_have_count(0)


def pick_aspirin(doctor: Page, dose: str) -> None:
    by_id(doctor, "advice-mode").get_by_text(re.compile("Drug|药品")).click()
    by_id(doctor, "order-drug").select_option("aspirin")
    by_id(doctor, "order-dose").fill(dose)


def newest(doctor: Page) -> Locator:
    """The newest advice on the doctor's list."""
    return doctor.locator("[data-testid^='advice-item-']").first


def becomes(advice: Locator, state: str) -> None:
    expect(advice).to_have_attribute("data-state", state, timeout=BUSY_MS)


def in_both_languages(page: Page, shoot: Shoot, name: str) -> None:
    """Take a picture of the page in English and in Chinese, and leave it in English."""
    shoot(page, f"{name}-en")
    by_id(page, "lang-switch").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    shoot(page, f"{name}-zh")
    by_id(page, "lang-switch").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
