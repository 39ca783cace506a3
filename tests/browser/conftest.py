"""A demo and a Chromium for each module; pictures where GOLDENHOUR_PICTURES says."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.screens import PATIENCE_S
from tests.running.demo import RunningDemo, running_demo

FLAGS = [
    "--no-sandbox",  # as root there is none
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",  # WebGL
    # without a GPU, all but WebGL is drawn by the processor itself: 60 pictures a second, not 1
    "--disable-gpu-compositing", "--disable-accelerated-2d-canvas",
    "--allow-loopback-in-peer-connection",  # for machines that have no other network
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",  # a microphone that beeps
]  # fmt: skip

Shoot = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    with running_demo(tmp_path_factory.mktemp("browser") / "demo") as running:
        yield running


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium; while it is open a loop runs in this thread, so not for longer.

    Pages have patience, a city has none: where processors are few it goes first, as if each screen
    were a computer of its own.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("Chromium is not installed")
    expect.set_options(timeout=PATIENCE_S * 1000)
    with sync_playwright() as playwright:
        modest = tmp_path_factory.mktemp("chromium") / "chromium"
        modest.write_text(f'#!/bin/sh\nexec nice -n 10 "{found}" "$@"\n')
        modest.chmod(0o755)
        browser = playwright.chromium.launch(executable_path=modest, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shoot() -> Shoot:
    """Return what takes a picture of a page, if pictures are wanted."""
    folder = os.environ.get("GOLDENHOUR_PICTURES")

    def take(page: Page, name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{name}.png")

    return take
