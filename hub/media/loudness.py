"""How loud a packet of sound is, where its sender does not say: by decoding some of them."""

from typing import Final, Protocol

import numpy as np
from av import CodecContext
from av.audio.codeccontext import AudioCodecContext
from av.error import FFmpegError
from av.packet import Packet as Encoded

from hub.media.tap import Packet

EVERY: Final = 4
"""One packet in so many is decoded, which tells speech from silence well enough."""

_SILENT_DBOV: Final = 127
_FULL_SCALE: Final = 32_768.0


class Levels(Protocol):
    """RTP header extensions, of which one is read: (voice activity, level)."""

    audio_level: tuple[bool, int] | None


class Extended(Packet, Protocol):
    """A packet with its header extensions."""

    extensions: Levels


class Loudness:
    """Of one microphone."""

    def __init__(self) -> None:
        self._decoder: AudioCodecContext | None = None
        self._count = 0
        self._last_dbov: int | None = None

    def of(self, packet: Extended) -> int | None:
        """Return the level in -dBov, 0 the loudest … 127 silence; None: it is not to be known.

        Source: RFC 6464, 3, for what the sender says.
        """
        said = packet.extensions.audio_level
        if said is not None:
            return said[1]
        self._count += 1
        if self._count % EVERY == 1:
            self._last_dbov = self._measured(packet.payload)
        return self._last_dbov

    def _measured(self, payload: bytes) -> int | None:
        if self._decoder is None:
            decoder = CodecContext.create("libopus", "r")
            decoder.sample_rate, decoder.layout, decoder.format = 48_000, "stereo", "s16"
            self._decoder = decoder
        try:
            frames = self._decoder.decode(Encoded(payload))
        except FFmpegError:
            return None
        if not frames:
            return None
        samples = np.concatenate([frame.to_ndarray().ravel() for frame in frames])
        return dbov_of(samples.astype(np.float64) / _FULL_SCALE)


def dbov_of(samples: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> int:
    """Return the level of samples between -1 and 1 as -dBov."""
    power = float(np.mean(np.square(samples))) if samples.size else 0.0
    if power <= 0:
        return _SILENT_DBOV
    return int(min(_SILENT_DBOV, max(0, round(-10 * np.log10(power)))))
