"""Latency of live vital signs: from the monitor's wire to a WebSocket client and to the screen.

A reading's captured time is when it came in at the vehicle, by the clock of this machine, which all
parts share; latency is the time of arrival minus that. The monitor's own wire, a millisecond on
loopback, is not in it.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final

import httpx2
from websockets.asyncio.client import connect

from goldenhour.bench.figures import Figure, quantile
from goldenhour.bench.screen import doctors_browser
from protocols.runtime.clock import SystemClock

LATENCY_BAR_MS: Final = 300.0
FIRST_PICTURE_BAR_S: Final = 3.0
_OPENINGS: Final = 5


async def measure(card: dict[str, Any], *, duration_s: float) -> list[Figure]:
    """Return the figures of the running city that `card` describes.

    Raises:
        ConfigError: there is no Chromium, or the package `playwright` is not installed.
    """
    hub_url = str(card["hub_url"])
    cookie = await signed_in(card)
    units = [one["unit"] for one in card["units"] if one["profile"] == "ambulance"]
    async with doctors_browser(hub_url=hub_url, cookie=cookie) as browser:
        first_s = [await browser.first_picture_s(units[0]) for _ in range(_OPENINGS)]
        on_wire, on_screen = await asyncio.gather(
            received_ms(hub_url, cookie, units, duration_s=duration_s),
            browser.shown_ms(units[0], duration_s=duration_s),
        )
    first = "first picture of live vitals"
    return [
        *spread("device to WebSocket client", on_wire, least=duration_s * len(units) / 2),
        *spread("device to browser's screen", on_screen, least=duration_s / 2),
        Figure(name=f"{first}, median of {_OPENINGS}", value=quantile(first_s, 0.5), unit="s"),
        Figure(name=f"{first}, max", value=max(first_s), unit="s", bar=FIRST_PICTURE_BAR_S),
    ]


def spread(name: str, values_ms: Sequence[float], *, least: float) -> list[Figure]:
    """Return the figures of `values_ms`; with fewer than `least` of them nothing holds."""
    counted = values_ms if len(values_ms) >= least else ()
    return [
        Figure(name=f"{name}, readings", value=len(values_ms), unit="1"),
        Figure(name=f"{name}, p50", value=quantile(counted, 0.5), unit="ms"),
        Figure(name=f"{name}, p95", value=quantile(counted, 0.95), unit="ms", bar=LATENCY_BAR_MS),
        Figure(name=f"{name}, max", value=quantile(counted, 1.0), unit="ms"),
    ]


async def signed_in(card: dict[str, Any]) -> str:
    """Return a session cookie of the doctor."""
    doctor = next(one for one in card["accounts"] if one["role"] == "doctor")
    async with httpx2.AsyncClient(base_url=card["hub_url"], timeout=30) as client:
        answer = await client.post(
            "/api/v1/session",
            json={"username": doctor["username"], "password": doctor["password"]},
        )
        answer.raise_for_status()
        return str(answer.cookies["gh_session"])


async def received_ms(
    hub_url: str, cookie: str, units: Sequence[str], *, duration_s: float
) -> list[float]:
    """Return how old each live reading of `units` is when a WebSocket client has it."""
    address = f"ws{hub_url.removeprefix('http')}/api/v1/live"
    headers = {"Cookie": f"gh_session={cookie}", "Origin": hub_url}
    found: list[float] = []
    clock = SystemClock()
    async with connect(address, additional_headers=headers, max_size=None) as socket:
        await socket.send(json.dumps({"t": "watch", "units": list(units)}))
        over = asyncio.timeout(duration_s)
        try:
            async with over:
                async for message in socket:
                    arrived_us = clock.utc_us()
                    said = json.loads(message) if isinstance(message, str) else {}
                    if said.get("stream") == "vitals" and said.get("lane") == "live":
                        found.append((arrived_us - said["captured_utc_us"]) / 1_000)
        except TimeoutError:
            if not over.expired():
                raise
    return found
