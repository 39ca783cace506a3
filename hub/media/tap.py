"""From RTP packets to whole frames, without decoding. Pure: time comes in by a callable.

Takes the place of aiortc's jitter buffer: it is given each packet (retransmissions unwrapped) and
hands on frames as soon as their last packet is there. Audio is never held back. A video packet that
is missing is waited for `HOLD_S` from when the next behind it came, the time that a retransmission
may take; after that the frame is lost, a key frame is asked for, and nothing is handed on until one
comes: a smeared picture looks like a finding, a frozen one does not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from hub.media.h264 import begins_mid_unit, is_key_frame

HOLD_S: Final = 0.25
_MOST_HELD: Final = 1024  # packets, about 1.3 MB
_HALF: Final = 0x8000
_MOST_LATE: Final = 512  # packets: farther back is a restarted sender, not a late packet


class Packet(Protocol):
    """What is read of an RTP packet."""

    sequence_number: int
    timestamp: int
    marker: int
    ssrc: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """One access unit of video, or one packet of audio, as RTP payloads in order."""

    payloads: tuple[bytes, ...]
    timestamp: int  # RTP clock of the source
    is_key: bool
    size_bytes: int
    level_dbov: int | None = None  # of audio: 0 the loudest … 127 silence; None: not known


Emit = Callable[[Frame], None]


@dataclass(slots=True, kw_only=True)
class AudioTap:
    """Hands on every packet as it comes."""

    emit: Emit

    def add(self, packet: Packet) -> tuple[bool, None]:
        """Take one packet. The answer is for aiortc: (ask for a key frame, nothing to decode)."""
        if packet.payload:
            self.emit(
                Frame((packet.payload,), packet.timestamp, is_key=True,
                      size_bytes=len(packet.payload))
            )  # fmt: skip
        return False, None


@dataclass(slots=True, kw_only=True)
class VideoTap:
    """Puts packets in order and hands on whole frames."""

    emit: Emit
    on_loss: Callable[[], None]
    now_s: Callable[[], float]
    lost_frames: int = 0
    _held: dict[int, tuple[Packet, float]] = field(default_factory=dict)  # and when it came
    _next: int | None = None
    _current: list[Packet] = field(default_factory=list)
    _needs_key: bool = True

    def add(self, packet: Packet) -> tuple[bool, None]:
        """Take one packet. The answer is for aiortc: (ask for a key frame, nothing to decode).

        It never asks by itself: `on_loss` does, where all such questions are merged.
        """
        sequence = packet.sequence_number
        if self._next is None:
            self._next = sequence
        behind = (self._next - sequence) & 0xFFFF
        if 0 < behind < _HALF:
            if behind <= _MOST_LATE:
                return False, None
            self._lose(sequence)
        now_s = self.now_s()
        self._held.setdefault(sequence, (packet, now_s))
        self._drain()
        while self._has_waited(now_s):  # each gap by itself: a burst leaves many
            expected = self._next
            self._lose(min(self._held, key=lambda held: (held - expected) & 0xFFFF))
            self._drain()
        return False, None

    def _drain(self) -> None:
        """Append what is there without a gap."""
        while (following := self._held.pop(self._next or 0, None)) is not None:
            self._next = ((self._next or 0) + 1) & 0xFFFF
            self._append(following[0])

    def _has_waited(self, now_s: float) -> bool:
        """Whether what came first behind a gap, if there is one, has waited for long enough."""
        first = next(iter(self._held.values()), None)
        if first is None:
            return False
        return now_s - first[1] > HOLD_S or len(self._held) > _MOST_HELD

    def _lose(self, resume_at: int) -> None:
        """Give up what is missing; go on at `resume_at`, from the next key frame."""
        if self._next is not None and (resume_at - self._next) & 0xFFFF >= _HALF:
            self._held.clear()  # the sender began afresh
        self._next = resume_at
        self._current = []
        self._needs_key = True
        self.lost_frames += 1
        self.on_loss()

    def _append(self, packet: Packet) -> None:
        if self._current and self._current[0].timestamp != packet.timestamp:
            self._finish()
        if packet.payload:  # an empty one is padding
            self._current.append(packet)
        if packet.marker:
            self._finish()

    def _finish(self) -> None:
        packets, self._current = self._current, []
        if not packets:
            return
        payloads = tuple(packet.payload for packet in packets)
        is_key = is_key_frame(payloads) and not begins_mid_unit(payloads[0])
        if self._needs_key and not is_key:
            return
        self._needs_key = False
        self.emit(
            Frame(payloads, packets[0].timestamp, is_key, sum(len(part) for part in payloads))
        )
