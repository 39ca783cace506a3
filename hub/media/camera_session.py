"""A publisher or a viewer of one camera."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from aiortc import RTCRtpTransceiver
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from hub.media.aiortc_names import JITTER_BUFFER, NEXT_ENCODED_FRAME, SEND_KEYFRAME, SEND_PLI
from hub.media.room import Room
from hub.media.sdp import Role
from hub.media.session import Session, feed, never, preferences
from hub.media.tap import AudioTap, VideoTap


@dataclass(slots=True, kw_only=True, eq=False)
class PublisherSession(Session):
    """Feeds a room."""

    role: ClassVar = Role.PUBLISH
    room: Room
    _ssrc: int | None = None
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """As in `Session.start`."""
        self.started = True
        self._task = asyncio.create_task(
            self.room.request_keyframes(self.id, self._send_pli), name=f"keyframes-{self.id[:6]}"
        )

    async def stop(self) -> None:
        """As in `Session.stop`."""
        self.room.leave(self.id)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def prepare(self, kind: str) -> None:
        """As in `Session.prepare`."""
        transceiver = self.pc.addTransceiver(kind, direction="recvonly")
        transceiver.setCodecPreferences(preferences(kind))
        self._tap(transceiver)

    def heard_from(self, ssrc: int) -> None:
        """Note who sends, so that it can be asked for key frames."""
        self._ssrc = ssrc

    def _tap(self, transceiver: RTCRtpTransceiver) -> None:
        tap: _SsrcTap | AudioTap
        if transceiver.kind == "video":
            video = VideoTap(
                emit=lambda frame: self.room.take_video(self.id, frame),
                on_loss=self._on_loss,
                now_s=self.now_s,
            )
            self.taps.append(video)
            tap = _SsrcTap(video, self.heard_from)
        else:
            tap = AudioTap(emit=lambda frame: self.room.take_audio(self.id, frame))
        setattr(transceiver.receiver, JITTER_BUFFER, tap)

    def _on_loss(self) -> None:
        self.room.ask_keyframe()  # the room of now: it may change until the session connects

    async def _send_pli(self) -> None:
        if self._ssrc is None:
            return
        for receiver in self.pc.getReceivers():
            if receiver.track is not None and receiver.track.kind == "video":
                await getattr(receiver, SEND_PLI)(self._ssrc)


@dataclass(slots=True, kw_only=True, eq=False)
class ViewerSession(Session):
    """Is fed by a room."""

    role: ClassVar = Role.PLAY
    room: Room

    def start(self) -> None:
        """As in `Session.start`."""
        self.started = True
        for transceiver in self.pc.getTransceivers():
            feed(transceiver.sender, self.room.join(self.id, transceiver.kind))

    async def stop(self) -> None:
        """As in `Session.stop`."""
        self.room.leave(self.id)

    def prepare(self, kind: str) -> None:
        """As in `Session.prepare`: the sender has a track that is never read."""
        transceiver = self.pc.addTransceiver(kind, direction="sendonly")
        transceiver.setCodecPreferences(preferences(kind))
        is_video = kind == "video"
        transceiver.sender.replaceTrack(VideoStreamTrack() if is_video else AudioStreamTrack())
        setattr(transceiver.sender, NEXT_ENCODED_FRAME, never)
        if is_video:
            setattr(transceiver.sender, SEND_KEYFRAME, self.room.ask_keyframe)


@dataclass(slots=True)
class _SsrcTap:
    """Tells who sends, and hands the packet on."""

    tap: VideoTap
    heard_from: Callable[[int], None]

    def add(self, packet: Any) -> tuple[bool, None]:
        self.heard_from(packet.ssrc)
        return self.tap.add(packet)
