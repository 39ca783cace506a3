"""Records one camera: gathers pictures until a segment is long enough, then puts it on the shelf.

A segment begins with a key frame, which is asked for when the one before has its length; another
size of picture begins another segment. Pictures stand in memory until then: a segment is on the
disk whole or not at all.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from edge_agent.media.camera import Camera, Subscription
from edge_agent.recording.segment import Kept, mp4_of
from edge_agent.recording.settings import RecordingSettings
from edge_agent.recording.shelf import Segment, Shelf
from protocols.clock import Clock
from protocols.errors import MediaError, StorageError
from protocols.runtime.cancel import to_the_end

log = logging.getLogger(__name__)

LARGEST_BYTES: Final = 48 * 2**20
"""Of one segment; the next picture begins another."""

_SILENT_S: Final = 2.0
_FRAME_S: Final = 1 / 25  # how long the last picture is shown where nothing follows it


@dataclass(slots=True)
class _Gathering:
    """The segment that grows."""

    first_utc_us: int
    encounter_id: str | None
    was_missed: bool
    pictures: list[Kept] = field(default_factory=list)
    size_bytes: int = 0

    @property
    def begun_s(self) -> float:
        return self.pictures[0].captured_s


class Recorder:
    """Runs while `run` does; `lost` counts segments that could not be kept."""

    def __init__(  # noqa: PLR0913 -- what it stands on
        self,
        camera: Camera,
        shelf: Shelf,
        settings: RecordingSettings,
        *,
        clock: Clock,
        encounter: Callable[[], str | None],
        is_live: Callable[[], bool],
        unnoticed_s: float,
        kept: Callable[[Segment], Awaitable[None]],
    ) -> None:
        """`encounter`: the open one; `is_live`: whether the hub gets the pictures now.

        `unnoticed_s`: so long at most it is thought to get them after it has lost them.
        """
        self.lost = 0
        self._camera, self._shelf, self._settings = camera, shelf, settings
        self._clock, self._encounter = clock, encounter
        self._is_live, self._kept = is_live, kept
        self._unnoticed_s = unnoticed_s
        self._was_live = False
        self._is_failing = False

    async def run(self) -> None:
        """Record until cancelled; what was gathered by then is kept."""
        subscription = self._camera.subscribe(is_live=False)
        growing: _Gathering | None = None
        try:
            while True:
                picture = await _next(subscription)
                if growing is not None and self._ends(growing, picture):
                    until_s = picture.captured_s if picture and picture.is_key else None
                    growing, ended = None, growing
                    await self._seal(ended, until_s=until_s)
                if picture is not None:
                    growing = await self._add(growing, picture)
        finally:
            self._camera.unsubscribe(subscription)
            await to_the_end(self._seal(growing))

    def _ends(self, growing: _Gathering, picture: Kept | None) -> bool:
        """Whether a segment is whole, `picture` being the next one: None where there is none."""
        if picture is None or _is_apart(growing, picture) or growing.size_bytes >= LARGEST_BYTES:
            return True
        is_resized = picture.size != growing.pictures[0].size  # by the ladder; a file has one size
        return picture.is_key and (is_resized or self._is_long(growing, picture))

    def _is_long(self, growing: _Gathering, picture: Kept) -> bool:
        return picture.captured_s - growing.begun_s >= self._settings.segment_s

    async def _add(self, growing: _Gathering | None, picture: Kept) -> _Gathering | None:
        if growing is None:
            if not picture.is_key:
                self._camera.ask_key()
                return None
            age_us = round((self._clock.monotonic_s() - picture.captured_s) * 1e6)
            growing = _Gathering(self._clock.utc_us() - age_us, self._encounter(), was_missed=False)
        growing.pictures.append(picture)
        growing.size_bytes += len(picture.unit)
        is_live = self._is_live()
        growing.was_missed = growing.was_missed or not is_live
        if self._was_live and not is_live:
            await self._note_unseen()
        self._was_live = is_live
        if self._is_long(growing, picture):
            self._camera.ask_key()
        return growing

    async def _note_unseen(self) -> None:
        """The link is found dead some seconds after it died: what was kept since was not seen."""
        since_utc_us = self._clock.utc_us() - round(self._unnoticed_s * 1e6)
        try:
            await asyncio.to_thread(
                self._shelf.were_missed,
                self._camera.camera,
                since_utc_us=since_utc_us,
                want=self._settings.upload != "none",
            )
        except StorageError as err:
            log.warning("recording.index", extra={"camera": self._camera.camera, **err.facts})

    async def _seal(self, growing: _Gathering | None, *, until_s: float | None = None) -> None:
        """Put `growing` on the shelf; a fault is counted, and told once."""
        if growing is None:
            return
        last_s = growing.pictures[-1].captured_s + _FRAME_S
        if until_s is not None and until_s - last_s < _SILENT_S:
            last_s = until_s
        try:
            segment = await asyncio.to_thread(self._put, growing, last_s)
            await self._kept(segment)
        except (MediaError, StorageError) as err:
            self.lost += 1
            if not self._is_failing:
                log.warning("recording.lost", extra={"camera": self._camera.camera, **err.facts})
            self._is_failing = True
        else:
            if self._is_failing:
                log.info("recording.kept_again", extra={"camera": self._camera.camera})
            self._is_failing = False

    def _put(self, growing: _Gathering, last_s: float) -> Segment:
        encounter_id = self._encounter() or growing.encounter_id
        wanted = {"all": True, "missed": growing.was_missed, "none": False}
        return self._shelf.put(
            mp4_of(growing.pictures, last_s=last_s),
            camera=self._camera.camera,
            first_utc_us=growing.first_utc_us,
            last_utc_us=growing.first_utc_us + round((last_s - growing.begun_s) * 1e6),
            encounter_id=encounter_id,
            was_missed=growing.was_missed,
            is_wanted=encounter_id is not None and wanted[self._settings.upload],
        )


async def _next(subscription: Subscription) -> Kept | None:
    """Return the next picture, or None where the camera has been silent for a while."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SILENT_S):
            picture = await subscription.get()
            return Kept(bytes(picture.packet), picture.is_key, picture.captured_s, picture.size)
    return None


def _is_apart(growing: _Gathering, picture: Kept) -> bool:
    """Whether pictures are missing before this one; a segment has no hole inside."""
    return picture.captured_s - growing.pictures[-1].captured_s > _SILENT_S
