"""What the vehicle records of its cameras: one recorder a camera, one way to the hub."""

import asyncio
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge_agent.backoff import Backoff
from edge_agent.hub_http import HubAccess
from edge_agent.journal import Journal
from edge_agent.media.camera import Camera
from edge_agent.recording.hub import HubRecordings
from edge_agent.recording.pace import UploadPace
from edge_agent.recording.recorder import Recorder
from edge_agent.recording.settings import RecordingSettings
from edge_agent.recording.shelf import Segment, Shelf
from edge_agent.recording.uploader import LinkNow, Uploader
from edge_agent.vehicle_clock import VehicleClock
from protocols.errors import ClosedError, StorageError
from protocols.link.streams import Stream
from protocols.messages import Clip

log = logging.getLogger(__name__)

_EXPIRE_S: Final = 600.0
_OPEN_AGAIN_S: Final = 30.0


class Recording:
    """`run` keeps the shelf and brings segments to the hub; `record` is run for each camera."""

    def __init__(  # noqa: PLR0913 -- what it stands on
        self,
        folder: Path,
        settings: RecordingSettings,
        access: HubAccess,
        *,
        journal: Journal,
        clock: VehicleClock,
        encounter: Callable[[], str | None],
        link: LinkNow,
        rng: random.Random,
    ) -> None:
        """Prepare; nothing is opened yet. `encounter`: the open one, if any."""
        self._folder, self._settings, self._access = folder, settings, access
        self._journal, self._clock = journal, clock
        self._encounter, self._link, self._rng = encounter, link, rng
        self._shelf: Shelf | None = None
        self._is_open = asyncio.Event()

    async def record(self, camera: Camera, is_live: Callable[[], bool], unnoticed_s: float) -> None:
        """Record `camera` until cancelled, once the shelf is open."""
        await self._is_open.wait()
        if self._shelf is None:
            return
        recorder = Recorder(
            camera,
            self._shelf,
            self._settings,
            clock=self._clock,
            encounter=self._encounter,
            is_live=is_live,
            unnoticed_s=unnoticed_s,
            kept=self._declare,
        )
        await recorder.run()

    async def run(self) -> None:
        """Upload and expire until cancelled."""
        self._shelf = shelf = await self._open()
        self._is_open.set()
        hub = HubRecordings(self._access)
        uploader = Uploader(
            shelf,
            hub,
            UploadPace(self._settings.upload_bps),
            clock=self._clock,
            link=self._link,
            backoff=Backoff(rng=self._rng),
        )
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(uploader.run(), name="upload-recordings")
                group.create_task(self._expire(shelf), name="expire-recordings")
        finally:
            await hub.close()

    async def _open(self) -> Shelf:
        while True:
            try:
                return await asyncio.to_thread(Shelf, self._folder, self._settings)
            except StorageError as err:
                log.warning("recording.no_shelf", extra={**err.facts})
                await self._clock.sleep(_OPEN_AGAIN_S)

    async def _expire(self, shelf: Shelf) -> None:
        while True:
            await self._clock.sleep(_EXPIRE_S)
            now_utc_us, encounter = self._clock.utc_us(), self._encounter()
            try:
                await asyncio.to_thread(
                    shelf.expire, now_utc_us=now_utc_us, open_encounter=encounter
                )
            except StorageError as err:
                log.warning("recording.index", extra={**err.facts})

    async def _declare(self, segment: Segment) -> None:
        """Have the hub know that the segment exists, long before it has it."""
        if segment.encounter_id is None or not segment.is_wanted:
            return
        stamp = self._clock.stamp()
        clip = Clip(
            camera=segment.camera,
            segment=segment.segment,
            first_utc_us=segment.first_utc_us,
            last_utc_us=segment.last_utc_us,
            size_bytes=segment.size_bytes,
            sha256=segment.sha256,
        )
        try:
            await self._journal.append(
                Stream.CLIP,
                clip,
                captured_utc_us=segment.first_utc_us,
                clock=stamp.source,
                clock_error_us=stamp.error_us,
            )
        except (StorageError, ClosedError) as err:
            log.warning("recording.not_declared", extra={"error": err.code})
