"""After an outage: how soon live data and video are back, and whether the missed film is whole.

A hub and one ambulance run as in the demo, with its camera; a doctor has opened an encounter and
looks on in a browser. The vehicle's link is cut, and comes back at 1 Mbit/s. Then every segment of
the missed time must be in the hub's timeline, without a hole, byte for byte what the vehicle has.
"""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
from websockets.asyncio.client import connect

from edge_agent.recording.shelf import Segment, look
from goldenhour.bench.figures import Figure, quantile
from goldenhour.bench.latency import signed_in
from goldenhour.bench.picture import Bar, bars
from goldenhour.bench.screen import doctors_browser
from goldenhour.demo.small_city import SmallCity, small_city
from protocols.clock import Clock

RATE_BPS: Final = 1_000_000
VITALS: Final = "live vital signs back after the link"
VIDEO: Final = "live video back after the link, on the doctor's page"
COMPLETE: Final = "the missed film whole in the timeline, after the link"
MISSING: Final = "of the missed film not in the timeline"
OTHER: Final = "segments that are not what the vehicle has"
AGES: Final = "age of live vital signs while the film comes, p99"

_SETTINGS: Final = {
    "GOLDENHOUR_EDGE_MEDIA__BITRATE_BPS": "300000",
    "GOLDENHOUR_EDGE_MEDIA__WIDTH": "640",
    "GOLDENHOUR_EDGE_RECORDING__MIN_FREE_BYTES": "0",
}
_WARM_S: Final = 20.0
_READY_S: Final = 90.0
_VIDEO_S: Final = 60.0
_LOOK_S: Final = 0.1
_AGAIN_S: Final = 2.0
_JOINT_US: Final = 700_000  # segments follow one another by a picture


@dataclass(slots=True)
class _Watched:
    """Live vital signs as a doctor's socket gets them: when each came, and of when it was."""

    came_us: list[int] = field(default_factory=list)
    taken_us: list[int] = field(default_factory=list)

    def back_s(self, link_us: int) -> float:
        """Return how long after the link the first came that was taken with the link up."""
        pairs = zip(self.came_us, self.taken_us, strict=True)
        return min((came - link_us for came, taken in pairs if taken >= link_us - 1_000_000
                    and came >= link_us), default=10**12) / 1e6  # fmt: skip

    def ages_ms(self, from_us: int) -> list[float]:
        """Return how old each was that came since."""
        pairs = zip(self.came_us, self.taken_us, strict=True)
        return [(came - taken) / 1e3 for came, taken in pairs if came >= from_us]


async def measure(folder: Path, *, cut_s: float, patience_s: float) -> list[Figure]:
    """Cut the link for `cut_s`, and wait at most `patience_s` for the missed film.

    Raises:
        ConfigError: no Chromium, or a package is not installed.
        NotReadyError: a part did not come up.
    """
    async with small_city(folder, agent_settings=_SETTINGS) as city:
        hub_url = city.start.city.hub_url
        card = {"hub_url": hub_url, "accounts": _accounts(city)}
        cookie = await signed_in(card)
        hub = httpx2.AsyncClient(base_url=hub_url, cookies={"gh_session": cookie}, timeout=30)
        async with (
            hub,
            _vitals(city, cookie) as watched,
            doctors_browser(hub_url=hub_url, cookie=cookie) as browser,
            browser.video(city.site.unit) as video,
        ):
            opened = await hub.post("/api/v1/encounters", json={"unit": city.site.unit})
            opened.raise_for_status()
            await _until_state(video, "live", within_s=_READY_S)
            await city.start.clock.sleep(_WARM_S)
            return await _outage(city, hub, watched, video, cut_s=cut_s, patience_s=patience_s)


def picture(figures: Sequence[Figure], note: str) -> str:
    """Return the picture of what came back when."""
    by_name = {figure.name: figure for figure in figures}
    rows = [Bar(name, by_name[name].value, is_ours=True) for name in (VITALS, VIDEO, COMPLETE)]
    return bars("After an outage, 1 Mbit/s", "s", rows, limit=None, note=note)


async def _outage(  # noqa: PLR0913 -- what is looked at
    city: SmallCity,
    hub: httpx2.AsyncClient,
    watched: _Watched,
    video: Any,
    *,
    cut_s: float,
    patience_s: float,
) -> list[Figure]:
    clock = city.start.clock
    cut_us = clock.utc_us()
    await city.ask("link", cut_s=cut_s, reset=True, rate_bps=RATE_BPS)
    link_us = clock.utc_us() + round(cut_s * 1e6)
    await clock.sleep(cut_s)
    video_s = await _until_state(video, "live", within_s=_VIDEO_S, since_us=link_us, clock=clock)
    complete_s = await _until_whole(city, hub, cut_us, link_us, within_s=patience_s)
    missed = await _missed(city, cut_us, link_us)
    segments = await _listed(city, hub, cut_us, link_us)
    missing_s = _missing_s(segments.values(), cut_us, link_us)
    other = [one for one in missed if await _digest(city, hub, one.segment) != one.sha256]
    ages_ms = watched.ages_ms(link_us + 5_000_000)
    return [
        Figure(name=VITALS, value=watched.back_s(link_us), unit="s", bar=3.0),
        Figure(name=VIDEO, value=video_s, unit="s", bar=8.0),
        Figure(name=COMPLETE, value=complete_s, unit="s"),
        Figure(name=MISSING, value=missing_s, unit="s", bar=0.0),
        Figure(name=OTHER, value=len(other), unit="1", bar=0.0),
        Figure(name="segments of the missed time", value=len(missed), unit="1", bar=cut_s / 30,
               at_least=True),
        Figure(name="… and their size", value=sum(s.size_bytes for s in missed) / 1e6, unit="MB"),
        Figure(name=AGES, value=quantile(ages_ms, 0.99), unit="ms", bar=1000.0),
    ]  # fmt: skip


async def _until_state(
    video: Any, state: str, *, within_s: float, since_us: int = 0, clock: Clock | None = None
) -> float:
    """Return when the page said so, in seconds after `since_us`; infinity for not in time."""
    try:
        async with asyncio.timeout(within_s):
            while await video() != state:  # noqa: ASYNC110 -- asked of a page
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        return float("inf")
    return 0.0 if clock is None else (clock.utc_us() - since_us) / 1e6


async def _until_whole(
    city: SmallCity, hub: httpx2.AsyncClient, cut_us: int, link_us: int, *, within_s: float
) -> float:
    """Return how long after the link the timeline had no hole and each segment of the vehicle."""
    clock = city.start.clock
    async with asyncio.timeout(within_s) as patience:
        while True:
            # the last may begin a moment before the link is back, too short for a hole
            due = {one.segment for one in await _missed(city, cut_us, link_us)}
            found = await _listed(city, hub, cut_us, link_us)
            if due <= found.keys() and not _missing_s(found.values(), cut_us, link_us):
                return (clock.utc_us() - link_us) / 1e6
            left_s = (patience.when() or 0.0) - asyncio.get_running_loop().time()
            if left_s < _AGAIN_S:
                return float("inf")
            await clock.sleep(_AGAIN_S)


async def _listed(
    city: SmallCity, hub: httpx2.AsyncClient, from_us: int, to_us: int
) -> dict[str, tuple[int, int]]:
    """Return the segments that the timeline has of the time, each with its span."""
    answer = await hub.get(
        f"/api/v1/units/{city.site.unit}/recordings",
        params={"from_utc_us": from_us - 60_000_000, "to_utc_us": to_us},
    )
    answer.raise_for_status()
    return {
        one["segment"]: (one["first_utc_us"], one["last_utc_us"])
        for one in answer.json()["segments"]
    }


def _missing_s(spans: Iterable[tuple[int, int]], from_us: int, to_us: int) -> float:
    """Return for how many seconds between the two there is no film; a picture's length is none."""
    missing_us, at_us = 0, from_us
    for first_us, last_us in sorted(spans):
        if first_us - at_us > _JOINT_US:
            missing_us += min(first_us, to_us) - at_us
        at_us = max(at_us, last_us)
        if at_us >= to_us:
            break
    if to_us - at_us > _JOINT_US:
        missing_us += to_us - at_us
    return missing_us / 1e6


async def _missed(city: SmallCity, from_us: int, to_us: int) -> list[Segment]:
    shelf = city.start.folder.unit(city.site.unit) / "recordings"
    return await asyncio.to_thread(look, shelf, from_utc_us=from_us, to_utc_us=to_us)


async def _digest(city: SmallCity, hub: httpx2.AsyncClient, segment: str) -> str:
    answer = await hub.get(f"/api/v1/units/{city.site.unit}/recordings/{segment}")
    return hashlib.sha256(answer.content).hexdigest() if answer.is_success else ""


def _accounts(city: SmallCity) -> list[dict[str, str]]:
    return [
        {"role": one.role, "username": one.username, "password": one.password}
        for one in city.start.people
    ]


@contextlib.asynccontextmanager
async def _vitals(city: SmallCity, cookie: str) -> AsyncIterator[_Watched]:
    watched = _Watched()
    hub_url, clock = city.start.city.hub_url, city.start.clock

    async def listen() -> None:
        address = f"ws{hub_url.removeprefix('http')}/api/v1/live"
        headers = {"Cookie": f"gh_session={cookie}", "Origin": hub_url}
        async with connect(address, additional_headers=headers, max_size=None) as socket:
            await socket.send(json.dumps({"t": "watch", "units": [city.site.unit]}))
            async for message in socket:
                said = json.loads(message) if isinstance(message, str) else {}
                if said.get("stream") == "vitals" and said.get("lane") == "live":
                    watched.came_us.append(clock.utc_us())
                    watched.taken_us.append(said["captured_utc_us"])

    listening = asyncio.create_task(listen())
    try:
        yield watched
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
