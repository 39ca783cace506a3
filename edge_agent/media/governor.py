"""The ladder at work: what was measured goes in, each camera is tuned to what comes out."""

import logging
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from edge_agent.media.allowance import LOOK_S, Allowance, Evidence
from edge_agent.media.camera import Camera
from edge_agent.media.ladder import SPANS, Gate
from edge_agent.media.publisher import Publisher
from edge_agent.media.settings import MediaSettings
from edge_agent.media.shares import Shares
from edge_agent.media.tuning import top_step, tuning_of
from edge_agent.uplink.load import LinkLoad
from protocols.clock import Clock
from protocols.ids import CameraId
from protocols.video import VideoReason, VideoStep

log = logging.getLogger(__name__)

_HEARD_S: Final = 2.5  # the hub reports about once a second
_READINGS_SPAN_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Given:
    """How much of one camera travels, and why not more."""

    step: VideoStep
    reason: VideoReason | None


class Governor:
    """Decides for all cameras of the vehicle; `run` while they are published."""

    def __init__(  # noqa: PLR0913 - the parts it joins
        self,
        cameras: Mapping[CameraId, Camera],
        publishers: Mapping[CameraId, Publisher],
        settings: MediaSettings,
        *,
        load: Callable[[], LinkLoad],
        clock: Clock,
        changed: Callable[[CameraId], None],
    ) -> None:
        """`publishers` may gain its entries later; `changed` is told whose step is another."""
        self._cameras = cameras
        self._publishers = publishers
        self._settings = settings
        self._load = load
        self._clock = clock
        self._changed = changed
        self._allowance = Allowance(now_s=clock.monotonic_s())
        self._shares = Shares()
        self._gates: dict[CameraId, Gate] = {}
        self._given: dict[CameraId, Given] = {}
        self._readings: deque[tuple[float, int]] = deque()
        self.link_bps: float | None = None
        self.readings_bps = 0.0

    def given(self, camera: CameraId) -> Given:
        """Return what travels of `camera` now."""
        return self._given.get(camera) or Given(VideoStep.NONE, VideoReason.NO_LINK)

    @property
    def left_bps(self) -> float | None:
        """What the readings leave of what the link has carried; None: nothing was measured."""
        return None if self.link_bps is None else max(0.0, self.link_bps - self.readings_bps)

    async def run(self) -> None:
        """Look ten times a second until cancelled."""
        while True:
            self.look()
            await self._clock.sleep(LOOK_S)

    def look(self) -> None:
        """Measure, decide, tune."""
        now_s = self._clock.monotonic_s()
        self._allowance.look(self._evidence(now_s, self._load()))
        allowance = self._allowance
        for publisher in self._publishers.values():
            publisher.feedback.may_resend = allowance.may_resend
        used = [self._is_used(name) for name in self._cameras]
        shares = self._shares.of(allowance.bps, allowance.proved_bps, used)
        for (name, camera), (share_bps, proved_bps) in zip(
            self._cameras.items(), shares, strict=True
        ):
            gate = self._gate(name, camera)
            if not self._is_used(name):
                gate.rest()
                camera.tune(None)
                self._note(name, self._words(name, camera, gate))
                continue
            may_stills = allowance.bps > 0 or allowance.is_stills
            step = gate.look(share_bps, proved_bps, may_stills=may_stills, now_s=now_s)
            camera.tune(tuning_of(step, share_bps, self._settings, is_top=step is gate.top))
            camera.hold(is_held=allowance.is_held)
            self._note(name, self._words(name, camera, gate))

    def _words(self, name: CameraId, camera: Camera, gate: Gate) -> Given:
        step = gate.step
        if camera.is_shut:
            return Given(VideoStep.NONE, VideoReason.SHUTTER)
        if camera.is_blocked:
            return Given(VideoStep.NONE, VideoReason.PRIVACY)
        if camera.fault is not None:
            return Given(VideoStep.NONE, VideoReason.FAULT)
        if not self._is_published(name):
            return Given(VideoStep.NONE, VideoReason.NO_LINK)
        if step is gate.top:
            return Given(step, None)
        is_cut = step is VideoStep.NONE
        return Given(step, VideoReason.NO_LINK if is_cut else VideoReason.RATE)

    def _note(self, name: CameraId, given: Given) -> None:
        before = self._given.get(name)
        self._given[name] = given
        if given != before:
            log.info(
                "video.step",
                extra={
                    "camera": name,
                    "step": given.step.value,
                    "reason": given.reason.value if given.reason else None,
                },
            )
            self._changed(name)

    def _evidence(self, now_s: float, load: LinkLoad) -> Evidence:
        publishers = [one for one in self._publishers.values() if one.is_published]
        told = [one.feedback.take_arriving() for one in publishers]
        worst = min(
            (one for one in told if one is not None), key=lambda one: one.share, default=None
        )
        guessed = [one.feedback.take_estimated() for one in publishers]
        estimated = [share for share in guessed if share is not None]
        passed = [one.feedback.passed_s for one in publishers if one.feedback.passed_s is not None]
        self.link_bps = load.carried_bps
        self.readings_bps = self._measure_readings(now_s, load.sent_bytes)
        return Evidence(
            now_s=now_s,
            is_answered=load.is_answered,
            late_s=load.late_s,
            queue_s=load.queue_s,
            link_bps=load.carried_bps,
            readings_bps=self.readings_bps,
            video_bps=sum(one.feedback.sent_bps for one in publishers),
            wanted_bps=sum(self._wanted_bps(name) for name in self._cameras),
            arriving=None if worst is None else worst.share,
            arriving_span_s=0.0 if worst is None else now_s - worst.since_s,
            estimated=min(estimated, default=None),
            passed_ago_s=now_s - max(passed, default=-math.inf),
            slower_s=max((one.feedback.slower_s for one in publishers), default=0.0),
            is_heard=any(one.feedback.is_heard(_HEARD_S) for one in publishers),
        )

    def _measure_readings(self, now_s: float, sent_bytes: int) -> float:
        self._readings.append((now_s, sent_bytes))
        while self._readings[0][0] < now_s - _READINGS_SPAN_S:
            self._readings.popleft()
        first_s, first = self._readings[0]
        return (sent_bytes - first) * 8 / (now_s - first_s) if now_s > first_s else 0.0

    def _wanted_bps(self, name: CameraId) -> float:
        gate = self._gates.get(name)
        most_bps = SPANS[gate.top].most_bps if gate else self._settings.bitrate_bps
        return min(self._settings.bitrate_bps, most_bps)

    def _gate(self, name: CameraId, camera: Camera) -> Gate:
        top = top_step(camera.size[1] if camera.size else None, self._settings.bitrate_bps)
        gate = self._gates.get(name)
        if gate is None or gate.top is not top:
            gate = self._gates[name] = Gate(top)
        return gate

    def _is_used(self, name: CameraId) -> bool:
        camera = self._cameras[name]
        return self._is_published(name) and not camera.is_shut and not camera.is_blocked

    def _is_published(self, name: CameraId) -> bool:
        publisher = self._publishers.get(name)
        return publisher is not None and publisher.is_published
