"""One camera: read in one thread, encoded in another, given to whoever subscribes.

The loop is never blocked: threads hand over by `call_soon_threadsafe`. Between reading and encoding
stands one place, and a newer picture takes it: a slow encoder makes the picture coarser in time,
not older. While nobody subscribes nothing is encoded. Where the ladder leaves nothing that moves,
or holds it for a moment, only a recording is given pictures: as the settings say, for what nobody
saw is brought to the hub later.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from av.video.frame import VideoFrame

from edge_agent.media.encoder import EncodedPicture, Encoder
from edge_agent.media.guard import FaceGuard
from edge_agent.media.settings import MediaSettings
from edge_agent.media.source import CameraLostError, Picture, read_pictures
from edge_agent.media.tuning import Tuning, is_same
from edge_agent.media.watch import PictureWatch
from protocols.errors import MediaError
from protocols.ids import CameraId
from protocols.runtime.cancel import to_the_end
from protocols.video import CameraFault

log = logging.getLogger(__name__)
T = TypeVar("T")

_RETRY_S: Final = 1.0
_MOST_WAITING: Final = 8  # pictures for one subscriber
_JOIN_S: Final = 10.0


class Subscription:
    """Encoded pictures on their way to one reader. Full: all go, a key frame is asked for."""

    def __init__(self, ask_key: Callable[[], None], *, is_live: bool) -> None:
        self.is_live = is_live
        self._ask_key = ask_key
        self._waiting: deque[EncodedPicture] = deque()
        self._arrived = asyncio.Event()
        self._needs_key = True
        self.dropped = 0

    def put(self, picture: EncodedPicture) -> None:
        """Queue one picture; on the loop."""
        if self._needs_key and not picture.is_key:
            self.dropped += 1
            return
        self._needs_key = False
        if len(self._waiting) >= _MOST_WAITING:
            self.dropped += len(self._waiting) + 1
            self._waiting.clear()
            self._needs_key = True
            self._ask_key()
            return
        self._waiting.append(picture)
        self._arrived.set()

    def miss(self) -> None:
        """Leave one picture out; the next that is given is a key frame."""
        self.dropped += 1
        self._needs_key = True

    async def get(self) -> EncodedPicture:
        """Return the next picture, when there is one."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()


@dataclass(slots=True, kw_only=True)
class _Slot:
    """The one place between the threads."""

    ready: threading.Condition = field(default_factory=threading.Condition)
    picture: Picture | None = None

    def put(self, picture: Picture) -> None:
        with self.ready:
            self.picture = picture
            self.ready.notify()

    def take(self, timeout_s: float) -> Picture | None:
        with self.ready:
            if self.picture is None:
                self.ready.wait(timeout_s)
            picture, self.picture = self.picture, None
            return picture


class Pace:
    """Thins pictures to one an interval on average, whatever their jitter."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._due_s = float("-inf")

    def admits(self, captured_s: float) -> bool:
        """Say whether the picture taken at `captured_s` is one to keep."""
        if captured_s < self._due_s - self._interval_s / 2:
            return False
        self._due_s = max(self._due_s, captured_s - self._interval_s) + self._interval_s
        return True


class Camera:
    """Runs while `run` does. State is read on the loop."""

    def __init__(  # noqa: PLR0913 - what a camera is
        self,
        camera: CameraId,
        source: str,
        settings: MediaSettings,
        *,
        now_s: Callable[[], float],
        changed: Callable[[], None],
        guard: FaceGuard | None = None,
    ) -> None:
        """`guard`: hides faces; without a word of it no picture leaves."""
        self.camera = camera
        self.fault: str | None = None
        self.size: tuple[int, int] | None = None
        self.encoded = 0
        self.latest: Picture | None = None  # read last, as the camera gave it
        self.is_shut = False
        self.guard = guard
        self.faults: frozenset[CameraFault] = frozenset()
        self._source = source
        self._tuning: Tuning | None = None
        self._is_moving = True
        self._is_held = False
        self._settings = settings
        self._now_s = now_s
        self._changed = changed
        self._slot = _Slot()
        self._ended = threading.Event()
        self._stopped = threading.Event()  # reading: ended, or the shutter is closed
        self._opened = threading.Event()
        self._opened.set()
        self._key_wanted = threading.Event()
        self._subscriptions: list[Subscription] = []
        self._gives_pictures = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_moving(self) -> bool:
        """Whether the ladder leaves something that moves."""
        return self._is_moving

    def subscribe(self, *, is_live: bool = True) -> Subscription:
        """Return encoded pictures from the next key frame on, which is asked for.

        `is_live`: they use the link, so that the ladder decides; a recording's do not.
        """
        subscription = Subscription(self.ask_key, is_live=is_live)
        self._subscriptions.append(subscription)
        self.ask_key()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop giving pictures to `subscription`."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    def ask_key(self) -> None:
        """Make the next picture a key frame."""
        self._key_wanted.set()

    def tune(self, tuning: Tuning | None) -> None:
        """Encode so from the next picture on; None: nothing for those who are live."""
        if tuning is not None and not self._is_moving:
            self.ask_key()
        self._is_moving = tuning is not None
        if not is_same(self._tuning, tuning):
            self._tuning = tuning

    def shut(self, *, is_shut: bool) -> None:
        """Close the shutter, or open it. Closed: the camera is let go and no picture is kept."""
        if is_shut == self.is_shut:
            return
        self.is_shut = is_shut
        if is_shut:
            self._opened.clear()
            self._stopped.set()
            self._slot.take(0.0)
            self.latest, self.fault, self.faults = None, None, frozenset()
            log.info("camera.shut", extra={"camera": self.camera})
        else:
            self._stopped.clear()
            self._opened.set()
            self.ask_key()
            log.info("camera.opened", extra={"camera": self.camera})
        self._changed()

    def hold(self, *, is_held: bool) -> None:
        """Give those who are live nothing for the moment; after it, a key frame first."""
        if self._is_held and not is_held:
            self.ask_key()
        self._is_held = is_held

    @property
    def is_blocked(self) -> bool:
        """Faces must be hidden, and cannot be: no picture leaves."""
        return self.guard is not None and not self.guard.is_ready

    def still(self) -> Picture | None:
        """Return the newest picture as it may be shown; for a thread."""
        picture = self.latest
        if picture is None or self.guard is None:
            return picture
        frame = self.guard.still(picture.frame, picture.captured_s)
        return None if frame is None else Picture(frame, picture.captured_s)

    async def wait_pictures(self) -> None:
        """Return when the camera gives pictures."""
        await self._gives_pictures.wait()

    async def run(self) -> None:
        """Read and encode until cancelled; a lost camera is opened anew."""
        self._loop = asyncio.get_running_loop()
        threads = [
            threading.Thread(target=target, name=f"{name}-{self.camera}", daemon=True)
            for name, target in (("camera", self._read), ("encode", self._encode))
        ]
        for thread in threads:
            thread.start()
        try:
            await asyncio.Event().wait()
        finally:
            self._ended.set()
            self._stopped.set()
            self._opened.set()
            await to_the_end(asyncio.to_thread(_join, threads))

    # Below: in the threads.

    def _read(self) -> None:
        while not self._ended.is_set():
            self._opened.wait()
            try:
                self._read_once()
            except CameraLostError as err:
                if not self._stopped.is_set():
                    self._tell(self._lost, str(err.facts.get("reason")))
            self._stopped.wait(_RETRY_S)

    def _read_once(self) -> None:
        size = None
        watch = PictureWatch()
        pace = Pace(1.0 / self._settings.max_fps)
        for picture in read_pictures(
            self._source,
            read_timeout_s=self._settings.read_timeout_s,
            now_s=self._now_s,
            ended=self._stopped,
        ):
            if self._stopped.is_set():
                return
            if not pace.admits(picture.captured_s):
                continue
            shape = (picture.frame.width, picture.frame.height)
            if shape != size:
                size = shape
                self._tell(self._found, shape)
            if watch.look(picture.frame, picture.captured_s):
                self._tell(self._watched, watch.faults)
            self.latest = picture
            self._slot.put(picture)

    def _encode(self) -> None:
        encoder: Encoder | None = None
        pace = Pace(0.0)
        while not self._ended.is_set():
            picture = self._slot.take(timeout_s=0.5)
            is_used = self._is_used()
            if picture is None or not is_used:
                encoder = encoder if is_used or self._is_held else None
                continue
            tuning = self._tuning
            if encoder is None or encoder.tuning is not tuning:
                pace = Pace(0.0 if tuning is None else 1.0 / tuning.fps)
            if not pace.admits(picture.captured_s):
                continue
            shown = self._shown(picture)
            if shown is None:
                continue
            picture = shown
            try:
                encoder = self._encoder_for(picture.frame, encoder)
                self._encode_one(encoder, picture)
            except MediaError as err:
                encoder = None
                self._tell(self._lost, str(err.facts.get("reason")))
                self._ended.wait(_RETRY_S)

    def _is_used(self) -> bool:
        """Whether somebody is to be given the next picture."""
        is_sent = self._is_moving and not self._is_held
        return any(is_sent or not one.is_live for one in tuple(self._subscriptions))

    def _shown(self, picture: Picture) -> Picture | None:
        """Return `picture` as it may leave; None: it may not."""
        if self.guard is None:
            return picture
        frame = self.guard.live(picture.frame, picture.captured_s)
        return None if frame is None else Picture(frame, picture.captured_s)

    def _encoder_for(self, frame: VideoFrame, encoder: Encoder | None) -> Encoder:
        tuning, size = self._tuning, (frame.width, frame.height)
        if encoder is not None and encoder.input_size == size and encoder.tuning is tuning:
            return encoder
        return Encoder(self._settings, width_px=frame.width, height_px=frame.height, tuning=tuning)

    def _encode_one(self, encoder: Encoder, picture: Picture) -> None:
        force_key = self._key_wanted.is_set()
        self._key_wanted.clear()
        encoded = encoder.encode(picture.frame, picture.captured_s, force_key=force_key)
        if encoded is not None:
            self._tell(self._give, encoded)

    def _tell(self, action: Callable[[T], None], value: T) -> None:
        """Run `action` on the loop; the loop may have gone when the thread is the last to end."""
        if self._loop is not None and not self._ended.is_set():
            self._loop.call_soon_threadsafe(action, value)

    # On the loop again.

    def _found(self, size: tuple[int, int]) -> None:
        if self.fault is not None or self.size is None:
            log.info("camera.up", extra={"camera": self.camera, "size": f"{size[0]}x{size[1]}"})
        if self.is_shut:
            return
        self.fault, self.size = None, size
        self._gives_pictures.set()
        self._changed()

    def _watched(self, faults: frozenset[CameraFault]) -> None:
        if not self.is_shut:
            self.faults = faults
            log.info(
                "camera.faults", extra={"camera": self.camera, "faults": ",".join(sorted(faults))}
            )
            self._changed()

    def _lost(self, reason: str) -> None:
        if self.is_shut:
            return
        self.faults = frozenset()
        if self.fault is None:
            log.warning("camera.down", extra={"camera": self.camera, "reason": reason})
        self._gives_pictures.clear()
        if self.fault != reason:
            self.fault = reason
            self._changed()

    def _give(self, picture: EncodedPicture) -> None:
        if self.is_shut:
            return  # encoded in the moment in which the shutter was closed
        self.encoded += 1
        is_now = picture.tuning is self._tuning  # else it was encoded for another step
        is_sent = is_now and self._is_moving and not self._is_held
        for subscription in self._subscriptions:
            if is_sent or not subscription.is_live:
                subscription.put(picture)
            else:
                subscription.miss()


def _join(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.join(_JOIN_S)
