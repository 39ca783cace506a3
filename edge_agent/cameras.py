"""The vehicle's cameras for the agent; the video library is loaded only if there are any."""

import random
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge_agent.media.hub import HubAccess
from edge_agent.media.settings import MediaSettings
from edge_agent.recording.settings import RecordingSettings
from edge_agent.vehicle_clock import VehicleClock
from protocols.errors import ConfigError
from protocols.ids import CameraId, UnitId

if TYPE_CHECKING:
    from edge_agent.journal import Journal
    from edge_agent.media import service
    from edge_agent.recording import service as recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What recording needs besides the cameras."""

    folder: Path
    settings: RecordingSettings
    journal: "Journal"
    encounter: Callable[[], str | None]
    link: Callable[[], tuple[float | None, int]]


class Cameras:
    """What is published, and how that stands."""

    def __init__(  # noqa: PLR0913 -- what publishing needs
        self,
        sources: Mapping[str, str],
        settings: MediaSettings,
        *,
        http_url: str,
        unit: UnitId,
        password: str,
        tls: ssl.SSLContext | None,
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
        if not sources:
            return
        try:
            from edge_agent.media.service import MediaService  # noqa: PLC0415 -- heavy
            from edge_agent.recording.service import Recording  # noqa: PLC0415 -- heavy
        except ImportError as err:
            raise ConfigError(
                reason="cameras need the extra: pip install goldenhour[video]", missing=str(err)
            ) from err
        access = HubAccess(http_url=http_url, unit=unit, password=password, tls=tls)
        if recorded.settings.enabled:
            self._recording = Recording(
                recorded.folder,
                recorded.settings,
                access,
                journal=recorded.journal,
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
            record=None if self._recording is None else self._recording.record,
        )

    async def run(self) -> None:
        """Publish until cancelled; returns at once without cameras."""
        if self._service is not None:
            await self._service.run()

    async def keep_recordings(self) -> None:
        """Keep what is recorded, and bring it to the hub, until cancelled."""
        if self._recording is not None:
            await self._recording.run()

    def states(self) -> Sequence[tuple[str, str]]:
        """Return each camera and its state."""
        if self._service is None:
            return ()
        return [(status.camera, status.state.value) for status in self._service.statuses]

    def summary(self) -> str | None:
        """Return what the link's record says of video: nothing where all is as it should be."""
        return None if all(state == "publishing" for _, state in self.states()) else "none"
