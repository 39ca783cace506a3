"""The present 12-lead against one before, on the same paper: below it, and under its curves."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Shoot
from tests.browser.screens import by_id, context, expect_drawn, expect_state, sign_in
from tests.running.demo import RunningDemo

UNIT = "A-001"
LIGHT = "rgb(11, 107, 203)"

BLUE = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let blue = 0;
  for (let at = 0; at < data.length; at += 4)
    if (data[at + 3] > 60 && data[at + 2] > data[at] + 60) blue += 1;
  return blue;
}"""
"""How many pixels of a canvas are as blue as the page of before."""


@pytest.mark.timeout(900)
def test_a_page_that_was_sent_is_held_against_the_present_by_another_doctor(
    demo: RunningDemo, chromium: Browser, shoot: Shoot
) -> None:
    with (
        context(chromium, size=(1440, 900)) as ward,
        context(chromium, size=(1440, 900)) as other,
    ):
        doctor, colleague = ward.new_page(), other.new_page()
        for page in (doctor, colleague):
            sign_in(page, demo, "doctor", path="/doctor/")
            by_id(page, f"unit-row-{UNIT}").click()
            expect_state(page, "ecg-canvas", "live|late")
        expect_drawn(doctor, "ecg-canvas", 0.9)
        by_id(doctor, "ecg-freeze").click()
        frozen = time_in(doctor.locator(".doc-ecg header b, .doc-ecg b.gh-num").first.inner_text())
        by_id(doctor, "ecg-mark").click()
        by_id(doctor, "picture-send").click()
        expect(by_id(doctor, "picture-editor")).to_have_count(0)

        expect(colleague.locator("[data-testid^='advice-item-']").first).to_be_attached()
        colleague.wait_for_timeout(6_000)  # of other beats: the present is another page by then
        by_id(colleague, "ecg-freeze").click()
        choice = by_id(colleague, "ecg-compare")
        sent = choice.locator("option", has_text=re.compile(f"Sent to the crew, {frozen}"))
        expect(sent).to_have_count(1)
        choice.select_option(label=sent.inner_text())
        see_it_below(colleague, frozen, shoot)
        see_it_over(colleague, shoot)
        choice.select_option(index=0)
        expect(by_id(colleague, "ecg-earlier-head")).to_have_count(0)
        assert by_id(colleague, "ecg-canvas").evaluate(BLUE) == 0


def see_it_below(page: Page, frozen: str, shoot: Shoot) -> None:
    """The page of before stands below with its own time, on paper of the same millimetres."""
    expect(by_id(page, "ecg-earlier-head")).to_contain_text(frozen)
    now, before = by_id(page, "ecg-canvas"), by_id(page, "ecg-earlier")
    sizes = [one.evaluate("c => [c.width, c.height, c.clientWidth]") for one in (now, before)]
    assert sizes[0] == sizes[1]
    assert now.evaluate(BLUE) == 0
    in_two_languages(page, shoot, "ecg-below")


def see_it_over(page: Page, shoot: Shoot) -> None:
    """Its curves lie under the present ones; each has its time, and its colour says which is it."""
    by_id(page, "ecg-compare-how").get_by_text(re.compile("Superimposed|重叠")).click()
    expect(by_id(page, "ecg-earlier")).to_have_count(0)
    canvas = by_id(page, "ecg-canvas")
    assert canvas.evaluate(BLUE) > 500
    expect(by_id(page, "ecg-earlier-head").locator("i")).to_have_css("background-color", LIGHT)
    in_two_languages(page, shoot, "ecg-over")
    page.set_viewport_size({"width": 1280, "height": 720})
    in_two_languages(page, shoot, "ecg-over-1280")
    page.set_viewport_size({"width": 1440, "height": 900})


def time_in(text: str) -> str:
    found = re.search(r"\d\d:\d\d:\d\d", text)
    assert found is not None, text
    return found.group()


def in_two_languages(page: Page, shoot: Shoot, name: str) -> None:
    by_id(page, "ecg-canvas").scroll_into_view_if_needed()
    shoot(page, f"{name}-en")
    by_id(page, "lang-switch").click()
    shoot(page, f"{name}-zh")
    by_id(page, "lang-switch").click()
