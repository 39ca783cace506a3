"""One camera to the hub by WHIP, again and again: a lost link is met by a new session.

A session is lost when its connection fails, or when the hub, which reports on what it receives
about once a second, has not been heard for `stall_timeout_s`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.stats import RTCTransportStats
from av.packet import Packet
from av.video.stream import VideoStream

from edge_agent.backoff import Backoff
from edge_agent.media.camera import Camera, Subscription
from edge_agent.media.feedback import Feedback
from edge_agent.media.hub import HubMedia, Published
from edge_agent.media.ice import addresses_for, offer_addresses
from edge_agent.media.settings import MediaSettings
from protocols.clock import Clock
from protocols.errors import LinkDownError, TransportError
from protocols.runtime.cancel import to_the_end

log = logging.getLogger(__name__)

SEND_KEYFRAME: Final = "_send_keyframe"
"""RTCRtpSender: called for PLI and FIR. A test holds the name in place."""

_PROFILE: Final = "42e01f"
_CONNECT_TIMEOUT_S: Final = 8.0
_LOOK_S: Final = 1.0
_CLOSE_TIMEOUT_S: Final = 5.0


class PacketTrack(MediaStreamTrack):
    """Encoded pictures as a track: aiortc packs packets without encoding them again."""

    kind = "video"

    def __init__(self, subscription: Subscription, left: Callable[[int], None]) -> None:
        """`left` is told of each packet's bytes."""
        super().__init__()
        self._subscription = subscription
        self._left = left

    async def recv(self) -> "Packet[VideoStream]":
        """Return the next packet."""
        if self.readyState != "live":
            raise MediaStreamError
        packet = (await self._subscription.get()).packet
        self._left(packet.size)
        return packet


class Publisher:
    """Keeps `camera` published while `run` runs."""

    def __init__(  # noqa: PLR0913 - the parts it is made of
        self,
        camera: Camera,
        hub: HubMedia,
        settings: MediaSettings,
        *,
        clock: Clock,
        changed: Callable[[], None],
        backoff: Backoff,
    ) -> None:
        self.is_published = False
        self.was_published = False
        self.reason: str | None = None
        self.feedback = Feedback(clock.monotonic_s)
        self._camera = camera
        self._hub = hub
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._backoff = backoff

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            try:
                await self._camera.wait_pictures()
                await self._publish_once()
            except TransportError as err:
                self._note_down(str(err.facts.get("reason", err.code)))
            await self._clock.sleep(self._backoff.next_s())

    async def _publish_once(self) -> None:
        """Publish until the session is lost.

        Raises:
            TransportError: it could not begin, or was lost.
        """
        subscription = self._camera.subscribe()
        pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        session: Published | None = None
        try:
            self.feedback = Feedback(self._clock.monotonic_s)
            track = PacketTrack(subscription, self.feedback.left)
            transceiver = pc.addTransceiver(track, direction="sendonly")
            _prepare(transceiver, self._camera.ask_key)
            self.feedback.attach(transceiver.sender)
            addresses = await addresses_for(self._hub.http_url)
            if addresses is not None:
                offer_addresses(pc, addresses)
            await pc.setLocalDescription(await pc.createOffer())
            session = await self._hub.publish(self._camera.camera, pc.localDescription.sdp)
            await _connect(pc, session.answer)
            self._note_up()
            await self._until_lost(pc)
        finally:
            self._camera.unsubscribe(subscription)
            was_up, self.is_published = self.is_published, False
            if was_up:
                self._changed()
            await to_the_end(self._finish(pc, session))

    async def _finish(self, pc: RTCPeerConnection, session: Published | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await pc.close()
        if session is not None:
            with contextlib.suppress(TransportError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._hub.end(session)

    async def _until_lost(self, pc: RTCPeerConnection) -> None:
        """Return never; the hub's silence, or the connection's end, ends it.

        Raises:
            LinkDownError: the session is lost.
        """
        heard_s, received = self._clock.monotonic_s(), -1
        while True:
            await self._clock.sleep(_LOOK_S)
            if pc.connectionState != "connected":
                raise LinkDownError(reason="media connection failed")
            now_s, now_received = self._clock.monotonic_s(), await _received(pc)
            if now_received != received:
                heard_s, received = now_s, now_received
                self._backoff.reset()
            elif now_s - heard_s > self._settings.stall_timeout_s:
                raise LinkDownError(reason="hub silent")

    def _note_up(self) -> None:
        log.info("video.published", extra={"camera": self._camera.camera})
        self.is_published = self.was_published = True
        self.reason = None
        self._changed()

    def _note_down(self, reason: str) -> None:
        if self.reason != reason:
            log.warning("video.lost", extra={"camera": self._camera.camera, "reason": reason})
            self.reason = reason
            self._changed()


def _prepare(transceiver: RTCRtpTransceiver, ask_key: Callable[[], None]) -> None:
    """Offer H.264 constrained baseline alone, and take key-frame requests."""
    transceiver.setCodecPreferences(
        [
            codec
            for codec in RTCRtpSender.getCapabilities("video").codecs
            if codec.mimeType.lower() == "video/rtx"
            or str(codec.parameters.get("profile-level-id", "")).lower() == _PROFILE
        ]
    )
    setattr(transceiver.sender, SEND_KEYFRAME, ask_key)


async def _connect(pc: RTCPeerConnection, answer: str) -> None:
    """Apply `answer` and return when media can flow.

    Raises:
        LinkDownError: the answer is of no use, or no path is found in time.
    """
    changed = asyncio.Event()
    pc.on("connectionstatechange", changed.set)
    try:
        await pc.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as err:
        raise LinkDownError(reason="bad answer") from err
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            while pc.connectionState != "connected":
                if pc.connectionState in ("failed", "closed"):
                    raise LinkDownError(reason="no media path")
                changed.clear()
                await changed.wait()
    except TimeoutError as err:
        raise LinkDownError(reason="no media path") from err


async def _received(pc: RTCPeerConnection) -> int:
    """Return how many packets the hub has sent."""
    stats = await pc.getStats()
    return sum(s.packetsReceived for s in stats.values() if isinstance(s, RTCTransportStats))
