"""A Chromium for tests that need a page and no city: flags, pictures, both languages."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, Page, async_playwright, expect

CHROMIUM: Final = shutil.which("chromium") or "/usr/bin/chromium"
BUSY_MS: Final = 60_000
"""Other tests may share two cores with the page; nothing here is about speed."""

_FLAGS: Final = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Yield a headless browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


async def page_of(
    browser: Browser, *, size: tuple[int, int], cookies: dict[str, tuple[str, str]] | None = None
) -> Page:
    """Return a page of a person of its own; `cookies`: name → (value, address)."""
    width, height = size
    context = await browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
    context.set_default_timeout(BUSY_MS)
    for name, (value, url) in (cookies or {}).items():
        await context.add_cookies([{"name": name, "value": value, "url": url}])
    return await context.new_page()


async def in_both_languages(page: Page, name: str) -> None:
    """Take a picture of the page in each language, if pictures are wanted; leave it in English."""
    folder = os.environ.get("GOLDENHOUR_PICTURES")
    for language, other in (("en", "zh-CN"), ("zh-CN", "en")):
        if folder:
            await page.screenshot(path=Path(folder) / f"{name}-{language[:2]}.png")
        await page.get_by_test_id("lang-switch").click()
        await expect(page.locator("html")).to_have_attribute("lang", other)
