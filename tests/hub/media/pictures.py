"""Small pieces of real H.264 for tests, in RTP payloads as a sender makes them."""

import fractions
from dataclasses import dataclass

import av
import numpy as np
from aiortc.codecs.h264 import H264Encoder


@dataclass
class RtpPacket:
    """What a tap reads of a packet."""

    sequence_number: int
    timestamp: int
    marker: int
    payload: bytes
    ssrc: int = 1


def access_units(
    count: int, *, width: int = 320, height: int = 180, keys: frozenset[int] = frozenset({0})
) -> list[list[bytes]]:
    """Return `count` pictures of noise as lists of payloads; those in `keys` are IDR."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base = fractions.Fraction(1, 15)
    codec.bit_rate = 2_000_000
    codec.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "forced-idr": "1",
        "x264-params": "keyint=infinite:scenecut=0:repeat-headers=1:threads=1",
    }
    rng = np.random.default_rng(7)
    packer = H264Encoder()
    units = []
    for index in range(count):
        image = rng.integers(0, 255, (height * 3 // 2, width), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
        frame.pts = index
        frame.pict_type = (
            av.video.frame.PictureType.I if index in keys else av.video.frame.PictureType.P
        )
        (packet,) = codec.encode(frame)
        packet.time_base = codec.time_base
        units.append(packer.pack(packet)[0])
    return units


def packets(units: list[list[bytes]], *, first_sequence: int = 65_530) -> list[RtpPacket]:
    """Return the payloads as RTP packets, 90 kHz clock at 15 a second; the sequence wraps early."""
    made = []
    sequence = first_sequence
    for index, unit in enumerate(units):
        for place, payload in enumerate(unit):
            made.append(
                RtpPacket(
                    sequence_number=sequence,
                    timestamp=index * 6_000,
                    marker=int(place == len(unit) - 1),
                    payload=payload,
                )
            )
            sequence = (sequence + 1) & 0xFFFF
    return made
