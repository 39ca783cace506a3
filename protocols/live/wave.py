"""The binary messages of the live feed: one waveform block, ready to be drawn.

Layout: `u32 LE` header length in bytes, that many bytes of JSON (UTF-8, padded with spaces so that
what follows is 4-byte aligned), then `int32 LE` samples, channel after channel, each of
`sample_count`. Header fields are those of `WaveHeader`.
"""

import struct

import numpy as np
from pydantic import BaseModel, ConfigDict

from protocols.messages.samples import Samples, decode_samples
from protocols.messages.waveform import WaveformBlock


class WaveChannel(BaseModel):
    """Value in `unit` = (sample − offset) × gain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    unit: str
    gain: float
    offset: int
    source: str | None = None


class WaveHeader(BaseModel):
    """What the samples are; sample i was taken at captured_utc_us + i / rate_hz."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: str
    stream: str = "waveform"
    seq: int
    group: str
    captured_utc_us: int
    received_utc_us: int | None
    lane: str
    rate_hz: float
    sample_count: int
    first_sample_index: int
    missing: int | None = None
    channels: list[WaveChannel]


def encode_wave(header: WaveHeader, samples: Samples) -> bytes:
    """Return the message; `samples` has shape (channels, sample_count)."""
    head = header.model_dump_json(exclude_none=True).encode()
    head += b" " * (-len(head) % 4)
    return struct.pack("<I", len(head)) + head + samples.astype(np.dtype("<i4")).tobytes()


def wave_of(  # noqa: PLR0913 -- the block, and what its record adds
    block: WaveformBlock,
    *,
    unit: str,
    seq: int,
    captured_utc_us: int,
    received_utc_us: int | None,
    lane: str,
) -> bytes:
    """Return the message that draws the record of `block`.

    Raises:
        RemoteProtocolError: its samples are damaged.
    """
    header = WaveHeader(
        unit=unit,
        seq=seq,
        group=block.group,
        captured_utc_us=captured_utc_us,
        received_utc_us=received_utc_us,
        lane=lane,
        rate_hz=block.rate_hz,
        sample_count=block.sample_count,
        first_sample_index=block.first_sample_index,
        missing=block.missing,
        channels=[
            WaveChannel(
                code=channel.code,
                unit=channel.unit,
                gain=channel.gain,
                offset=channel.offset,
                source=channel.source,
            )
            for channel in block.channels
        ],
    )
    return encode_wave(header, decode_samples(block))
