"""An alarm as its people see it: from the monitor's wire to tablet, doctor and operator."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Shoot
from tests.browser.screens import by_id, context, sign_in, sign_in_crew
from tests.running.demo import RunningDemo

UNIT = "A-001"
LOW = "alarm-limit.spo2_pct.low"
WITHIN_S = 60
"""Delays of the alarm itself are 3 to 10 s; the rest is room for a busy machine."""

WIDE = {"width": 1920, "height": 1080}


@pytest.mark.timeout(420)
def test_an_alarm_rings_is_seen_by_name_goes_stale_and_ends(
    demo: RunningDemo, chromium: Browser, shoot: Shoot
) -> None:
    with context(chromium) as desk, context(chromium) as ward, context(chromium, wide=False) as van:
        operator, doctor, tablet = desk.new_page(), ward.new_page(), van.new_page()
        for page in (operator, doctor):
            page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        sign_in(operator, demo, "operator", path="/operator/")
        expect(by_id(operator, "map-ready")).to_be_attached()
        sign_in(doctor, demo, "doctor", path="/doctor/")
        by_id(doctor, f"unit-row-{UNIT}").click()
        sign_in_crew(tablet, demo, UNIT)
        by_id(tablet, "tab-patient").click()

        demo.break_device(UNIT, "monitor", {"values": {"spo2": 82}})
        for page in (tablet, doctor):
            has(page, LOW, "data-priority", "high")
            expect(by_id(page, LOW)).to_contain_text("82")
            assert flashes_per_s(page, LOW) == pytest.approx(2.0)  # IEC 60601-1-8: 1.4 to 2.8
        row = by_id(operator, f"fleet-alarm-{UNIT}").first
        expect(row).to_have_attribute("data-priority", "high", timeout=WITHIN_S * 1000)
        expect(row).not_to_contain_text("82")  # an operator may not see the patient
        expect(by_id(doctor, f"acknowledge-{LOW.removeprefix('alarm-')}")).to_have_count(0)
        see_in_both_languages(tablet, doctor, operator, shoot, "alarm")

        by_id(tablet, "alarm-silence").first.click()
        expect(by_id(tablet, "alarm-silence").first).to_have_attribute("aria-pressed", "true")
        by_id(tablet, f"acknowledge-{LOW.removeprefix('alarm-')}").click()
        for page in (tablet, doctor):
            has(page, LOW, "data-state", "acknowledged")
            expect(by_id(page, LOW)).to_contain_text("Li Lei")
            assert flashes_per_s(page, LOW) == 0

        demo.link(UNIT, "--cut", "25s")
        has(doctor, "alarm-bar", "data-stale", "true")
        demo.break_device(UNIT, "monitor", {"values": {"spo2": None}})
        expect(by_id(tablet, LOW)).to_have_count(0, timeout=WITHIN_S * 1000)
        expect(by_id(doctor, LOW)).to_be_visible()  # what is not heard clears nothing
        see_in_both_languages(tablet, doctor, operator, shoot, "alarm-cut")
        expect(by_id(doctor, LOW)).to_have_count(0, timeout=WITHIN_S * 1000)
        ended = by_id(doctor, "alarm-log-limit.spo2_pct.low").first
        expect(ended).to_have_attribute("data-stands", "false", timeout=WITHIN_S * 1000)

        demo.break_device(UNIT, "monitor", {"rhythm": "asystole"})
        has(tablet, "alarm-ecg.asystole", "data-priority", "high")
        has(doctor, "alarm-ecg.asystole", "data-priority", "high")
        see_in_both_languages(tablet, doctor, operator, shoot, "alarm-asystole")
        demo.break_device(UNIT, "monitor", {"rhythm": "own"})
        expect(by_id(tablet, "alarm-ecg.asystole")).to_contain_text(
            re.compile("not yet seen"), timeout=WITHIN_S * 1000
        )
        by_id(tablet, "acknowledge-ecg.asystole").click()
        expect(by_id(tablet, "alarm-ecg.asystole")).to_have_count(0)


def has(page: Page, test_id: str, name: str, value: str) -> None:
    """Wait until the row, unfolded where the bar has folded it away, has that attribute."""
    page.wait_for_function(
        "([id, name, value]) => {"
        " const more = document.querySelector('[data-testid=alarm-more][aria-expanded=false]');"
        " if (more) more.click();"
        " const row = document.querySelector(`[data-testid='${id}']`);"
        " return row !== null && row.getAttribute(name) === value; }",
        arg=[test_id, name, value],
        polling=300,
        timeout=WITHIN_S * 1000,
    )


def flashes_per_s(page: Page, test_id: str) -> float:
    """Return how often the row's colour changes to and fro in a second; 0: it is steady."""
    duration, name = by_id(page, test_id).evaluate(
        "row => { const style = getComputedStyle(row);"
        " return [parseFloat(style.animationDuration), style.animationName]; }"
    )
    return 0.0 if name == "none" else 1 / float(duration)


def see_in_both_languages(
    tablet: Page, doctor: Page, operator: Page, shoot: Shoot, name: str
) -> None:
    for language in ("en", "zh"):
        for page, who in ((tablet, "tablet"), (doctor, "doctor"), (operator, "operator")):
            shoot(page, f"{name}-{who}-{language}")
            by_id(page, "lang-switch").click()
