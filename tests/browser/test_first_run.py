"""The first run, as its people see it: from devices on the wire to doctor, operator and crew."""

import re

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from protocols.dispatch.unit_status import STAMPS, TRANSITIONS, CrewEvent
from tests.browser.conftest import Shoot
from tests.browser.screens import (
    PATIENCE_S,
    by_id,
    context,
    expect_live,
    expect_state,
    frames_shown,
    sign_in,
    sign_in_crew,
)  # fmt: skip
from tests.running.demo import RunningDemo

UNIT = "A-001"
OUTAGE_S = 30
"""Longer than a busy machine's monitor is ever silent by itself."""
DRAWN_LATE_S = 4
"""A busy page shows an age that was true so long ago."""
STALE_S = 5
"""A reading of this age is stale."""
LONGEST_HALT_S = 100
"""Nobody of the simulated city stands for longer: at a red light, or at the end of a drive."""

AFTER = {
    event.value: status.value for moves in TRANSITIONS.values() for event, status in moves.items()
}
RUN = ("roll", "arrive", "contact", "load", "arrive_hospital", "hand_over", "clear")


@pytest.mark.timeout(900)
def test_a_whole_run_with_a_cut_link_advice_and_a_hand_over(
    demo: RunningDemo, chromium: Browser, shoot: Shoot
) -> None:
    with context(chromium) as desk, context(chromium) as ward, context(chromium, wide=False) as van:
        operator, doctor, tablet = desk.new_page(), ward.new_page(), van.new_page()

        sign_in(operator, demo, "operator", path="/operator/")
        see_the_fleet_move(operator, light=int(demo.card["light_units"]))
        sign_in(doctor, demo, "doctor", path="/doctor/")
        by_id(doctor, f"unit-row-{UNIT}").click()
        see_everything_live(doctor)
        sign_in_crew(tablet, demo, UNIT)
        shoot(operator, "operator")
        shoot(doctor, "doctor")
        shoot(tablet, "crew")
        measure_and_compare(doctor, shoot)

        cut_utc_us = now_utc_us(doctor)
        demo.link(UNIT, "--cut", "0s")
        see_it_go_stale(doctor)
        expect_state(operator, f"unit-link-{UNIT}", "lost")
        see_that_its_health_comes_first(operator, shoot)
        see_the_tablet_still_live(tablet)
        expect_outage_drawn(doctor, is_drawn=True)
        shoot(doctor, "doctor-cut")
        shoot(tablet, "crew-cut")
        demo.link(UNIT, "--restore")
        see_everything_live(doctor)
        expect_outage_drawn(doctor, is_drawn=False)
        see_that_none_is_missing(doctor, since_utc_us=cut_utc_us)
        shoot(doctor, "doctor-filled")
        expect_state(tablet, "link-indicator", "live")

        press_on(tablet, operator, doctor, steps=RUN[:4])
        describe_the_patient(tablet, doctor)
        send_advice_and_confirm(doctor, tablet, shoot)
        press_on(tablet, operator, doctor, steps=RUN[4:5])
        hand_over(tablet, doctor, shoot)
        press_on(tablet, operator, doctor, steps=RUN[5:])
        find_the_document(demo)


def see_the_fleet_move(operator: Page, *, light: int) -> None:
    rows = operator.locator("[data-testid^='unit-row-']")
    expect(rows).to_have_count(light + 3)
    for unit in ("A-001", "A-002", "P-001"):
        expect(by_id(operator, f"unit-row-{unit}")).to_be_visible()
    # a machine without a graphics card draws the whole city by itself
    expect(by_id(operator, "map-ready")).to_be_attached(timeout=180_000)
    before = rows.evaluate_all(
        "rows => Object.fromEntries(rows.map("
        " ({ dataset }) => [dataset.testid, dataset.lat + dataset.lon]))"
    )
    assert len(before) == light + 3
    operator.wait_for_function(
        "before => Object.entries(before).every(([id, place]) => {"
        " const { lat, lon } = document.querySelector(`[data-testid=${id}]`).dataset;"
        " return lat && lon && lat + lon !== place; })",
        arg=before,
        timeout=LONGEST_HALT_S * 1000,
    )


def see_everything_live(doctor: Page) -> None:
    for name in ("heart_rate_bpm", "spo2_pct", "respiratory_rate_bpm"):
        expect_live(doctor, name)
    # on two cores that run whole cities a trace may come late; it says so, and goes on
    expect_state(doctor, "ecg-canvas", "live|late")
    expect_traces(doctor)
    expect_state(doctor, "video-state", "live")
    doctor.wait_for_function(
        "first => document.querySelector('[data-testid=video-player]')"
        ".getVideoPlaybackQuality().totalVideoFrames >= first + 20",
        arg=frames_shown(doctor),
    )


def expect_traces(page: Page) -> None:
    """Wait until there is ink in every quarter of the ECG's height: a curve in each row."""
    page.wait_for_function(
        "() => { const canvas = document.querySelector('[data-testid=ecg-canvas]');"
        " const { width, height } = canvas, context = canvas.getContext('2d');"
        " return [0, 1, 2, 3].every((row) => context"
        "   .getImageData(0, row * height / 4, width, height / 4).data"
        "   .some((value, at) => at % 4 === 3 && value > 0)); }",
        polling=250,
    )


def measure_and_compare(doctor: Page, shoot: Shoot) -> None:
    """Freeze the ECG, measure with the calipers by mouse and by keys, hold it against the first."""
    by_id(doctor, "ecg-freeze").click()
    paper = by_id(doctor, "calipers").first
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    assert box is not None
    # the rhythm strip is the last of four rows; the page is 259 mm of paper wide
    mm = box["width"] / 259
    x, y = box["x"] + 60 * mm, box["y"] + box["height"] * 0.9
    doctor.mouse.move(x, y)
    doctor.mouse.down()
    doctor.mouse.move(x + 20 * mm, y - 10 * mm, steps=4)
    doctor.mouse.up()
    reading = by_id(doctor, "caliper-reading")
    expect(reading).to_contain_text(
        re.compile(r"II · (79\d|80\d) ms · 7[45]/min · (0\.9\d|1\.0\d) mV")
    )
    before = reading.inner_text()
    by_id(doctor, "caliper-to").focus()
    doctor.keyboard.press("Shift+ArrowRight")  # 5 mm: 200 ms more
    expect(reading).to_contain_text(re.compile(r"II · (99\d|100\d) ms · (59|60|61)/min"))
    assert reading.inner_text() != before
    by_id(doctor, "caliper-march").click()
    by_id(doctor, "ecg-compare").select_option(index=1)
    expect(by_id(doctor, "ecg-earlier").or_(by_id(doctor, "ecg-earlier-none"))).to_be_attached()
    shoot(doctor, "doctor-calipers")
    by_id(doctor, "ecg-freeze").click()


def see_that_its_health_comes_first(page: Page, shoot: Shoot) -> None:
    """On the fleet's health page the cut unit stands above all that are well, with its streams."""
    by_id(page, "page-health").click()
    first = by_id(page, "fleet-health").get_by_role("row").nth(1)
    expect(first).to_have_attribute("data-testid", f"health-row-{UNIT}")
    expect(first).to_have_attribute("data-severity", "fault")
    first.click()
    received = by_id(page, "stream-vitals").get_by_role("cell").nth(2)
    expect(received).to_have_text(re.compile(r"[1-9]"))
    shoot(page, "health")
    by_id(page, "page-map").click()


def see_it_go_stale(doctor: Page) -> None:
    name = "vitals-heart_rate_bpm"
    expect_state(doctor, "video-state", "lost")
    # a reading is stale when it is 5 s old; the last one may have come just before the cut
    expect(by_id(doctor, name)).to_have_attribute("data-age", "stale")
    assert int(by_id(doctor, f"{name}-age").get_attribute("data-age-s") or "0") >= STALE_S
    see_it_count(doctor, f"{name}-age")
    expect_state(doctor, "ecg-canvas", "stale")


def see_it_count(page: Page, test_id: str) -> None:
    """See an age grow by five seconds, in about as many.

    A page that shares two cores with whole cities draws late and then catches up.
    """
    age = by_id(page, test_id)
    first, began_utc_us = int(age.get_attribute("data-age-s") or "0"), now_utc_us(page)
    page.wait_for_function(
        "([id, due]) => Number(document.querySelector(`[data-testid=${id}]`).dataset.ageS) >= due",
        arg=[test_id, first + 5],
    )
    grown_s = int(age.get_attribute("data-age-s") or "0") - first
    assert grown_s <= (now_utc_us(page) - began_utc_us) / 1e6 + DRAWN_LATE_S


def see_the_tablet_still_live(tablet: Page) -> None:
    expect_state(tablet, "link-indicator", "store-and-forward")
    expect(by_id(tablet, "link-waiting")).not_to_have_attribute("data-records", "0")
    by_id(tablet, "tab-patient").click()
    # whole cities and their screens share two cores here: a page may draw a second late for a while
    expect_live(tablet, "heart_rate_bpm")
    expect_state(tablet, "ecg-canvas", "live|late")
    by_id(tablet, "tab-now").click()


def expect_outage_drawn(doctor: Page, *, is_drawn: bool) -> None:
    """Wait until the trend has, or has not, a hole as long as an outage."""
    doctor.wait_for_function(
        "([outage_s, is_drawn]) => {"
        " const chart = document.querySelector('[data-testid=trend-chart]');"
        " return Number(chart.dataset.longestGapS) >= outage_s === is_drawn; }",
        arg=[OUTAGE_S, is_drawn],
        timeout=PATIENCE_S * 1000,
    )


def now_utc_us(page: Page) -> int:
    return int(page.evaluate("Date.now() * 1000"))


def see_that_none_is_missing(doctor: Page, *, since_utc_us: int) -> None:
    """The hub has each reading since then: the vehicle's own count has no hole."""
    found = doctor.evaluate(
        "async (url) => (await (await fetch(url)).json()).records.map(r => [r.journal, r.seq])",
        f"/api/v1/units/{UNIT}/records?stream=vitals&from_utc_us={since_utc_us}",
    )
    seqs = sorted(seq for _, seq in found)
    assert len({journal for journal, _ in found}) == 1
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def press_on(tablet: Page, operator: Page, doctor: Page, *, steps: tuple[str, ...]) -> None:
    """Press the one button through `steps`; the hub's list and time nodes follow each of them."""
    by_id(tablet, "tab-now").click()
    for event in steps:
        expect(by_id(tablet, "next-step")).to_have_attribute("data-event", event)
        by_id(tablet, "next-step").click()
        status = AFTER[event]
        expect(by_id(tablet, "status-now")).to_have_attribute("data-status", status)
        shown = by_id(operator, f"unit-row-{UNIT}").locator("[data-status]")
        expect(shown.first).to_have_attribute("data-status", status)
        expect(by_id(doctor, f"node-{STAMPS[CrewEvent(event)]}")).to_be_attached()


def describe_the_patient(tablet: Page, doctor: Page) -> None:
    by_id(tablet, "tab-patient").click()
    by_id(tablet, "patient-edit").click()
    by_id(tablet, "patient-family").fill("Zhou")
    by_id(tablet, "patient-age").fill("62")
    by_id(tablet, "patient-save").click()
    expect(by_id(tablet, "patient-save")).to_have_count(0)
    expect(by_id(tablet, "patient-edit")).to_contain_text("Zhou")
    expect(doctor.locator(".doc-patient")).to_contain_text("Zhou")


def send_advice_and_confirm(doctor: Page, tablet: Page, shoot: Shoot) -> None:
    by_id(doctor, "advice-text").fill("Aspirin 300 mg, chewed")
    by_id(doctor, "advice-send").click()
    expect(by_id(tablet, "advice-ring")).to_contain_text("Aspirin 300 mg, chewed")
    shoot(tablet, "crew-advice")
    item = doctor.locator("[data-testid^='advice-item-']").first
    expect(item).to_have_attribute("data-state", re.compile("delivered|seen"))
    by_id(tablet, "advice-confirm").click()
    expect(item).to_have_attribute("data-state", "confirmed")
    expect(item).to_contain_text("Li Lei")
    expect(by_id(tablet, "advice-ring")).to_have_count(0)


def hand_over(tablet: Page, doctor: Page, shoot: Shoot) -> None:
    by_id(tablet, "tab-handover").click()
    tablet.locator("[data-testid^='handover-hospital-']").first.click()
    by_id(tablet, "handover-submit").click()
    expect_state(tablet, "handoff-state", "accepted")
    expect_state(doctor, "handoff-state", "accepted")
    shoot(tablet, "crew-handed-over")


def find_the_document(demo: RunningDemo) -> None:
    """Ask the hospital's own server, which knows nothing of us but what it was sent."""
    base = str(demo.card["hospital_url"])
    with httpx2.Client(timeout=10) as client:
        found = client.get(f"{base}/Bundle").raise_for_status().json()
    documents = [
        entry["resource"]
        for entry in found.get("entry", [])
        if entry["resource"].get("type") == "document"
    ]
    assert documents, found
    kinds = [entry["resource"]["resourceType"] for entry in documents[-1]["entry"]]
    assert kinds[0] == "Composition"
    assert {"Patient", "Encounter", "Observation"} <= set(kinds)
