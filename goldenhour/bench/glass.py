"""Glass to glass: how old the picture on a doctor's page is, how soon it is there, what loss does.

A hub and one ambulance run as in the demo; its camera has 720 lines and 30 pictures a second, and
draws its own clock into each. The camera's program encodes them for RTSP, the vehicle decodes and
encodes them, the hub forwards, Chromium decodes and shows: the page reads the time out of what it
shows. All clocks are this machine's. Loss is the vehicle's modem's.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from goldenhour.bench.figures import Figure, quantile
from goldenhour.bench.latency import signed_in
from goldenhour.bench.picture import Bar, bars
from goldenhour.bench.screen import GlassPage, doctors_browser
from goldenhour.demo.small_city import SmallCity, small_city, until
from protocols.clock import Clock
from protocols.video import VideoStep

AGE_BAR_MS: Final = 120.0
ANSWER_BAR_S: Final = 0.5
CLICK_BAR_S: Final = 1.2
FREEZE_BAR_S: Final = 1.0
WHOLE_BAR_S: Final = 1.0
LOSS_PCT: Final = 5.0

_CAMERA: Final = ("--camera", "synthetic", "--width", "1280", "--fps", "30", "--timecode")
READY_S: Final = 90.0
_WARM_S: Final = 5.0
TIMES: Final = 5
_BURST_S: Final = 0.4
_BURST_PCT: Final = 80.0
_WHOLE_WITHIN_S: Final = 8.0
_LEAST_SHARE: Final = 0.5  # of the pictures that a camera gives; with fewer nothing holds

AGE: Final = "age of a picture when it is shown"
LOST: Final = f"{LOSS_PCT:g} % lost"

Shown = Sequence[tuple[float, float]]
"""Of each picture: when it was shown, and when it was taken, UTC seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the page saw."""

    span_s: float
    steady: Shown
    joins: Sequence[tuple[float, float]]
    """Of each: from the answer to the first picture, and from the click to it, seconds."""

    lossy: Shown
    lossy_from_s: float
    lossy_to_s: float
    whole_s: Sequence[float]
    """After each burst, until a picture was shown that was taken after it."""


async def measure(
    folder: Path, *, duration_s: float, times: int = TIMES, patience_s: float = READY_S
) -> list[Figure]:
    """Look on for `duration_s` undisturbed and as long with loss; join, and suffer, so many times.

    A camera that is not at 720 lines after `patience_s` is measured as it is.

    Raises:
        ConfigError: no Chromium, or a package is not installed.
        NotReadyError: a part did not come up.
    """
    async with small_city(folder, devices=_CAMERA) as city:
        hub_url, unit = city.start.city.hub_url, city.site.unit
        clock = city.start.clock
        doctor = next(one for one in city.start.people if one.role == "doctor")
        account = {"role": "doctor", "username": doctor.username, "password": doctor.password}
        cookie = await signed_in({"hub_url": hub_url, "accounts": [account]})
        async with doctors_browser(hub_url=hub_url, cookie=cookie) as browser:
            joins: list[tuple[float, float]] = []
            async with browser.glass() as page:
                await page.click(unit)
                with contextlib.suppress(TimeoutError):
                    await until(lambda: _is_at(page, VideoStep.HD), within_s=patience_s)
                await clock.sleep(_WARM_S)
                steady = await _looked(page, clock, duration_s)
                await city.ask("link", loss_pct=LOSS_PCT)
                lossy_from_s = clock.utc_us() / 1e6
                lossy = await _looked(page, clock, duration_s)
                lossy_to_s = clock.utc_us() / 1e6
                await city.ask("link", restore=True)
                await clock.sleep(_WARM_S)
                whole_s = [await _burst(city, page, clock) for _ in range(times)]
            for _ in range(times):
                async with browser.glass() as page:
                    await clock.sleep(1.0)
                    await page.click(unit)
                    joins.append(await page.joined_s())
    return figures_of(
        Seen(
            span_s=duration_s,
            steady=steady,
            joins=joins,
            lossy=lossy,
            lossy_from_s=lossy_from_s,
            lossy_to_s=lossy_to_s,
            whole_s=whole_s,
        )
    )


def figures_of(seen: Seen) -> list[Figure]:
    """Return the figures of what was seen. Pure."""
    least = _LEAST_SHARE * 30 * seen.span_s
    ages_ms = [(shown - taken) * 1e3 for shown, taken in seen.steady]
    counted = ages_ms if len(ages_ms) >= least else []
    answers, clicks = zip(*seen.joins, strict=True)
    return [
        Figure(name="pictures shown", value=len(ages_ms), unit="1", bar=least, at_least=True),
        Figure(name=f"{AGE}, p50", value=quantile(counted, 0.5), unit="ms"),
        Figure(name=f"{AGE}, p95", value=quantile(counted, 0.95), unit="ms", bar=AGE_BAR_MS),
        Figure(name=f"{AGE}, max", value=quantile(counted, 1.0), unit="ms"),
        Figure(name="joined: first picture after the hub's answer, longest",
               value=max(answers), unit="s", bar=ANSWER_BAR_S),
        Figure(name="joined: first picture after the click, longest",
               value=max(clicks), unit="s", bar=CLICK_BAR_S),
        Figure(name=f"{LOST}: pictures shown", value=len(seen.lossy), unit="1"),
        Figure(name=f"{LOST}: longest freeze", unit="s", bar=FREEZE_BAR_S,
               value=longest_freeze_s(seen.lossy, seen.lossy_from_s, seen.lossy_to_s)),
        Figure(name="a burst of loss: whole again after it, longest",
               value=max(seen.whole_s), unit="s", bar=WHOLE_BAR_S),
    ]  # fmt: skip


def longest_freeze_s(shown: Shown, from_s: float, to_s: float) -> float:
    """Return how long a picture stood at most, the one before the first and the last included."""
    inside = [at_s for at_s, _ in shown if from_s < at_s < to_s]
    return max(b - a for a, b in pairwise([from_s, *inside, to_s]))


def picture(figures: Sequence[Figure], note: str) -> str:
    """Return the picture of how old what the doctor sees is."""
    rows = [
        Bar(figure.name, figure.value, is_ours=True)
        for figure in figures
        if figure.name.startswith(AGE)
    ]
    return bars("From the camera to the doctor's page", "ms", rows, limit=AGE_BAR_MS, note=note)


async def _looked(page: GlassPage, clock: Clock, duration_s: float) -> Shown:
    await page.forget()
    await clock.sleep(duration_s)
    return await page.shown()


async def _burst(city: SmallCity, page: GlassPage, clock: Clock) -> float:
    """Lose most of what is sent for a moment; return how soon what came after it was shown."""
    await page.forget()
    await city.ask("link", loss_pct=_BURST_PCT)
    await clock.sleep(_BURST_S)
    await city.ask("link", loss_pct=0)
    over_s = clock.utc_us() / 1e6
    fresh: list[float] = []

    async def is_fresh() -> bool:
        fresh[:] = [at_s for at_s, taken_s in await page.shown() if taken_s >= over_s]
        return bool(fresh)

    try:
        await until(is_fresh, within_s=_WHOLE_WITHIN_S)
    except TimeoutError:
        return _WHOLE_WITHIN_S
    await clock.sleep(_WARM_S)
    return min(fresh) - over_s


async def _is_at(page: GlassPage, step: VideoStep) -> bool:
    return await page.step() == step.value
