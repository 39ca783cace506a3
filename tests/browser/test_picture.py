"""A doctor freezes a picture, draws on it and sends it; the crew sees it, and the doctor sees that.

From the doctor's page by hub, broker, agent and tablet, and back; with the link cut between.
"""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Shoot
from tests.browser.screens import by_id, context, expect_drawn, expect_state, sign_in, sign_in_crew
from tests.running.demo import RunningDemo

UNIT = "A-001"
HERE = re.compile("here")

YELLOW = """image => {
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let yellow = 0;
  for (let at = 0; at < data.length; at += 4)
    if (data[at] > 190 && data[at + 1] > 150 && data[at + 2] < 110) yellow += 1;
  return yellow / (data.length / 4);
}"""
"""How much of a picture is as yellow as the pen."""


@pytest.mark.timeout(900)
def test_a_frozen_picture_reaches_the_crew_who_say_that_they_saw_it(
    demo: RunningDemo, chromium: Browser, shoot: Shoot
) -> None:
    with (
        context(chromium, size=(1440, 900)) as ward,
        context(chromium, size=(1440, 900)) as other,
        context(chromium, wide=False) as van,
    ):
        doctor, colleague, tablet = ward.new_page(), other.new_page(), van.new_page()
        for page in (doctor, colleague):
            sign_in(page, demo, "doctor", path="/doctor/")
            by_id(page, f"unit-row-{UNIT}").click()
        sign_in_crew(tablet, demo, UNIT)
        expect_state(doctor, "video-state", "live")

        freeze_and_draw(doctor, shoot)
        by_id(doctor, "picture-caption").fill("Press here")
        by_id(doctor, "picture-send").click()
        expect(by_id(doctor, "picture-editor")).to_have_count(0)

        ring = by_id(tablet, "advice-ring")
        expect(ring).to_have_attribute("data-kind", "picture")
        expect(ring).to_contain_text("Press here")
        image = shown_in(ring)
        assert image.evaluate(YELLOW) > 0.002  # what was drawn is in the picture
        in_two_languages(doctor, shoot, "picture-doctor-sent")
        on_each_tablet(tablet, shoot, "picture-crew-ring")

        item = doctor.locator("[data-testid^='advice-item-']").first
        expect(item).to_have_attribute("data-state", "delivered")
        by_id(tablet, "advice-confirm").click()
        expect(ring).to_have_count(0)
        for page in (doctor, colleague):
            theirs = page.locator("[data-testid^='advice-item-']").first
            expect(theirs).to_have_attribute("data-state", "confirmed")
            expect(theirs).to_contain_text(re.compile("Seen.*Li Lei"))
            shown_in(theirs)
        said = item.locator("[data-said]").evaluate_all("all => all.map(e => e.dataset.said)")
        assert said == ["sent", "delivered", "fetched", "confirmed"]

        see_it_again(tablet, shoot)
        freeze_what_was_recorded(doctor, shoot)


@pytest.mark.timeout(900)
def test_a_picture_sent_while_the_link_is_cut_arrives_once_it_stands(
    demo: RunningDemo, chromium: Browser, shoot: Shoot
) -> None:
    with context(chromium, size=(1280, 720)) as ward, context(chromium, wide=False) as van:
        doctor, tablet = ward.new_page(), van.new_page()
        sign_in(doctor, demo, "doctor", path="/doctor/")
        by_id(doctor, f"unit-row-{UNIT}").click()
        sign_in_crew(tablet, demo, UNIT)
        expect_state(doctor, "ecg-canvas", "live|late")
        expect_drawn(doctor, "ecg-canvas", 0.3)
        by_id(doctor, "ecg-freeze").click()
        by_id(doctor, "ecg-mark").click()
        demo.link(UNIT, "--cut", "0s")
        stroke(doctor, "circle", "red", (0.3, 0.3), (0.5, 0.6))
        in_two_languages(doctor, shoot, "picture-doctor-ecg-1280")
        expect(by_id(tablet, "advice-ring")).to_have_count(0)
        by_id(doctor, "picture-send").click()
        item = doctor.locator("[data-testid^='advice-item-']").first
        expect(item).to_have_attribute("data-state", "sent")
        demo.link(UNIT, "--restore")
        ring = by_id(tablet, "advice-ring")
        expect(ring).to_have_attribute("data-kind", "picture")
        shown_in(ring)
        on_each_tablet(tablet, shoot, "picture-crew-ecg")
        by_id(tablet, "advice-confirm").click()
        expect(item).to_have_attribute("data-state", "confirmed")
        expect(ring).to_have_count(0)


def freeze_what_was_recorded(doctor: Page, shoot: Shoot) -> None:
    """Scrub back, and freeze that: the picture says when it was captured, not when frozen."""
    scrub = by_id(doctor, "recording-scrub")
    expect(doctor.get_by_test_id("piece-film").first).to_be_attached(timeout=180_000)
    scrub.focus()
    doctor.keyboard.press("Home")  # half an hour ago there was nothing: on to the first film
    by_id(doctor, "recorded-next").click()
    expect_state(doctor, "recorded-state", "film")
    doctor.wait_for_function(
        "() => document.querySelector('[data-testid=recorded-player]').readyState >= 2"
    )
    by_id(doctor, "video-freeze").first.click()
    title = doctor.locator(".doc-picture b.gh-num")
    badge = by_id(doctor, "recorded-state").locator(".gh-recorded-badge")
    frozen, shown = (clock_s(one.inner_text()) for one in (title, badge))
    assert abs(frozen - shown) <= 3
    assert clock_s(doctor.evaluate("new Date().toTimeString()")) - frozen > 10
    shoot(doctor, "picture-doctor-recorded-en")
    by_id(doctor, "picture-cancel").click()
    expect(by_id(doctor, "picture-editor")).to_have_count(0)
    by_id(doctor, "recording-live").click()


def clock_s(text: str) -> int:
    """Return the time of day in a text, in seconds."""
    found = re.search(r"(\d\d):(\d\d):(\d\d)", text)
    assert found is not None, text
    hours, minutes, seconds = map(int, found.groups())
    return hours * 3600 + minutes * 60 + seconds


def freeze_and_draw(doctor: Page, shoot: Shoot) -> None:
    by_id(doctor, "video-freeze").first.click()
    board = by_id(doctor, "picture-board")
    expect(board).to_have_attribute("data-marks", "0")
    stroke(doctor, "pen", "yellow", (0.2, 0.2), (0.4, 0.3))
    stroke(doctor, "arrow", "yellow", (0.8, 0.8), (0.55, 0.55))
    stroke(doctor, "circle", "cyan", (0.4, 0.4), (0.6, 0.65))
    stroke(doctor, "circle", "red", (0.1, 0.1), (0.9, 0.9))
    expect(board).to_have_attribute("data-marks", "4")
    by_id(doctor, "picture-undo").click()
    expect(board).to_have_attribute("data-marks", "3")
    touch(doctor, (0.65, 0.2), (0.9, 0.35))
    expect(board).to_have_attribute("data-marks", "4")
    by_id(doctor, "picture-tool-text").click()
    by_id(doctor, "picture-colour-white").click()
    click_at(doctor, (0.1, 0.85))
    by_id(doctor, "picture-words").fill("V2 一肋下")
    doctor.keyboard.press("Enter")
    expect(board).to_have_attribute("data-marks", "5")
    in_two_languages(doctor, shoot, "picture-doctor-draw")
    doctor.set_viewport_size({"width": 1280, "height": 720})
    in_two_languages(doctor, shoot, "picture-doctor-draw-1280")
    doctor.set_viewport_size({"width": 1440, "height": 900})


Place = tuple[float, float]


def at(page: Page, place: Place) -> Place:
    """Return where a place on the board, in parts of it, is on the page."""
    board = by_id(page, "picture-board")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    assert box is not None
    return box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"]


def click_at(page: Page, place: Place) -> None:
    page.mouse.click(*at(page, place))


def stroke(page: Page, tool: str, colour: str, begin: Place, end: Place) -> None:
    by_id(page, f"picture-tool-{tool}").click()
    by_id(page, f"picture-colour-{colour}").click()
    page.mouse.move(*at(page, begin))
    page.mouse.down()
    page.mouse.move(*at(page, end), steps=6)
    page.mouse.up()


def touch(page: Page, begin: Place, end: Place) -> None:
    """Draw with a finger."""
    by_id(page, "picture-tool-pen").click()
    by_id(page, "picture-colour-yellow").click()
    session = page.context.new_cdp_session(page)
    for kind, place in (("touchStart", begin), ("touchMove", end), ("touchEnd", None)):
        points = [] if place is None else [dict(zip("xy", at(page, place), strict=True))]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def shown_in(place: Locator) -> Locator:
    """Return the picture in `place` once it is there and drawn."""
    figure = place.get_by_test_id("sent-picture")
    expect(figure).to_have_attribute("data-standing", HERE)
    image = figure.locator("img")
    expect(image).to_have_js_property("complete", value=True)
    assert image.evaluate("image => image.naturalWidth") >= 320
    return image


def see_it_again(tablet: Page, shoot: Shoot) -> None:
    by_id(tablet, "tab-help").click()
    in_two_languages(tablet, shoot, "picture-crew-list")
    by_id(tablet, "picture-open").first.click()
    shown_in(by_id(tablet, "picture-opened"))
    on_each_tablet(tablet, shoot, "picture-crew-again")
    by_id(tablet, "picture-close").click()
    expect(by_id(tablet, "picture-opened")).to_have_count(0)


def on_each_tablet(tablet: Page, shoot: Shoot, name: str) -> None:
    """See that picture and button are on the screen, however the tablet is held."""
    for width, height in ((800, 1280), (1280, 800)):
        tablet.set_viewport_size({"width": width, "height": height})
        for seen in (by_id(tablet, "sent-picture").first, tablet.locator(".ring button").last):
            expect(seen).to_be_in_viewport(ratio=1)
        in_two_languages(tablet, shoot, f"{name}-{width}")


def in_two_languages(page: Page, shoot: Shoot, name: str) -> None:
    shoot(page, f"{name}-en")
    by_id(page, "lang-switch").click()
    shoot(page, f"{name}-zh")
    by_id(page, "lang-switch").click()
