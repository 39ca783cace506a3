"""One who talks and hears: the first section brings their voice, each other one another's."""

from dataclasses import dataclass, field
from typing import ClassVar

from aiortc.mediastreams import AudioStreamTrack

from hub.media.aiortc_names import JITTER_BUFFER, NEXT_ENCODED_FRAME
from hub.media.loudness import Extended, Loudness
from hub.media.sdp import Role
from hub.media.session import Session, feed, never, preferences
from hub.media.talk import Talk
from hub.media.talks import Talks
from hub.media.tap import AudioTap, Frame


@dataclass(slots=True, kw_only=True, eq=False)
class TalkSession(Session):
    """Somebody's part in a conversation; it takes effect when the media path stands."""

    role: ClassVar = Role.TALK
    subject: str
    talks: Talks
    talk: Talk | None = None
    _loudness: Loudness = field(default_factory=Loudness)

    def start(self) -> None:
        """As in `Session.start`."""
        self.started = True
        self.talk = self.talks.of(self.source)
        senders = [one.sender for one in self.pc.getTransceivers()[1:]]
        queues = self.talk.join(self.id, self.subject, len(senders))
        for sender, queue in zip(senders, queues, strict=True):
            feed(sender, queue)

    async def stop(self) -> None:
        """As in `Session.stop`."""
        if self.talk is not None:
            self.talks.leave(self.talk, self.id)

    def prepare(self, kind: str) -> None:
        """As in `Session.prepare`."""
        is_voice = not self.pc.getTransceivers()
        transceiver = self.pc.addTransceiver(kind, direction="recvonly" if is_voice else "sendonly")
        transceiver.setCodecPreferences(preferences(kind))
        if is_voice:
            setattr(transceiver.receiver, JITTER_BUFFER, _LevelTap(self))
        else:
            transceiver.sender.replaceTrack(AudioStreamTrack())  # never read
            setattr(transceiver.sender, NEXT_ENCODED_FRAME, never)

    def take(self, frame: Frame, level_dbov: int | None) -> None:
        """Give one packet of this voice to the others."""
        if self.talk is not None:
            self.talk.take(self.id, frame, level_dbov)

    def level_of(self, packet: Extended) -> int | None:
        """Return how loud a packet is, by its sender's word or measured."""
        return self._loudness.of(packet)


class _LevelTap:
    """Hands on every packet as it comes, with its level. See `hub.media.tap.AudioTap`."""

    def __init__(self, session: TalkSession) -> None:
        self._session = session
        self._level_dbov: int | None = None
        self._tap = AudioTap(emit=self._emit)

    def add(self, packet: Extended) -> tuple[bool, None]:
        if packet.payload:
            self._level_dbov = self._session.level_of(packet)
        return self._tap.add(packet)

    def _emit(self, frame: Frame) -> None:
        self._session.take(frame, self._level_dbov)
