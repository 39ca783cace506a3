"""H.264 for a live camera: no B-frames, no look-ahead, a key frame at least once a second."""

from dataclasses import dataclass
from fractions import Fraction

import av
import av.video.codeccontext
from av.video.frame import PictureType

from firmware_sim.camera.frames import Picture

CLOCK_HZ = 90_000
_SPS, _PPS, _IDR = 7, 8, 5


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One coded picture: its NAL units without start codes, and whether one can begin with it."""

    nals: tuple[bytes, ...]
    is_key: bool


class H264Encoder:
    """One running encoder; not thread-safe."""

    def __init__(self, *, width: int, height: int, fps: int, bitrate_bps: int) -> None:
        context = av.CodecContext.create("libx264", "w")
        assert isinstance(context, av.video.codeccontext.VideoCodecContext)  # noqa: S101 -- by name
        context.width, context.height = width, height
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, CLOCK_HZ)
        context.framerate = Fraction(fps)
        context.bit_rate = bitrate_bps
        context.gop_size = fps
        context.max_b_frames = 0
        context.thread_count = 1
        context.profile = "Baseline"
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "x264-params": (
                f"repeat-headers=1:scenecut=0:vbv-maxrate={bitrate_bps // 1000}"
                f":vbv-bufsize={max(1, bitrate_bps // 2000)}:aud=0"
            ),
        }
        self._context = context
        self._size = (width, height)

    def encode(self, picture: Picture, *, pts: int, force_key: bool) -> list[AccessUnit]:
        """Return what the encoder gives for `picture` (one unit, as a rule); `pts` in 1/90000 s."""
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = pts
        frame.time_base = Fraction(1, CLOCK_HZ)
        frame.pict_type = PictureType.I if force_key else PictureType.NONE
        units: list[AccessUnit] = []
        for packet in self._context.encode(frame):
            nals = tuple(split_nals(bytes(packet)))
            units.append(AccessUnit(nals, is_key=any(nal[0] & 0x1F == _IDR for nal in nals)))
        return units


def parameter_sets(*, width: int, height: int, fps: int, bitrate_bps: int) -> tuple[bytes, bytes]:
    """Return the SPS and PPS that an encoder of these settings writes."""
    import numpy as np  # noqa: PLC0415 -- for one black picture

    encoder = H264Encoder(width=width, height=height, fps=fps, bitrate_bps=bitrate_bps)
    black = np.full((height * 3 // 2, width), 128, np.uint8)
    nals = [nal for unit in encoder.encode(black, pts=0, force_key=True) for nal in unit.nals]
    by_type = {nal[0] & 0x1F: nal for nal in nals}
    return by_type[_SPS], by_type[_PPS]


def split_nals(stream: bytes) -> list[bytes]:
    """Return the NAL units of an Annex B byte stream. Source: ITU-T H.264, annex B."""
    starts: list[tuple[int, int]] = []
    at = stream.find(b"\x00\x00\x01")
    while at >= 0:
        long = at > 0 and stream[at - 1] == 0
        starts.append((at - long, at + 3))
        at = stream.find(b"\x00\x00\x01", at + 3)
    ends = [begin for begin, _ in starts[1:]] + [len(stream)]
    return [
        nal
        for (_, first), end in zip(starts, ends, strict=True)
        if (nal := stream[first:end].rstrip(b"\x00"))
    ]
