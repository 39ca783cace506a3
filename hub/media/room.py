"""One source and its viewers: frames in, frames out, questions for key frames merged."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from hub.media.backend import CameraView, SourceId
from hub.media.fanout import (
    AUDIO_HZ,
    MOST_AUDIO_FRAMES,
    MOST_VIDEO_FRAMES,
    VIDEO_HZ,
    Fanout,
    Retimer,
    ViewerQueue,
)
from hub.media.h264 import PictureSize, picture_size
from hub.media.keyframes import KeyframeRequests
from hub.media.tap import Frame

LIVE_S: Final = 2.0
"""Video older than this is not live. Source: ux.md, rule 1."""

_RATE_WINDOW_S: Final = 2.0
_MOST_COUNTED: Final = 256  # frames within the window


def _video_out() -> Fanout:
    return Fanout(retimer=Retimer(clock_hz=VIDEO_HZ))


def _audio_out() -> Fanout:
    return Fanout(retimer=Retimer(clock_hz=AUDIO_HZ))


@dataclass(slots=True, kw_only=True)
class Room:
    """Belongs to the loop that it was made on."""

    source: SourceId
    now_s: Callable[[], float]
    publisher: str | None = None  # the session that feeds it
    video: Fanout = field(default_factory=_video_out)
    audio: Fanout = field(default_factory=_audio_out)
    frames_in: int = 0
    frames_dropped: int = 0  # of viewers that have left
    keyframe_questions: int = 0
    keyframe_requests: int = 0
    _requests: KeyframeRequests = field(default_factory=KeyframeRequests)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _size: PictureSize | None = None
    _last_frame_s: float | None = None
    _recent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_MOST_COUNTED))

    def adopt(self, session: str) -> str | None:
        """Take frames from `session` from now on; return the publisher that it replaces."""
        replaced, self.publisher = self.publisher, session
        self.video.retimer.restart()
        self.audio.retimer.restart()
        self._requests.restart()
        self.ask_keyframe()
        return replaced

    def leave(self, session: str) -> None:
        """Forget `session`, publisher or viewer."""
        if self.publisher == session:
            self.publisher = None
        for out in (self.video, self.audio):
            queue = out.queues.pop(session, None)
            if queue is not None:
                self.frames_dropped += queue.dropped_frames

    def join(self, session: str, kind: str) -> ViewerQueue:
        """Return the queue that from now on fills with frames of `kind` for `session`."""
        if kind == "video":
            queue = ViewerQueue(limit=MOST_VIDEO_FRAMES, from_key=True)
            self.video.queues[session] = queue
            self.ask_keyframe()
        else:
            queue = ViewerQueue(limit=MOST_AUDIO_FRAMES, from_key=False)
            self.audio.queues[session] = queue
        return queue

    def take_video(self, session: str, frame: Frame) -> None:
        """Give a frame of the publisher `session` to all viewers."""
        if session != self.publisher:
            return
        now_s = self.now_s()
        self.frames_in += 1
        self._last_frame_s = now_s
        self._recent.append((now_s, frame.size_bytes))
        if frame.is_key:
            self._requests.seen()
            self._size = picture_size(frame.payloads) or self._size
        if self.video.put(frame, now_s):
            self.ask_keyframe()

    def take_audio(self, session: str, frame: Frame) -> None:
        """Give a packet of the publisher `session` to all viewers."""
        if session == self.publisher:
            self.audio.put(frame, self.now_s())

    def ask_keyframe(self) -> None:
        """Note that somebody needs a key frame."""
        self.keyframe_questions += 1
        self._requests.ask()
        self._asked.set()

    async def request_keyframes(self, session: str, send: Callable[[], Awaitable[None]]) -> None:
        """Send the merged requests by `send`, for as long as `session` is the publisher."""
        while self.publisher == session:
            self._asked.clear()
            due_s = self._requests.due_s(self.now_s())
            wait_s = None if due_s is None else due_s - self.now_s()
            if wait_s is not None and wait_s <= 0:
                await send()
                self.keyframe_requests += 1
                self._requests.sent(self.now_s())
                continue
            try:
                async with asyncio.timeout(wait_s):
                    await self._asked.wait()
            except TimeoutError:
                continue

    def view(self) -> CameraView:
        """Return what is known of the source now."""
        now_s = self.now_s()
        age_s = None if self._last_frame_s is None else now_s - self._last_frame_s
        recent = [(at, size) for at, size in self._recent if now_s - at <= _RATE_WINDOW_S]
        span_s = now_s - recent[0][0] if recent else 0.0
        known = len(recent) > 1 and span_s > 0
        return CameraView(
            camera=self.source.camera,
            live=self.publisher is not None and age_s is not None and age_s < LIVE_S,
            width=self._size.width_px if self._size else None,
            height=self._size.height_px if self._size else None,
            fps=round((len(recent) - 1) / span_s, 1) if known else None,
            bitrate_bps=round(sum(size for _, size in recent[1:]) * 8 / span_s) if known else None,
            last_frame_age_ms=None if age_s is None else round(age_s * 1_000),
            viewers=len(self.video.queues.keys() | self.audio.queues.keys()),
        )
