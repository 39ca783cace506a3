"""The three screens as their users see them: sign in, open, read; every wait has its own limit."""

import re

from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from tests.running.demo import RunningDemo

PATIENCE_S = 60
"""A page on two cores that run whole cities gets so long; how fast is a benchmark's to say."""


def context(
    chromium: Browser,
    *,
    language: str = "en-GB",
    wide: bool = True,
    size: tuple[int, int] | None = None,
) -> BrowserContext:
    width, height = size or ((1600, 1000) if wide else (1280, 800))
    viewport: ViewportSize = {"width": width, "height": height}
    made = chromium.new_context(locale=language, viewport=viewport)
    made.set_default_timeout(PATIENCE_S * 1000)
    return made


def sign_in(page: Page, demo: RunningDemo, username: str, *, path: str) -> None:
    page.goto(f"{demo.card['hub_url']}{path}")
    by_id(page, "login-username").fill(username)
    by_id(page, "login-password").fill(demo.password(username))
    by_id(page, "login-submit").click()
    expect(by_id(page, "login-submit")).to_have_count(0)


def sign_in_crew(page: Page, demo: RunningDemo, unit: str) -> None:
    page.goto(demo.unit(unit)["tablet_url"])
    by_id(page, "pin-name").fill("Li Lei")
    by_id(page, "pin-code").fill(demo.unit(unit)["pin"])
    by_id(page, "pin-submit").click()
    expect(by_id(page, "status-now")).to_be_visible()


def by_id(page: Page, test_id: str) -> Locator:
    return page.get_by_test_id(test_id)


def expect_state(page: Page, test_id: str, state: str, *, within_s: float = PATIENCE_S) -> None:
    """Wait until the element's `data-state` is `state` (a regular expression)."""
    expect(by_id(page, test_id).first).to_have_attribute(
        "data-state", re.compile(rf"^(?:{state})$"), timeout=within_s * 1000
    )


def expect_live(page: Page, name: str, *, within_s: float = PATIENCE_S) -> None:
    tile = by_id(page, f"vitals-{name}")
    expect(tile).to_have_attribute("data-age", "live", timeout=within_s * 1000)
    expect(tile).to_have_text(re.compile(r"\d"))


_DRAWN = """canvas => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  let drawn = 0;
  for (let x = 0; x < width; x += 1)
    for (let y = 0; y < height; y += 1)
      if (data[4 * (y * width + x) + 3] > 60) { drawn += 1; break; }
  return drawn / width;
}"""


def expect_drawn(page: Page, test_id: str, share: float) -> None:
    """Wait until a trace stands over `share` of its canvas's width."""
    canvas = by_id(page, test_id).first.element_handle()
    page.wait_for_function(
        f"([canvas, share]) => ({_DRAWN})(canvas) >= share", arg=[canvas, share], polling=500
    )


def frames_shown(page: Page) -> int:
    """Return how many video frames were decoded so far."""
    return int(
        by_id(page, "video-player").first.evaluate(
            "v => v.getVideoPlaybackQuality().totalVideoFrames"
        )
    )
