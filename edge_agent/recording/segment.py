"""Pictures as one fragmented MP4: the bitstream as it was encoded, put into boxes. Pure.

Source: ISO/IEC 14496-12 (fragments), 14496-15 (H.264 in it). A segment begins with a key frame and
plays by itself.
"""

import fractions
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import av

from protocols.errors import MediaError

CLOCK_HZ: Final = 90_000
_TIME_BASE: Final = fractions.Fraction(1, CLOCK_HZ)
_FRAGMENTED: Final = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


@dataclass(frozen=True, slots=True)
class Kept:
    """One picture: an access unit in Annex B, and when it was taken, on the clock of its camera."""

    unit: bytes
    is_key: bool
    captured_s: float
    size: tuple[int, int]  # width and height in pixels


def mp4_of(pictures: Sequence[Kept], *, last_s: float) -> bytes:
    """Return `pictures`, the first a key frame, as one file; the last is shown until `last_s`.

    All are of one size.

    Raises:
        MediaError: they are no H.264, or do not begin with a key frame.
    """
    if not pictures or not pictures[0].is_key:
        raise MediaError(reason="a segment without a key frame")
    begun_s = pictures[0].captured_s
    stamps = [round((one.captured_s - begun_s) * CLOCK_HZ) for one in pictures]
    stamps = _rising([*stamps, round((last_s - begun_s) * CLOCK_HZ)])
    raw = io.BytesIO(b"".join(one.unit for one in pictures))
    out = io.BytesIO()
    try:
        with (
            av.open(raw, "r", format="h264") as read,
            av.open(out, "w", format="mp4", options=_FRAGMENTED) as written,
        ):
            source = read.streams.video[0]
            stream = written.add_stream_from_template(source)
            stream.time_base = _TIME_BASE
            packets = [packet for packet in read.demux(source) if packet.size]
            if len(packets) != len(pictures):
                raise MediaError(reason="pictures do not stand apart", found=len(packets))
            for number, packet in enumerate(packets):
                packet.stream = stream
                packet.time_base = _TIME_BASE
                packet.pts = packet.dts = stamps[number]
                packet.duration = stamps[number + 1] - stamps[number]
                packet.is_keyframe = pictures[number].is_key
                written.mux_one(packet)
    except (av.FFmpegError, IndexError, ValueError) as err:
        raise MediaError(reason="segment", detail=type(err).__name__) from err
    return out.getvalue()


def _rising(stamps: Sequence[int]) -> list[int]:
    found: list[int] = []
    for stamp in stamps:
        found.append(stamp if not found else max(stamp, found[-1] + 1))
    return found
