"""The consultation as its people see it: orders read back, rings, the room and its guests."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Shoot
from tests.browser.screens import by_id, context, sign_in, sign_in_crew
from tests.running.demo import RunningDemo

UNIT = "A-001"


@pytest.fixture
def people(demo: RunningDemo, chromium: Browser) -> Iterator[tuple[Page, Page]]:
    """A doctor in the room of the unit, and its crew with a patient in their care."""
    with (
        context(chromium, size=(1920, 1080)) as ward,
        context(chromium, wide=False) as van,
    ):
        doctor, tablet = ward.new_page(), van.new_page()
        sign_in_crew(tablet, demo, UNIT)
        sign_in(doctor, demo, "doctor", path="/doctor/")
        by_id(doctor, f"unit-row-{UNIT}").click()
        yield doctor, tablet


@pytest.mark.timeout(400)
def test_a_drug_is_ordered_read_back_and_given(people: tuple[Page, Page], shoot: Shoot) -> None:
    doctor, tablet = people
    order_aspirin(doctor, "300", remark="chewed, with water")
    ring = by_id(tablet, "advice-ring")
    expect(ring).to_have_attribute("data-kind", "medication")
    expect(by_id(tablet, "drug-dose")).to_have_text("300 mg")
    type_dose(tablet, "30")
    expect(by_id(tablet, "read-back-wrong")).to_be_visible()
    in_both_languages(tablet, shoot, "crew-read-back")
    expect(newest(doctor).locator("[data-said=misread]")).to_have_count(1)
    by_id(tablet, "dose-key-0").click()  # it was 30: now 300
    by_id(tablet, "read-back-send").click()
    expect(ring).to_have_attribute("data-state", "read_back")
    in_both_languages(tablet, shoot, "crew-confirm")
    by_id(tablet, "advice-confirm").click()
    expect(newest(doctor)).to_have_attribute("data-state", "confirmed")
    in_both_languages(tablet, shoot, "crew-to-give")
    by_id(tablet, "given-now").click()
    expect(newest(doctor)).to_have_attribute("data-state", "administered")
    expect(newest(doctor)).to_contain_text("Li Lei")
    expect(tablet.locator("[data-testid^='to-give-']")).to_have_count(0)
    in_both_languages(doctor, shoot, "doctor-order-given")


@pytest.mark.timeout(400)
def test_an_order_beyond_the_usual_needs_a_reason_and_can_be_taken_back(
    people: tuple[Page, Page], shoot: Shoot
) -> None:
    doctor, tablet = people
    pick_aspirin(doctor, "3000")
    form = by_id(doctor, "order-form")
    expect(form).to_have_attribute("data-verdict", "slip")
    expect(by_id(doctor, "order-send")).to_be_disabled()
    by_id(doctor, "order-dose").fill("500")
    expect(form).to_have_attribute("data-verdict", "beyond")
    expect(by_id(doctor, "order-send")).to_be_disabled()
    by_id(doctor, "order-reason").fill("only tablets of 500 mg on board")
    in_both_languages(doctor, shoot, "doctor-order-beyond")
    by_id(doctor, "order-send").click()
    expect(by_id(tablet, "advice-ring")).to_contain_text("only tablets of 500 mg on board")
    newest(doctor).get_by_test_id("advice-withdraw").click()
    expect(newest(doctor)).to_have_attribute("data-state", "withdrawn")
    expect(by_id(tablet, "advice-ring")).to_have_count(0)


def pick_aspirin(doctor: Page, dose: str) -> None:
    by_id(doctor, "advice-mode").get_by_text(re.compile("Drug|药品")).click()
    by_id(doctor, "order-drug").select_option("aspirin")
    by_id(doctor, "order-dose").fill(dose)


def order_aspirin(doctor: Page, dose: str, *, remark: str) -> None:
    pick_aspirin(doctor, dose)
    by_id(doctor, "order-remark").fill(remark)
    by_id(doctor, "order-send").click()


def type_dose(tablet: Page, dose: str) -> None:
    for digit in dose:
        by_id(tablet, f"dose-key-{digit}").click()
    by_id(tablet, "read-back-send").click()


def newest(doctor: Page) -> Locator:
    """The newest advice on the doctor's list."""
    return doctor.locator("[data-testid^='advice-item-']").first


def in_both_languages(page: Page, shoot: Shoot, name: str) -> None:
    """Take a picture of the page in English and in Chinese, and leave it in English."""
    shoot(page, f"{name}-en")
    by_id(page, "lang-switch").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    shoot(page, f"{name}-zh")
    by_id(page, "lang-switch").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
