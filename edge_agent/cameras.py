"""The vehicle's cameras for the agent; the video library is loaded only if there are any."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from edge_agent.hub_http import HubAccess
from edge_agent.journal import Journal
from edge_agent.media.settings import MediaSettings
from edge_agent.recording.settings import RecordingSettings
from edge_agent.uplink import LinkLoad
from edge_agent.vehicle_clock import Stamp, VehicleClock
from protocols.errors import ConfigError, NotFoundError, StorageError
from protocols.ids import CameraId
from protocols.link.streams import Stream
from protocols.messages import CameraHealth, DeviceFault, Message, Still

if TYPE_CHECKING:
    from edge_agent.media import service
    from edge_agent.recording import service as recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What recording needs besides the cameras."""

    folder: Path
    settings: RecordingSettings
    encounter: Callable[[], str | None]
    link: Callable[[], tuple[float | None, int]]


TELL_S: Final = 1.0


class Cameras:
    """What is published, and how that stands."""

    def __init__(  # noqa: PLR0913 -- what publishing needs
        self,
        sources: Mapping[str, str],
        settings: MediaSettings,
        *,
        access: HubAccess,
        journal: Journal,
        load: Callable[[], LinkLoad],
        clock: VehicleClock,
        rng: random.Random,
        recorded: Recorded,
    ) -> None:
        """Prepare; nothing is opened yet.

        Raises:
            ConfigError: there are cameras and the extra `video` is not installed.
        """
        self._service: service.MediaService | None = None
        self._recording: recording.Recording | None = None
        self._journal, self._clock = journal, clock
        if not sources:
            return
        try:
            from edge_agent.media.service import MediaService  # noqa: PLC0415 -- heavy
            from edge_agent.recording.service import Recording  # noqa: PLC0415 -- heavy
        except ImportError as err:
            raise ConfigError(
                reason="cameras need the extra: pip install goldenhour[video]", missing=str(err)
            ) from err
        if recorded.settings.enabled:
            self._recording = Recording(
                recorded.folder,
                recorded.settings,
                access,
                journal=journal,
                clock=clock,
                encounter=recorded.encounter,
                link=recorded.link,
                rng=rng,
            )
        self._service = MediaService(
            settings,
            {CameraId(name): source for name, source in sources.items()},
            access,
            clock=clock,
            rng=rng,
            load=load,
            record=None if self._recording is None else self._recording.record,
            stills=self._keep_still,
        )

    async def run(self) -> None:
        """Publish until cancelled; returns at once without cameras."""
        if self._service is not None:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._service.run(), name="media")
                group.create_task(self._tell_changes(), name="camera-changes")

    async def keep_recordings(self) -> None:
        """Keep what is recorded, and bring it to the hub, until cancelled."""
        if self._recording is not None:
            await self._recording.run()

    def states(self) -> Sequence[tuple[str, CameraHealth]]:
        """Return each camera's state in a word, and what is told of it."""
        if self._service is None:
            return ()
        return [
            (
                status.state.value,
                CameraHealth(
                    camera=status.camera,
                    step=status.step,
                    reason=status.given_up,
                    faults=status.faults or None,
                    blurs_faces=True if status.blurs_faces else None,
                ),
            )
            for status in self._service.statuses
        ]

    def states_by_name(self) -> Sequence[tuple[str, str]]:
        """Return each camera and its state."""
        return [(health.camera, state) for state, health in self.states()]

    def health(self) -> tuple[CameraHealth, ...]:
        """Return what the link's record says of each camera."""
        return tuple(health for _, health in self.states())

    async def remember(self) -> None:
        """Close again the shutters that were closed when the agent ended."""
        for health in self.health():
            if await self._journal.kept(_kept_as(health.camera)) is not None:
                self._shut(health.camera, is_shut=True)

    async def shut(self, camera: str, *, is_shut: bool) -> None:
        """Close a camera's shutter, or open it; closed it stays closed over a restart.

        Raises:
            NotFoundError: there is no such camera.
            StorageError: the journal cannot keep it; an open shutter was closed all the same.
        """
        if is_shut:
            self._shut(camera, is_shut=True)
            await self._journal.keep(_kept_as(camera), "closed")
        else:
            if camera not in {health.camera for health in self.health()}:
                raise NotFoundError(what="camera", camera=camera)
            await self._journal.forget(_kept_as(camera))
            self._shut(camera, is_shut=False)

    def _shut(self, camera: str, *, is_shut: bool) -> None:
        if self._service is None:
            raise NotFoundError(what="camera", camera=camera)
        self._service.shut(CameraId(camera), is_shut=is_shut)

    async def _tell_changes(self) -> None:
        """Record what has changed of a camera, once a second at most."""
        told: dict[str, CameraHealth] = {}
        while True:
            for health in self.health():
                before = told.get(health.camera)
                if before != health:
                    with contextlib.suppress(StorageError):  # the journal says so; asked again
                        await self._tell(health, before)
                        told[health.camera] = health
            await self._clock.sleep(TELL_S)

    async def _tell(self, health: CameraHealth, before: CameraHealth | None) -> None:
        stamp = self._clock.stamp()
        await self._append(Stream.STILL, health, stamp)
        had = set(before.faults or ()) if before else set()
        has = set(health.faults or ())
        for fault in sorted(has ^ had):
            state: Literal["raised", "cleared"] = "raised" if fault in has else "cleared"
            change = DeviceFault(device=health.camera, fault=fault, state=state)
            await self._append(Stream.STATUS, change, stamp)

    async def _append(self, stream: Stream, message: Message, stamp: Stamp) -> None:
        await self._journal.append(
            stream,
            message,
            captured_utc_us=stamp.utc_us,
            clock=stamp.source,
            clock_error_us=stamp.error_us,
        )

    async def _keep_still(self, parts: Sequence[Still], *, age_s: float) -> None:
        stamp = self._clock.stamp()
        taken = replace(stamp, utc_us=max(0, stamp.utc_us - round(age_s * 1_000_000)))
        async with asyncio.TaskGroup() as group:  # all in one commit
            for part in parts:
                group.create_task(self._append(Stream.STILL, part, taken))


def _kept_as(camera: str) -> str:
    """Return under which name the journal keeps that a shutter is closed."""
    return f"shutter.{camera}"
