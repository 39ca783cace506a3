"""One peer on aiortc: negotiated, forwarded, ended without a trace."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from typing import ClassVar, Final

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpCodecCapability,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError
from aiortc.rtcrtpsender import RTCEncodedFrame

from hub.media.aiortc_names import NEXT_ENCODED_FRAME
from hub.media.backend import SourceId
from hub.media.fanout import ViewerQueue
from hub.media.h264 import fit
from hub.media.ice import IcePlan, plan_ice
from hub.media.sdp import Offer, Role
from hub.media.settings import IceServer
from hub.media.tap import Frame, VideoTap
from protocols.errors import RemoteProtocolError

log = logging.getLogger(__name__)

LARGEST_PAYLOAD_BYTES: Final = 1300
"""With RTP header, extensions and RTX this stays under the 1356 bytes that pylibsrtp takes; a
larger packet would end the sender without a word."""

_CLOSE_TIMEOUT_S: Final = 5.0
_H264_PROFILES: Final = ("42e01f", "42001f")  # constrained baseline, baseline


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """One peer connection. What it feeds or is fed by is the kinds' below.

    `changed` is called when its state changes.
    """

    role: ClassVar[Role]
    source: SourceId
    now_s: Callable[[], float]
    ice_servers: InitVar[tuple[IceServer, ...]]
    changed: Callable[[], None]
    id: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    pc: RTCPeerConnection = field(init=False)
    created_s: float = field(init=False)
    heard_s: float = field(init=False)
    ufrag: str = ""
    etag: str = field(default_factory=lambda: f'"{secrets.token_hex(8)}"')
    connected: bool = False
    started: bool = False
    dead: bool = False
    taps: list[VideoTap] = field(default_factory=list)

    def __post_init__(self, ice_servers: tuple[IceServer, ...]) -> None:
        configuration = RTCConfiguration(
            iceServers=[  # an empty list, too, must be given: aiortc's default is a public server
                RTCIceServer(urls=s.url, username=s.username, credential=s.credential)
                for s in ice_servers
            ],
            bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
        )
        self.pc = RTCPeerConnection(configuration)
        self.created_s = self.heard_s = self.now_s()

    async def negotiate(self, offer: Offer, plan: IcePlan) -> str:
        """Return the SDP answer to `offer`.

        Raises:
            RemoteProtocolError: aiortc finds fault with the offer.
            MediaBusyError: no port is free.
        """
        self.ufrag = offer.ufrag
        for section in offer.sections:
            self.prepare(section.kind)
        plan_ice(self.pc, plan, self._heard)
        self.pc.on("connectionstatechange", self._on_state)
        try:
            await self.pc.setRemoteDescription(RTCSessionDescription(sdp=offer.text, type="offer"))
            await self.pc.setLocalDescription(await self.pc.createAnswer())
        except (
            AssertionError,
            AttributeError,
            IndexError,
            KeyError,
            TypeError,
            ValueError,
            InvalidAccessError,
            InvalidStateError,
            OperationError,
        ) as err:  # aiortc's parser raises these for what the first check let pass
            raise RemoteProtocolError(reason="malformed-sdp", detail=type(err).__name__) from err
        return self.pc.localDescription.sdp

    async def close(self) -> None:
        """End the session. Returns when its sockets and tasks are gone."""
        self.dead = True
        await self.stop()
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self.pc.close()
        except TimeoutError:
            log.warning("media.close_slow", extra={"session": self.id[:6]})

    def start(self) -> None:
        """Begin to forward; the media path stands. To be called once, by the forwarder."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Forward no longer. May be called when nothing has begun."""
        raise NotImplementedError

    def prepare(self, kind: str) -> None:
        """Make the transceiver for an offered section before the offer is applied."""
        raise NotImplementedError

    def _heard(self) -> None:
        self.heard_s = self.now_s()

    def _on_state(self) -> None:
        state = self.pc.connectionState
        if state == "connected" and not self.connected and not self.dead:
            self.connected = True
            self.changed()
        elif state in ("failed", "closed"):
            self.dead = True
            self.changed()


def feed(sender: RTCRtpSender, queue: ViewerQueue) -> None:
    """Have `sender` send what `queue` gives."""

    async def next_encoded_frame(_codec: object) -> RTCEncodedFrame:
        return _encoded(await queue.get())

    setattr(sender, NEXT_ENCODED_FRAME, next_encoded_frame)


def _encoded(frame: Frame) -> RTCEncodedFrame:
    payloads = fit(frame.payloads, LARGEST_PAYLOAD_BYTES)
    level = None if frame.level_dbov is None else -frame.level_dbov
    return RTCEncodedFrame(payloads, frame.timestamp, level)  # type: ignore[arg-type]


async def never(_codec: object) -> None:
    """Wait for the room to be joined, a moment at a time; None means nothing to send yet."""
    await asyncio.sleep(0.005)


def preferences(kind: str) -> list[RTCRtpCodecCapability]:
    """Return what is carried, best first: H.264 constrained baseline with RTX, Opus."""
    offered = RTCRtpSender.getCapabilities(kind).codecs
    if kind == "audio":
        return [codec for codec in offered if codec.mimeType.lower() == "audio/opus"]
    h264 = {
        str(codec.parameters.get("profile-level-id", "")).lower(): codec
        for codec in offered
        if codec.mimeType.lower() == "video/h264"
    }
    rtx = [codec for codec in offered if codec.mimeType.lower() == "video/rtx"]
    return [h264[profile] for profile in _H264_PROFILES] + rtx
