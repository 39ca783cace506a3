"""The doctor's page in a headless Chromium, measured from inside by `shown.js` and `glass.js`."""

import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from protocols.errors import ConfigError

_SCRIPT: Final = Path(__file__).with_name("shown.js")
_GLASS: Final = Path(__file__).with_name("glass.js")
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
_VIDEO_STEP: Final = "document.querySelector('[data-testid=video-state]')?.dataset.step ?? ''"
_FIRST_LIVE: Final = "window.goldenhourShown.firstLiveMs"
_CLICK: Final = """row => {
  window.goldenhourGlass.clickedMs = performance.now();
  row.click();
}"""


class GlassPage:
    """The list of units; then the page of the one that is clicked, whose pictures tell their time.

    Their camera must draw it (`goldenhour sim unit --timecode`).
    """

    def __init__(self, page: Any) -> None:
        self._page = page

    async def click(self, unit: str) -> None:
        """Open the page of `unit`."""
        row = self._page.get_by_test_id(f"unit-row-{unit}")
        await row.wait_for(timeout=_TIMEOUT_MS)
        await row.evaluate(_CLICK)

    async def step(self) -> str:
        """Return the step of the camera that is shown, as the page has it; empty while none is."""
        return str(await self._page.evaluate(_VIDEO_STEP))

    async def joined_s(self) -> tuple[float, float]:
        """Wait for the first picture; return its time after the hub's answer, and the click's."""
        await self._page.wait_for_function(
            "() => window.goldenhourGlass.firstMs !== null", timeout=_TIMEOUT_MS
        )
        found = await self._page.evaluate("window.goldenhourGlass")
        first, answered = float(found["firstMs"]), float(found["answeredMs"])
        return (first - answered) / 1e3, (first - float(found["clickedMs"])) / 1e3

    async def forget(self) -> None:
        """Count pictures anew."""
        await self._page.evaluate("window.goldenhourGlass.shown.length = 0")

    async def shown(self) -> list[tuple[float, float]]:
        """Return of each picture whose time could be read when it was shown and taken, UTC s."""
        found = await self._page.evaluate("window.goldenhourGlass.shown")
        return [(shown_ms / 1e3, taken_ms / 1e3) for shown_ms, taken_ms in found]


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
    async def glass(self) -> AsyncIterator[GlassPage]:
        """Yield the list of units, on a page that reads the time out of pictures."""
        async with self._page(_GLASS) as page:
            await page.goto(f"{self._hub_url}/doctor/", wait_until="commit")
            yield GlassPage(page)

    @contextlib.asynccontextmanager
    async def _opened(self, unit: str) -> AsyncIterator[Any]:
        async with self._page(_SCRIPT) as page:
            await page.goto(f"{self._hub_url}/doctor/#/unit/{unit}", wait_until="commit")
            await page.wait_for_function(f"() => {_FIRST_LIVE} !== null", timeout=_TIMEOUT_MS)
            yield page

    @contextlib.asynccontextmanager
    async def _page(self, script: Path) -> AsyncIterator[Any]:
        context = await self._browser.new_context(viewport={"width": 1600, "height": 1000})
        try:
            await context.add_cookies(
                [{"name": "gh_session", "value": self._cookie, "url": self._hub_url}]
            )
            await context.add_init_script(path=script)
            yield await context.new_page()
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
