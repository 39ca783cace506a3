"""Real WebRTC peers for tests: a publisher of a moving picture, a viewer that decodes it."""

import asyncio
import fractions
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import aioice.ice
import av
import httpx2
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError

WIDTH, HEIGHT, FPS = 320, 180, 15


@contextmanager
def loopback_offered() -> Iterator[None]:
    """Let aiortc peers of this process offer 127.0.0.1 alone; aioice leaves it out."""
    usual = aioice.ice.get_host_addresses
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]  # noqa: ARG005
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = usual


class Picture(MediaStreamTrack):
    """H.264 packets of a grey that changes with each frame; IDR when asked, never by itself."""

    kind = "video"

    def __init__(self, *, fps: int = FPS) -> None:
        super().__init__()
        self.fps = fps
        self.idr_wanted = True
        self.idr_asked = 0
        self.count = 0
        self.silent = False
        self._start = time.monotonic()
        codec = av.CodecContext.create("libx264", "w")
        codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        codec.time_base = fractions.Fraction(1, fps)
        codec.framerate = fractions.Fraction(fps, 1)
        codec.bit_rate = 300_000
        codec.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "forced-idr": "1",
            "x264-params": "keyint=infinite:scenecut=0:repeat-headers=1:threads=1",
        }
        self._codec = codec

    def ask_idr(self) -> None:
        self.idr_asked += 1
        self.idr_wanted = True

    async def recv(self) -> "av.Packet[av.VideoStream]":
        while True:
            due = self._start + self.count / self.fps
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.count += 1
            if self.readyState != "live":
                raise MediaStreamError
            if not self.silent:
                break
        level = 16 + (self.count * 8) % 200
        image = np.full((HEIGHT * 3 // 2, WIDTH), 128, dtype=np.uint8)
        image[:HEIGHT] = level
        frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
        frame.pts = self.count
        frame.time_base = self._codec.time_base
        if self.idr_wanted:
            frame.pict_type = av.video.frame.PictureType.I
            self.idr_wanted = False
        (packet,) = self._codec.encode(frame)
        packet.pts, packet.time_base = self.count, fractions.Fraction(1, self.fps)
        return packet


class SignallingError(Exception):
    def __init__(self, response: httpx2.Response) -> None:
        super().__init__(f"{response.status_code} {response.text}")
        self.response = response


@dataclass
class Peer:
    """One RTCPeerConnection that began by a POST."""

    http: httpx2.AsyncClient
    token: str
    pc: RTCPeerConnection = field(
        default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[]))
    )
    edit: Callable[[str], str] = str
    location: str = ""
    etag: str = ""
    answer: str = ""

    async def begin(self, path: str, headers: dict[str, str] | None = None) -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        response = await self.http.post(
            f"/api/v1/media/{path}",
            content=self.edit(self.pc.localDescription.sdp),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/sdp",
                **(headers or {}),
            },
        )
        if response.status_code != 201:
            raise SignallingError(response)
        self.location = response.headers["location"]
        self.etag = response.headers["etag"]
        self.answer = response.text
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp=self.answer, type="answer"))

    async def leave(self) -> None:
        """End the session at the hub, then here."""
        response = await self.end()
        assert response.status_code == 200, response.text
        await self.pc.close()

    async def end(self) -> httpx2.Response:
        return await self.http.delete(
            self.location, headers={"Authorization": f"Bearer {self.token}"}
        )

    async def connected(self, within_s: float = 10.0) -> None:
        changed = asyncio.Event()
        self.pc.on("connectionstatechange", changed.set)
        async with asyncio.timeout(within_s):
            while self.pc.connectionState != "connected":
                changed.clear()
                await changed.wait()


@dataclass
class Publisher(Peer):
    picture: Picture = field(default_factory=Picture)

    async def publish(
        self,
        source: str = "amb-1/patient",
        *,
        audio: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        sender = self.pc.addTrack(self.picture)
        transceiver = self.pc.getTransceivers()[0]
        transceiver.direction = "sendonly"
        transceiver.setCodecPreferences(
            [
                codec
                for codec in RTCRtpSender.getCapabilities("video").codecs
                if codec.mimeType in ("video/H264", "video/rtx")
            ]
        )
        sender._send_keyframe = self.picture.ask_idr  # type: ignore[method-assign]
        if audio:
            self.pc.addTrack(AudioStreamTrack())
            self.pc.getTransceivers()[1].direction = "sendonly"
        await self.begin(f"whip/{source}", headers)


@dataclass
class Viewer(Peer):
    levels: list[int] = field(default_factory=list)
    sounds: int = 0
    decoded: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def play(self, source: str = "amb-1/patient", **headers: str) -> None:
        self.pc.addTransceiver("video", direction="recvonly")
        self.pc.addTransceiver("audio", direction="recvonly")
        self.pc.on("track", self._on_track)
        await self.begin(f"whep/{source}", headers)

    def _on_track(self, track: MediaStreamTrack) -> None:
        self.tasks.append(asyncio.create_task(self._read(track)))

    async def _read(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, av.VideoFrame):
                    self.levels.append(int(frame.to_ndarray(format="gray").mean()))
                    self.decoded.set()
                else:
                    self.sounds += 1
        except MediaStreamError:
            return

    async def pictures(self, count: int, within_s: float = 10.0) -> None:
        """Return once `count` more pictures have been decoded."""
        wanted = len(self.levels) + count
        async with asyncio.timeout(within_s):
            while len(self.levels) < wanted:
                self.decoded.clear()
                await self.decoded.wait()
