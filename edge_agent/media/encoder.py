"""Pictures to H.264, once for everyone: live and, later, the recording.

Constrained baseline, one reference frame, no reordering, parameter sets repeated with each key
frame: what every browser decodes with no delay of its own. Key frames come when asked for.
"""

import fractions
from dataclasses import dataclass
from typing import Final

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from edge_agent.media.settings import MediaSettings
from edge_agent.media.tuning import Tuning
from protocols.errors import MediaError

CLOCK_HZ: Final = 90_000
_BUFFER_S: Final = 0.5  # rate control: how much one picture may borrow from the next ones
_SMALL_PIXELS: Final = 640 * 360


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """One access unit in Annex B, on a 90 kHz clock that begins anywhere.

    `size`: width and height in pixels; `tuning`: what the encoder was asked for.
    """

    packet: "Packet[VideoStream]"
    is_key: bool
    captured_s: float
    size: tuple[int, int]
    tuning: Tuning | None


class Encoder:
    """One encoder for one picture size; used from one thread."""

    def __init__(
        self,
        settings: MediaSettings,
        *,
        width_px: int,
        height_px: int,
        tuning: Tuning | None = None,
    ) -> None:
        """Open the encoder for pictures of the given size; `tuning`: less than the settings allow.

        Raises:
            MediaError: x264 refuses.
        """
        size = output_size(settings, width_px, height_px)
        self.width_px, self.height_px = size if tuning is None else lowered(size, tuning.height_px)
        self.input_size = (width_px, height_px)
        self.tuning = tuning
        bitrate_bps = settings.bitrate_bps if tuning is None else tuning.bitrate_bps
        fps = settings.max_fps if tuning is None else tuning.fps
        try:
            self._codec = _open(
                settings, self.width_px, self.height_px, bitrate_bps=bitrate_bps, fps=fps
            )
        except av.FFmpegError as err:
            raise MediaError(reason="encoder", detail=type(err).__name__) from err
        self._last_pts = -1

    def encode(
        self, frame: VideoFrame, captured_s: float, *, force_key: bool
    ) -> EncodedPicture | None:
        """Return `frame` encoded; None where the encoder keeps it (never with these settings).

        Raises:
            MediaError: the picture cannot be encoded.
        """
        pts = max(self._last_pts + 1, round(captured_s * CLOCK_HZ))
        self._last_pts = pts
        try:
            fitted = self._fitted(frame)
            fitted.pts = pts
            fitted.time_base = fractions.Fraction(1, CLOCK_HZ)
            fitted.pict_type = PictureType.I if force_key else PictureType.NONE
            packets = self._codec.encode(fitted)
        except (av.FFmpegError, ValueError) as err:
            raise MediaError(reason="encode", detail=type(err).__name__) from err
        for packet in packets:
            size = self.width_px, self.height_px
            return EncodedPicture(packet, packet.is_keyframe, captured_s, size, self.tuning)
        return None

    def _fitted(self, frame: VideoFrame) -> VideoFrame:
        """Return `frame` in the encoder's size and pixel format; untouched where both are right."""
        is_right = frame.format.name == "yuv420p" and (frame.width, frame.height) == (
            self.width_px,
            self.height_px,
        )
        if is_right:
            return frame
        return frame.reformat(width=self.width_px, height=self.height_px, format="yuv420p")


def output_size(settings: MediaSettings, width_px: int, height_px: int) -> tuple[int, int]:
    """Return the size to encode: the camera's own unless settings say; even, aspect kept."""
    if settings.width and settings.height:
        wanted = settings.width, settings.height
    elif settings.width:
        wanted = settings.width, round(height_px * settings.width / width_px)
    elif settings.height:
        wanted = round(width_px * settings.height / height_px), settings.height
    else:
        wanted = width_px, height_px
    return max(2, wanted[0] // 2 * 2), max(2, wanted[1] // 2 * 2)


def lowered(size: tuple[int, int], most_height_px: int) -> tuple[int, int]:
    """Return `size` with no more than so many lines; even, aspect kept."""
    width_px, height_px = size
    if height_px <= most_height_px:
        return size
    return max(2, round(width_px * most_height_px / height_px) // 2 * 2), most_height_px // 2 * 2


def _open(
    settings: MediaSettings, width_px: int, height_px: int, *, bitrate_bps: int, fps: float
) -> VideoCodecContext:
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = width_px, height_px, "yuv420p"
    codec.time_base = fractions.Fraction(1, CLOCK_HZ)
    codec.framerate = fractions.Fraction(fps).limit_denominator(1001)
    codec.bit_rate = bitrate_bps
    codec.gop_size = max(1, round(settings.keyframe_interval_s * fps))
    threads = 1 if width_px * height_px <= _SMALL_PIXELS else 2
    codec.options = {
        "preset": settings.preset,
        "tune": "zerolatency",
        "profile": "baseline",
        "forced-idr": "1",
        "maxrate": str(bitrate_bps),
        "bufsize": str(round(bitrate_bps * _BUFFER_S)),
        "x264-params": f"repeat-headers=1:scenecut=0:threads={threads}:ref=1",
    }
    codec.open()
    return codec
