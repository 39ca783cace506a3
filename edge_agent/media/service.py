"""The vehicle's cameras as one service: each read, encoded once, kept published, by the ladder."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from edge_agent.backoff import Backoff
from edge_agent.hub_http import HubAccess
from edge_agent.media.camera import Camera
from edge_agent.media.governor import Governor
from edge_agent.media.guard import LOOK_S, FaceGuard
from edge_agent.media.hub import HubMedia
from edge_agent.media.publisher import Publisher
from edge_agent.media.settings import MediaSettings
from edge_agent.media.state import CameraStatus, judge
from edge_agent.media.stills import KeepStill, Stills
from edge_agent.uplink.load import LinkLoad
from protocols.clock import Clock
from protocols.errors import NotFoundError
from protocols.ids import CameraId
from protocols.video import CameraFault

Record = Callable[[Camera, Callable[[], bool], float], Coroutine[Any, Any, None]]


class MediaService:
    """`run` is the service; `statuses` may be read at any time on the same loop."""

    def __init__(  # noqa: PLR0913 - the parts it is made of
        self,
        settings: MediaSettings,
        cameras: Mapping[CameraId, str],
        access: HubAccess,
        *,
        clock: Clock,
        rng: random.Random,
        load: Callable[[], LinkLoad] = LinkLoad,
        stills: KeepStill | None = None,
        record: Record | None = None,
        on_change: Callable[[CameraStatus], None] | None = None,
    ) -> None:
        """Prepare; nothing is opened yet. `cameras`: name → source (`edge_agent.media.source`).

        `load`: what the readings' way shows of the link; `stills` takes stills, None: none are
        made. `on_change` is called on the loop with each camera's status whenever that changes.
        `record` is run beside each camera: it is given the camera, whether the hub gets the
        pictures now, and for how long that may be thought wrongly.
        """
        self._settings = settings
        self._access = access
        self._clock = clock
        self._rng = rng
        self._on_change = on_change
        self._record = record
        self._statuses: dict[CameraId, CameraStatus] = {}
        self._cameras = {
            name: Camera(
                name,
                source,
                settings,
                now_s=clock.monotonic_s,
                changed=partial(self._update, name),
                guard=guard_of(settings, name),
            )
            for name, source in cameras.items()
        }
        self._publishers: dict[CameraId, Publisher] = {}
        self._load, self._keep_still = load, stills
        self._governor = Governor(
            self._cameras,
            self._publishers,
            settings,
            load=load,
            clock=clock,
            changed=self._update,
        )

    @property
    def statuses(self) -> tuple[CameraStatus, ...]:
        """Every camera's status, in the order of the settings."""
        return tuple(self._statuses.get(name) or self._status(name) for name in self._cameras)

    def shut(self, name: CameraId, *, is_shut: bool) -> None:
        """Close a camera's shutter, or open it.

        Raises:
            NotFoundError: there is no such camera.
        """
        if name not in self._cameras:
            raise NotFoundError(what="camera", camera=name)
        self._cameras[name].shut(is_shut=is_shut)
        self._governor.look()

    async def run(self) -> None:
        """Publish all cameras until cancelled; threads and connections have ended on return."""
        hub = HubMedia(self._access)
        await self._load_models()
        try:
            async with asyncio.TaskGroup() as group:
                for name, camera in self._cameras.items():
                    publisher = Publisher(
                        camera,
                        hub,
                        self._settings,
                        clock=self._clock,
                        changed=partial(self._update, name),
                        backoff=Backoff(
                            base_s=self._settings.retry_base_s,
                            cap_s=self._settings.retry_cap_s,
                            rng=self._rng,
                        ),
                    )
                    self._publishers[name] = publisher
                    self._update(name)
                    group.create_task(camera.run(), name=f"camera-{name}")
                    group.create_task(publisher.run(), name=f"publish-{name}")
                    if self._record is not None:
                        record = self._record(
                            camera,
                            partial(_is_live, camera, publisher),
                            self._settings.stall_timeout_s,
                        )
                        group.create_task(record, name=f"record-{name}")
                group.create_task(self._governor.run(), name="ladder")
                group.create_task(self._look_for_models(), name="face-models")
                if self._keep_still is not None:
                    stills = Stills(
                        self._cameras,
                        self._governor,
                        load=self._load,
                        keep=self._keep_still,
                        clock=self._clock,
                    )
                    group.create_task(stills.run(), name="stills")
        finally:
            await hub.close()

    async def _look_for_models(self) -> None:
        while any(camera.guard is not None for camera in self._cameras.values()):
            await self._clock.sleep(LOOK_S)
            await self._load_models()

    async def _load_models(self) -> None:
        """Load the face model of each camera that needs one and has none."""
        for name, camera in self._cameras.items():
            if camera.guard is not None and not camera.guard.is_ready:
                was_missing = camera.guard.is_missing
                await asyncio.to_thread(camera.guard.load)
                if camera.guard.is_ready or not was_missing:
                    self._update(name)

    def _update(self, name: CameraId) -> None:
        status, known = self._status(name), self._statuses.get(name)
        if known is not None and known.state is status.state:
            status = replace(status, since_s=known.since_s)
        self._statuses[name] = status
        if self._on_change is not None and status != known:
            self._on_change(status)

    def _status(self, name: CameraId) -> CameraStatus:
        camera, publisher = self._cameras[name], self._publishers.get(name)
        width_px, height_px = camera.size or (None, None)
        given = self._governor.given(name)
        return CameraStatus(
            camera=name,
            state=judge(
                gives_pictures=camera.fault is None,
                is_published=publisher is not None and publisher.is_published,
                was_published=publisher is not None and publisher.was_published,
                is_shut=camera.is_shut,
            ),
            since_s=self._clock.monotonic_s(),
            reason=camera.fault or (publisher.reason if publisher else None),
            width_px=width_px,
            height_px=height_px,
            step=given.step,
            given_up=given.reason,
            faults=faults_of(camera),
            blurs_faces=camera.guard is not None and camera.guard.is_ready,
        )


def _is_live(camera: Camera, publisher: Publisher) -> bool:
    """Whether the hub gets the camera's pictures now."""
    return publisher.is_published and camera.is_moving


def faults_of(camera: Camera) -> tuple[CameraFault, ...]:
    """Return what is wrong with a camera or its picture, in the order of their names."""
    found = set(camera.faults)
    if camera.fault is not None:
        found.add(CameraFault.NO_PICTURE)
    if camera.guard is not None and camera.guard.is_missing:
        found.add(CameraFault.NO_FACE_MODEL)
    return tuple(sorted(found))


def guard_of(settings: MediaSettings, camera: CameraId) -> FaceGuard | None:
    """Return what hides the faces of `camera`; None where the policy shows them."""
    if not settings.blur_faces or camera in settings.blur_exempt:
        return None
    return FaceGuard(
        camera,
        settings.face_model_dir,
        width_px=settings.face_width_px,
        every=settings.face_every,
    )
