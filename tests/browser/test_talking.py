"""Crew and doctor talk: two real pages, the vehicle's relay, the hub; a beep is the voice."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Shoot
from tests.browser.screens import by_id, context, sign_in, sign_in_crew
from tests.running.demo import RunningDemo

UNIT = "A-001"

LISTEN_IN = """
  window.peers = [];
  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(...given) { super(...given); window.peers.push(this); }
  };
"""
ENERGY = """async () => {
  let energy = 0;
  for (const peer of window.peers) {
    if (peer.connectionState !== "connected") continue;
    for (const each of (await peer.getStats()).values())
      if (each.type === "inbound-rtp" && each.kind === "audio") energy += each.totalAudioEnergy;
  }
  return energy;
}"""
LOUDER = f"async (than) => await ({ENERGY})() > than + 0.0005"
"""A beep of the browser's own microphone weighs several times as much."""


@pytest.mark.timeout(600)
def test_a_beep_goes_each_way_and_a_muted_one_does_not(
    demo: RunningDemo, chromium: Browser, shoot: Shoot
) -> None:
    with context(chromium) as ward, context(chromium, wide=False) as van:
        for each in (ward, van):
            each.add_init_script(LISTEN_IN)
        doctor, tablet = ward.new_page(), van.new_page()
        sign_in(doctor, demo, "doctor", path="/doctor/")
        by_id(doctor, f"unit-row-{UNIT}").click()
        by_id(doctor, "room-join").click()
        sign_in_crew(tablet, demo, UNIT)

        expect(by_id(doctor, "voice")).to_have_attribute("data-phase", "on")
        expect(by_id(tablet, "voice-toggle")).to_have_attribute("data-phase", "on")
        expect_mark(doctor, "room-crew", "muted")  # everybody joins muted
        expect_mark(doctor, "room-person", "muted")
        in_two_languages(doctor, tablet, shoot, "muted")

        a_blocked_microphone_is_said(doctor, shoot)

        for each in (ward, van):
            each.grant_permissions(["microphone"])
        by_id(doctor, "voice-toggle").click()
        expect(by_id(doctor, "voice")).to_have_attribute("data-muted", "false")
        expect(by_id(doctor, "voice-problem")).to_have_count(0)
        hears(tablet)
        expect_mark(doctor, "room-person", "speaking")
        by_id(tablet, "tab-help").click()
        expect_mark(tablet, "crew-people", "speaking")
        in_two_languages(doctor, tablet, shoot, "speaking")

        by_id(doctor, "voice-toggle").click()
        expect_mark(tablet, "crew-people", "muted")
        hears_nothing(tablet)

        by_id(tablet, "voice-toggle").click()
        hears(doctor)
        expect_mark(doctor, "room-crew", "speaking")

        by_id(doctor, "room-leave").click()
        expect(by_id(doctor, "voice")).to_have_count(0)
        expect(by_id(tablet, "voice-toggle")).to_have_attribute("data-phase", "off")


def a_blocked_microphone_is_said(page: Page, shoot: Shoot) -> None:
    by_id(page, "voice-toggle").click()
    expect(by_id(page, "voice-problem")).to_have_attribute("data-problem", "blocked")
    expect(by_id(page, "voice")).to_have_attribute("data-muted", "true")
    shoot(page, "voice-blocked-en")
    by_id(page, "lang-switch").click()
    shoot(page, "voice-blocked-zh")
    by_id(page, "lang-switch").click()


def hears(page: Page) -> None:
    page.wait_for_function(LOUDER, arg=page.evaluate(ENERGY), polling=200)


def hears_nothing(page: Page) -> None:
    """Let three beeps' time pass: there is one a second."""
    before = page.evaluate(ENERGY)
    page.wait_for_timeout(3_000)
    assert page.evaluate(ENERGY) - before < 0.0005


def expect_mark(page: Page, where: str, mark: str) -> None:
    expect(by_id(page, where).first.get_by_test_id("voice-mark").first).to_have_attribute(
        "data-mark", mark
    )


def in_two_languages(doctor: Page, tablet: Page, shoot: Shoot, name: str) -> None:
    for page, who in ((doctor, "doctor"), (tablet, "crew")):
        by_id(page, "room-card" if who == "doctor" else "voice-toggle").scroll_into_view_if_needed()
        shoot(page, f"voice-{who}-{name}-en")
        by_id(page, "lang-switch").click()
        shoot(page, f"voice-{who}-{name}-zh")
        by_id(page, "lang-switch").click()
