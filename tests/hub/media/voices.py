"""People who talk, for tests: each says one tone, and knows which tones they hear."""

import asyncio
import fractions
import time
from collections import deque
from dataclasses import dataclass, field

import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from tests.hub.media.peers import Peer

RATE = 48_000
SAMPLES = 960  # 20 ms
LOUD = 0.25


class Tone(MediaStreamTrack):
    """A sine of `hz`; muted it sends nothing at all, as a browser without a track does."""

    kind = "audio"

    def __init__(self, hz: int) -> None:
        super().__init__()
        self.hz = hz
        self.amplitude = LOUD
        self.unmuted = asyncio.Event()
        self.unmuted.set()
        self._count = 0
        self._start = time.monotonic()

    def mute(self) -> None:
        self.unmuted.clear()

    def unmute(self) -> None:
        self.unmuted.set()

    async def recv(self) -> av.AudioFrame:
        if not self.unmuted.is_set():
            await self.unmuted.wait()
            self._count = round((time.monotonic() - self._start) * RATE / SAMPLES)
        due = self._start + self._count * SAMPLES / RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if self.readyState != "live":
            raise MediaStreamError
        at = np.arange(self._count * SAMPLES, (self._count + 1) * SAMPLES)
        wave = np.sin(2 * np.pi * self.hz * at / RATE) * self.amplitude * 32_767
        frame = av.AudioFrame.from_ndarray(
            wave.astype(np.int16).reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate = RATE
        frame.pts = self._count * SAMPLES
        frame.time_base = fractions.Fraction(1, RATE)
        self._count += 1
        return frame


@dataclass
class Talker(Peer):
    """One in a conversation."""

    tone: Tone = field(default_factory=lambda: Tone(400))
    heard: dict[int, deque[float]] = field(default_factory=dict)
    """The newest second of each stream."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def talk(self, source: str, *, slots: int = 3) -> None:
        self.pc.addTransceiver(self.tone, direction="sendonly")
        for _ in range(slots):
            self.pc.addTransceiver("audio", direction="recvonly")
        self.pc.on("track", self._on_track)
        await self.begin(f"talk/{source}")
        await self.connected()

    def hears(self, hz: int) -> bool:
        """Say whether a tone is in what any stream has brought of late."""
        return any(_has(np.array(samples), hz) for samples in self.heard.values())

    def forget(self) -> None:
        """Forget what was heard until now."""
        for samples in self.heard.values():
            samples.clear()

    def _on_track(self, track: MediaStreamTrack) -> None:
        self.tasks.append(asyncio.create_task(self._read(track, len(self.heard))))
        self.heard[len(self.heard)] = deque(maxlen=RATE // 2)

    async def _read(self, track: MediaStreamTrack, number: int) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                left = frame.to_ndarray()[0, ::2] if frame.layout.nb_channels == 2 else None
                samples = frame.to_ndarray()[0] if left is None else left
                self.heard[number].extend(float(each) / 32_767 for each in samples)
        except MediaStreamError:
            return


def _has(samples: "np.ndarray[tuple[int], np.dtype[np.float64]]", hz: int) -> bool:
    """Say whether a sine of `hz` makes up a good part of the samples."""
    if len(samples) < RATE // 10:
        return False
    newest = samples[-RATE // 10 :]
    spectrum = np.abs(np.fft.rfft(newest * np.hanning(len(newest))))
    near = round(hz * len(newest) / RATE)
    return bool(spectrum[near - 1 : near + 2].max() > 0.02 * len(newest) / 4)
