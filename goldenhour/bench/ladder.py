"""What a vehicle's video gives up as its link thins, and what the readings notice of it.

A hub and one ambulance with a camera of 720 lines run as in the demo. The modem's rate falls in
two steps and comes back; meanwhile a doctor's feed says how old each reading is and at which step
the camera is, and a viewer decodes the video.
"""

import asyncio
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import connect

from goldenhour.bench.figures import Figure, quantile
from goldenhour.bench.latency import signed_in
from goldenhour.bench.picture import Bar, bars
from goldenhour.bench.viewer import watching
from goldenhour.demo.city import Recordings
from goldenhour.demo.small_city import SmallCity, small_city, until
from protocols.clock import Clock
from protocols.video import HEIGHT_PX, LADDER, VideoStep

WIDE_BPS: Final = 2_000_000
COURSE: Final = (("200 kbit/s", 200_000), ("48 kbit/s", 48_000), ("2 Mbit/s", WIDE_BPS))
"""What the link's rate becomes, one after the other; it begins at the last."""

VITALS_BAR_MS: Final = 1_000.0
DOWN_BAR_S: Final = 3.0
UP_BAR_S: Final = 15.0
FREEZE_S: Final = 2.0
CAMERA: Final = "patient"
_WIDTH_PX: Final = 880  # the recording of 176 × 144 then has 720 lines
_READY_S: Final = 60.0
_SETTLED_S: Final = 15.0
_LATE_S: Final = 5.0  # a reading so late still counts, as late


@dataclass
class Seen:
    """What the doctor's end saw; times monotonic."""

    late_ms: list[float] = field(default_factory=list)
    steps: list[tuple[float, VideoStep]] = field(default_factory=list)
    stills: list[float] = field(default_factory=list)
    changes: list[tuple[str, float]] = field(default_factory=list)
    """The names of the link's rates, and when each came into force."""

    ended_s: float = 0.0

    def step(self) -> VideoStep:
        """Return the newest step."""
        return self.steps[-1][1] if self.steps else VideoStep.NONE


async def measure(folder: Path, *, phase_s: float) -> list[Figure]:
    """Drive along the course, `phase_s` at each rate, and return the figures.

    Raises:
        NotReadyError: a part did not come up.
    """
    seen = Seen()
    devices = ("--width", str(_WIDTH_PX))
    recordings = Recordings(waves_every_s=1.0)
    async with small_city(folder, recordings=recordings, devices=devices) as city:
        clock = city.start.clock
        hub_url = city.start.city.hub_url
        await city.ask("link", rate_bps=WIDE_BPS, delay_ms=25)
        doctor = next(one for one in city.start.people if one.role == "doctor")
        account = {"role": "doctor", "username": doctor.username, "password": doctor.password}
        cookie = await signed_in({"hub_url": hub_url, "accounts": [account]})
        unit = city.site.unit
        async with asyncio.TaskGroup() as group:
            feed = group.create_task(_follow(hub_url, cookie, unit, seen, clock))
            await until(lambda: _is_at(seen, VideoStep.HD), within_s=_READY_S)
            viewer = watching(hub_url=hub_url, cookie=cookie, unit=unit, camera=CAMERA, clock=clock)
            async with viewer as shown:
                await until(lambda: _is_some(shown), within_s=_READY_S)
                await _drive(city, seen, phase_s)
                await asyncio.sleep(_LATE_S)
            feed.cancel()
    return figures_of(seen, shown, phase_s=phase_s)


def figures_of(seen: Seen, shown: Sequence[float], *, phase_s: float) -> list[Figure]:
    """Return the figures of what was seen. Pure."""
    expected = phase_s * (len(COURSE) + 1)
    late = seen.late_ms if len(seen.late_ms) >= expected / 2 else []
    return [
        Figure(name="vitals, readings", value=len(seen.late_ms), unit="1"),
        Figure(name="vitals, p50", value=quantile(late, 0.5), unit="ms"),
        Figure(name="vitals, p99", value=quantile(late, 0.99), unit="ms", bar=VITALS_BAR_MS),
        Figure(name="vitals, max", value=quantile(late, 1.0), unit="ms"),
        *_reactions(seen),
        Figure(
            name="most freezes over 2 s at one step",
            value=max((len(each) for each in freezes(seen, shown)), default=0),
            unit="1",
            bar=1,
        ),
        Figure(
            name="longest freeze",
            value=max((gap for each in freezes(seen, shown, least_s=0) for gap in each), default=0),
            unit="s",
        ),
        Figure(
            name="changes of step while the link stayed as it was",
            value=len(_restless(seen)),
            unit="1",
            bar=0,
        ),
        Figure(name="stills at the doctor's", value=len(seen.stills), unit="1", bar=1,
               at_least=True),
    ]  # fmt: skip


def picture(figures: Sequence[Figure], note: str) -> str:
    """Return the picture of how long the video took to give way, and to come back."""
    rows = [
        Bar(figure.name, figure.value, is_ours=True)
        for figure in figures
        if figure.unit == "s" and figure.bar is not None
    ]
    title = "How long video takes to give way, and to come back"
    return bars(title, "s", rows, limit=None, note=note)


def _reactions(seen: Seen) -> list[Figure]:
    found = []
    before = _step_at(seen, seen.changes[0][1]) if seen.changes else VideoStep.NONE
    first = before
    for (name, at_s), (_, until_s) in pairwise([*seen.changes, ("", seen.ended_s)]):
        is_up = name == COURSE[-1][0]
        marks = [(when_s, step) for when_s, step in seen.steps if at_s <= when_s < until_s]
        if is_up:
            reached = [when_s for when_s, step in marks if step is first]
            found.append(_took(f"link to {name}: back at {first.value}", reached, at_s, UP_BAR_S))
        else:
            lower = [when for when, step in marks if LADDER.index(step) > LADDER.index(before)]
            found.append(_took(f"link to {name}: a lower step", lower, at_s, DOWN_BAR_S))
        before = _step_at(seen, until_s)
    return found


def _took(name: str, times_s: Sequence[float], since_s: float, bar_s: float) -> Figure:
    value = min(times_s) - since_s if times_s else math.inf
    return Figure(name=name, value=value, unit="s", bar=bar_s)


def freezes(seen: Seen, shown: Sequence[float], *, least_s: float = FREEZE_S) -> list[list[float]]:
    """Return, for each time at one step that moves, how long each freeze of it was."""
    found = []
    for (from_s, step), (until_s, _) in pairwise([*seen.steps, (seen.ended_s, VideoStep.NONE)]):
        if step not in HEIGHT_PX or until_s <= from_s or until_s < seen.changes[0][1]:
            continue
        times = [from_s, *(at_s for at_s in shown if from_s < at_s < until_s), until_s]
        found.append([b - a for a, b in pairwise(times) if b - a > least_s])
    return found


def _restless(seen: Seen) -> list[tuple[float, VideoStep]]:
    """Return the changes of step that came long after a change of the link."""
    quiet = [
        (at_s + _SETTLED_S, until_s)
        for (_, at_s), (_, until_s) in pairwise([*seen.changes, ("", seen.ended_s)])
    ]
    return [one for one in seen.steps if any(a <= one[0] < b for a, b in quiet)]


def _step_at(seen: Seen, at_s: float) -> VideoStep:
    return next((step for when, step in reversed(seen.steps) if when <= at_s), VideoStep.NONE)


async def _drive(city: SmallCity, seen: Seen, phase_s: float) -> None:
    clock = city.start.clock
    await asyncio.sleep(phase_s)
    for name, rate_bps in COURSE:
        await city.ask("link", rate_bps=rate_bps)
        seen.changes.append((name, clock.monotonic_s()))
        await asyncio.sleep(phase_s)
    seen.ended_s = clock.monotonic_s()


async def _follow(hub_url: str, cookie: str, unit: str, seen: Seen, clock: Clock) -> None:
    """Note what the doctor's feed says, until cancelled."""
    address = f"ws{hub_url.removeprefix('http')}/api/v1/live"
    headers = {"Cookie": f"gh_session={cookie}", "Origin": hub_url}
    async with connect(address, additional_headers=headers, max_size=None) as socket:
        await socket.send(json.dumps({"t": "watch", "fleet": True, "units": [unit]}))
        async for message in socket:
            if isinstance(message, str):
                _note(json.loads(message), unit, seen, clock)


def _note(said: dict[str, Any], unit: str, seen: Seen, clock: Clock) -> None:
    for view in said.get("units", ()) if said["t"] == "fleet" else ():
        for video in view["video"] if view["unit"] == unit else ():
            step = VideoStep(video["step"])
            if video["camera"] == CAMERA and (not seen.steps or seen.step() is not step):
                seen.steps.append((clock.monotonic_s(), step))
    if said["t"] != "record":
        return
    if said["stream"] == "vitals":
        seen.late_ms.append((clock.utc_us() - said["captured_utc_us"]) / 1_000)
    elif said["body"]["kind"] == "still" and said["body"].get("part") == said["body"].get("parts"):
        seen.stills.append(clock.monotonic_s())


async def _is_at(seen: Seen, step: VideoStep) -> bool:
    return seen.step() is step


async def _is_some(shown: Sequence[float]) -> bool:
    return bool(shown)
