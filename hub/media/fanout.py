"""One source to many viewers: a bounded queue each, on one unbroken clock. Pure but for waiting.

A viewer that cannot keep up loses frames up to the next key frame; it never slows the others.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

from hub.media.tap import Frame

VIDEO_HZ: Final = 90_000
AUDIO_HZ: Final = 48_000
MOST_VIDEO_FRAMES: Final = 60  # 2 s at 30 a second
MOST_AUDIO_FRAMES: Final = 50  # 1 s of 20 ms
_WRAP: Final = 1 << 32
_LONGEST_STEP_S: Final = 60.0


@dataclass(slots=True, kw_only=True)
class Retimer:
    """Makes the timestamps of publishers that follow one another one rising series."""

    clock_hz: int
    _offset: int = 0
    _last_out: int | None = None
    _last_s: float = 0.0
    _fresh: bool = True

    def restart(self) -> None:
        """The next timestamp comes from another publisher."""
        self._fresh = True

    def map(self, timestamp: int, now_s: float) -> int:
        """Return the timestamp to send for `timestamp`, modulo 2**32."""
        if self._fresh:
            step_s = min(_LONGEST_STEP_S, max(0.0, now_s - self._last_s))
            start = 0
            if self._last_out is not None:
                start = self._last_out + max(1, round(step_s * self.clock_hz))
            self._offset = start - timestamp
            self._fresh = False
        mapped = (timestamp + self._offset) % _WRAP
        self._last_out, self._last_s = mapped, now_s
        return mapped


@dataclass(slots=True, kw_only=True)
class ViewerQueue:
    """Frames on their way to one viewer."""

    limit: int
    from_key: bool  # video: begin, and begin again after a drop, at a key frame
    dropped_frames: int = 0
    _frames: deque[Frame] = field(default_factory=deque)
    _waits_for_key: bool = True
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, frame: Frame) -> bool:
        """Queue `frame`, or drop it. True: this viewer now needs a key frame."""
        if self.from_key and self._waits_for_key and not frame.is_key:
            self.dropped_frames += 1
            return False
        self._waits_for_key = False
        overflow = len(self._frames) >= self.limit
        if overflow:
            self.dropped_frames += len(self._frames) if self.from_key else 1
            if self.from_key:
                self._frames.clear()
                if not frame.is_key:
                    self.dropped_frames += 1
                    self._waits_for_key = True
                    return True
            else:
                self._frames.popleft()
        self._frames.append(frame)
        self._arrived.set()
        return False

    async def get(self) -> Frame:
        """Return the next frame, when there is one."""
        while not self._frames:
            self._arrived.clear()
            await self._arrived.wait()
        return self._frames.popleft()


@dataclass(slots=True, kw_only=True)
class Fanout:
    """One kind of media of one source."""

    retimer: Retimer
    queues: dict[str, ViewerQueue] = field(default_factory=dict)

    def put(self, frame: Frame, now_s: float) -> bool:
        """Give `frame` to every viewer. True: somebody now needs a key frame."""
        timed = replace(frame, timestamp=self.retimer.map(frame.timestamp, now_s))
        asks = False
        for queue in self.queues.values():
            asks |= queue.put(timed)
        return asks
