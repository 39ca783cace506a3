"""One publisher or viewer on aiortc: negotiated, forwarded, ended without a trace."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpCodecCapability,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from aiortc.rtcrtpsender import RTCEncodedFrame

from hub.media.aiortc_names import JITTER_BUFFER, NEXT_ENCODED_FRAME, SEND_KEYFRAME, SEND_PLI
from hub.media.fanout import ViewerQueue
from hub.media.h264 import fit
from hub.media.ice import IcePlan, plan_ice
from hub.media.room import Room
from hub.media.sdp import Offer, Role
from hub.media.settings import IceServer
from hub.media.tap import AudioTap, Frame, VideoTap
from protocols.errors import RemoteProtocolError

log = logging.getLogger(__name__)

LARGEST_PAYLOAD_BYTES: Final = 1300
"""With RTP header, extensions and RTX this stays under the 1356 bytes that pylibsrtp takes; a
larger packet would end the sender without a word."""

_CLOSE_TIMEOUT_S: Final = 5.0
_H264_PROFILES: Final = ("42e01f", "42001f")  # constrained baseline, baseline


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """One peer connection and what it feeds or is fed by."""

    id: str
    role: Role
    room: Room
    pc: RTCPeerConnection
    created_s: float
    heard_s: float
    changed: Callable[[], None]
    ufrag: str = ""
    etag: str = field(default_factory=lambda: f'"{secrets.token_hex(8)}"')
    connected: bool = False
    started: bool = False
    dead: bool = False
    taps: list[VideoTap] = field(default_factory=list)
    _ssrc: int | None = None
    _task: asyncio.Task[None] | None = None

    @classmethod
    def open(
        cls,
        *,
        role: Role,
        room: Room,
        ice_servers: tuple[IceServer, ...],
        changed: Callable[[], None],
    ) -> "Session":
        """Return a session that has not negotiated yet; `changed` is called when its state does."""
        configuration = RTCConfiguration(
            iceServers=[  # an empty list, too, must be given: aiortc's default is a public server
                RTCIceServer(urls=s.url, username=s.username, credential=s.credential)
                for s in ice_servers
            ],
            bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
        )
        now_s = room.now_s()
        return cls(
            id=secrets.token_urlsafe(18),
            role=role,
            room=room,
            pc=RTCPeerConnection(configuration),
            created_s=now_s,
            heard_s=now_s,
            changed=changed,
        )

    async def negotiate(self, offer: Offer, plan: IcePlan) -> str:
        """Return the SDP answer to `offer`.

        Raises:
            RemoteProtocolError: aiortc finds fault with the offer.
            MediaBusyError: no port is free.
        """
        self.ufrag = offer.ufrag
        for section in offer.sections:
            self._prepare(section.kind)
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
        self.room.leave(self.id)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self.pc.close()
        except TimeoutError:
            log.warning("media.close_slow", extra={"session": self.id[:6]})

    def _heard(self) -> None:
        self.heard_s = self.room.now_s()

    def _on_state(self) -> None:
        state = self.pc.connectionState
        if state == "connected" and not self.connected and not self.dead:
            self.connected = True
            self.changed()
        elif state in ("failed", "closed"):
            self.dead = True
            self.changed()

    def start(self) -> None:
        """Begin to forward; the media path stands. To be called once, by the forwarder."""
        self.started = True
        if self.role is Role.PUBLISH:
            self._task = asyncio.create_task(
                self.room.request_keyframes(self.id, self._send_pli),
                name=f"keyframes-{self.id[:6]}",
            )
        else:
            for transceiver in self.pc.getTransceivers():
                queue = self.room.join(self.id, transceiver.kind)
                _feed(transceiver.sender, queue)

    def _prepare(self, kind: str) -> None:
        """Make the transceiver for an offered section before the offer is applied."""
        direction = "recvonly" if self.role is Role.PUBLISH else "sendonly"
        transceiver = self.pc.addTransceiver(kind, direction=direction)
        transceiver.setCodecPreferences(_preferences(kind))
        if self.role is Role.PUBLISH:
            self._tap(transceiver)
        else:
            self._plug(transceiver)

    def _tap(self, transceiver: RTCRtpTransceiver) -> None:
        tap: VideoTap | AudioTap
        if transceiver.kind == "video":
            tap = VideoTap(
                emit=lambda frame: self.room.take_video(self.id, frame),
                on_loss=self._on_loss,
                now_s=self.room.now_s,
            )
            self.taps.append(tap)
            setattr(transceiver.receiver, JITTER_BUFFER, _SsrcTap(tap, self))
        else:
            tap = AudioTap(emit=lambda frame: self.room.take_audio(self.id, frame))
            setattr(transceiver.receiver, JITTER_BUFFER, tap)

    def _on_loss(self) -> None:
        self.room.ask_keyframe()  # the room of now: it may change until the session connects

    def _plug(self, transceiver: RTCRtpTransceiver) -> None:
        """Give the sender a track that is never read: frames come from the room."""
        is_video = transceiver.kind == "video"
        transceiver.sender.replaceTrack(VideoStreamTrack() if is_video else AudioStreamTrack())
        setattr(transceiver.sender, NEXT_ENCODED_FRAME, _never)
        if is_video:
            setattr(transceiver.sender, SEND_KEYFRAME, self.room.ask_keyframe)

    async def _send_pli(self) -> None:
        if self._ssrc is None:
            return
        for receiver in self.pc.getReceivers():
            if receiver.track is not None and receiver.track.kind == "video":
                await getattr(receiver, SEND_PLI)(self._ssrc)


@dataclass(slots=True)
class _SsrcTap:
    """Notes who sends, so that it can be asked for key frames."""

    tap: VideoTap
    session: Session

    def add(self, packet: Any) -> tuple[bool, None]:
        self.session._ssrc = packet.ssrc  # noqa: SLF001 - one object in two parts
        return self.tap.add(packet)


def _feed(sender: RTCRtpSender, queue: ViewerQueue) -> None:
    async def next_encoded_frame(_codec: object) -> RTCEncodedFrame:
        return _encoded(await queue.get())

    setattr(sender, NEXT_ENCODED_FRAME, next_encoded_frame)


def _encoded(frame: Frame) -> RTCEncodedFrame:
    payloads = fit(frame.payloads, LARGEST_PAYLOAD_BYTES)
    return RTCEncodedFrame(payloads, frame.timestamp, None)  # type: ignore[arg-type]


async def _never(_codec: object) -> None:
    """Wait for the room to be joined, a moment at a time; None means nothing to send yet."""
    await asyncio.sleep(0.005)


def _preferences(kind: str) -> list[RTCRtpCodecCapability]:
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
