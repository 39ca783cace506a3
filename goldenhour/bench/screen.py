"""The doctor's page in a headless Chromium, measured from inside the page by `shown.js`."""

import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from protocols.errors import ConfigError

_SCRIPT: Final = Path(__file__).with_name("shown.js")
_FLAGS: Final = (
    "--no-sandbox",  # as root there is none
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",  # without a GPU, all but WebGL is drawn by the processor itself
    "--disable-accelerated-2d-canvas",
    "--allow-loopback-in-peer-connection",  # for machines that have no other network
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)
_TIMEOUT_MS: Final = 30_000
_VIDEO_STATE: Final = "document.querySelector('[data-testid=video-state]')?.dataset.state ?? ''"
_FIRST_LIVE: Final = "window.goldenhourShown.firstLiveMs"


class DoctorsBrowser:
    """One Chromium; every page that it opens is a fresh profile that is signed in already."""

    def __init__(self, browser: Any, *, hub_url: str, cookie: str) -> None:
        self._browser = browser
        self._hub_url = hub_url
        self._cookie = cookie

    async def first_picture_s(self, unit: str) -> float:
        """Return the seconds from asking for the page of `unit` to live vital signs on it."""
        async with self._opened(unit) as page:
            return float(await page.evaluate(_FIRST_LIVE)) / 1_000

    async def shown_ms(self, unit: str, *, duration_s: float) -> list[float]:
        """Return, for each reading that changed a number, how old it was when it was shown."""
        async with self._opened(unit) as page:
            await page.evaluate("window.goldenhourShown.shownMs.length = 0")
            await page.wait_for_timeout(duration_s * 1_000)
            return [float(each) for each in await page.evaluate("window.goldenhourShown.shownMs")]

    @contextlib.asynccontextmanager
    async def video(self, unit: str) -> AsyncIterator[Callable[[], Awaitable[str]]]:
        """Yield a way to ask how the video on the page of `unit` stands, as the page says it."""
        async with self._opened(unit) as page:

            async def state() -> str:
                return str(await page.evaluate(_VIDEO_STATE))

            yield state

    @contextlib.asynccontextmanager
    async def _opened(self, unit: str) -> AsyncIterator[Any]:
        context = await self._browser.new_context(viewport={"width": 1600, "height": 1000})
        try:
            await context.add_cookies(
                [{"name": "gh_session", "value": self._cookie, "url": self._hub_url}]
            )
            await context.add_init_script(path=_SCRIPT)
            page = await context.new_page()
            await page.goto(f"{self._hub_url}/doctor/#/unit/{unit}", wait_until="commit")
            await page.wait_for_function(f"() => {_FIRST_LIVE} !== null", timeout=_TIMEOUT_MS)
            yield page
        finally:
            await context.close()


@contextlib.asynccontextmanager
async def doctors_browser(*, hub_url: str, cookie: str) -> AsyncIterator[DoctorsBrowser]:
    """Yield a headless Chromium.

    Raises:
        ConfigError: Chromium, or the package `playwright`, is not installed.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise ConfigError(reason="Chromium is not installed; on Debian: apt-get install chromium")
    try:
        from playwright.async_api import async_playwright  # noqa: PLC0415 -- extra `dev`
    except ImportError as err:
        raise ConfigError(reason="the package playwright is not installed (extra 'dev')") from err
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=[*_FLAGS])
        try:
            yield DoctorsBrowser(browser, hub_url=hub_url, cookie=cookie)
        finally:
            await browser.close()
