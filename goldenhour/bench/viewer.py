"""A viewer without a screen: plays one camera by WHEP, decodes it, notes when each picture came."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from edge_agent.media.ice import offer_addresses
from protocols.clock import Clock

_MEDIA = "/api/v1/media"


@asynccontextmanager
async def watching(
    *, hub_url: str, cookie: str, unit: str, camera: str, clock: Clock
) -> AsyncIterator[list[float]]:
    """Yield the times (monotonic) at which pictures were decoded; it grows until left.

    Raises:
        HTTPStatusError: the hub refuses.
    """
    shown: list[float] = []
    reading: list[asyncio.Task[None]] = []
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    async def read(track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                await track.recv()
                shown.append(clock.monotonic_s())

    def on_track(track: MediaStreamTrack) -> None:
        reading.append(asyncio.create_task(read(track)))

    pc.on("track", on_track)
    headers = {"Cookie": f"gh_session={cookie}", "Origin": hub_url}
    async with httpx2.AsyncClient(base_url=hub_url, headers=headers, timeout=30) as http:
        try:
            token = await _token(http, unit, camera)
            pc.addTransceiver("video", direction="recvonly")
            offer_addresses(pc, ("127.0.0.1",))
            await pc.setLocalDescription(await pc.createOffer())
            answer = await http.post(
                f"{_MEDIA}/whep/{unit}/{camera}",
                content=pc.localDescription.sdp,
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"},
            )
            answer.raise_for_status()
            await pc.setRemoteDescription(RTCSessionDescription(sdp=answer.text, type="answer"))
            yield shown
        finally:
            for task in reading:
                task.cancel()
            await pc.close()


async def _token(http: httpx2.AsyncClient, unit: str, camera: str) -> str:
    wanted: dict[str, Any] = {"unit": unit, "camera": camera, "action": "play"}
    answer = await http.post(f"{_MEDIA}/tokens", json=wanted)
    answer.raise_for_status()
    return str(answer.json()["token"])
