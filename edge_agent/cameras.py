"""The vehicle's cameras for the agent; the video library is loaded only if there are any."""

import random
import ssl
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from edge_agent.media.hub import HubAccess
from edge_agent.media.settings import MediaSettings
from protocols.clock import Clock
from protocols.errors import ConfigError
from protocols.ids import CameraId, UnitId

if TYPE_CHECKING:
    from edge_agent.media import service


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
        clock: Clock,
        rng: random.Random,
    ) -> None:
        """Prepare; nothing is opened yet.

        Raises:
            ConfigError: there are cameras and the extra `video` is not installed.
        """
        self._service: service.MediaService | None = None
        if not sources:
            return
        try:
            from edge_agent.media.service import MediaService  # noqa: PLC0415 -- heavy
        except ImportError as err:
            raise ConfigError(
                reason="cameras need the extra: pip install goldenhour[video]", missing=str(err)
            ) from err
        self._service = MediaService(
            settings,
            {CameraId(name): source for name, source in sources.items()},
            HubAccess(http_url=http_url, unit=unit, password=password, tls=tls),
            clock=clock,
            rng=rng,
        )

    async def run(self) -> None:
        """Publish until cancelled; returns at once without cameras."""
        if self._service is not None:
            await self._service.run()

    def states(self) -> Sequence[tuple[str, str]]:
        """Return each camera and its state."""
        if self._service is None:
            return ()
        return [(status.camera, status.state.value) for status in self._service.statuses]

    def summary(self) -> str | None:
        """Return what the link's record says of video: nothing where all is as it should be."""
        return None if all(state == "publishing" for _, state in self.states()) else "none"
