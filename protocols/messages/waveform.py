"""Waveforms: a block of samples of one or more channels, exactly as the device digitised them."""

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, Strict, model_validator

from protocols.messages.base import Message
from protocols.units import Hertz

MAX_SAMPLES: Final = 65_536
"""Of one block, unpacked: ten seconds of twelve leads at 500 Hz, and some. A block of a few hundred
bytes cannot unpack to more than a quarter of a megabyte."""


class WaveformEncoding(StrEnum):
    """How `data` holds the samples; decoders in `protocols.messages.samples`, kept for ever."""

    INT32_LE = "int32-le"
    INTERLEAD = "interlead"
    INTERLEAD_2 = "interlead-2"
    INTERLEAD_3 = "interlead-3"
    DELTA_DEFLATE = "delta-deflate"


class Channel(Message):
    """One channel. Value in `unit` = (sample − offset) × gain."""

    kind: Literal["channel"] = "channel"
    code: Annotated[str, Field(pattern=r"^MDC_[A-Z0-9_]{1,60}$")]
    """IEEE 11073-10101 reference id: `MDC_ECG_LEAD_II`, `MDC_PULS_OXIM_PLETH`, …"""
    unit: Annotated[str, Field(max_length=16)]  # UCUM: "uV", "%", "1"
    gain: Annotated[float, Field(gt=0, le=1e9)]  # units per bit
    offset: int = 0  # the sample value that means zero
    source: Annotated[str, Field(max_length=120)] | None = None


class WaveformBlock(Message):
    """`sample_count` samples of every channel; the first was taken at the record's captured time.

    Sample i was taken at captured_utc_us + i / rate_hz. `data` holds the channels one after
    another, each of `sample_count` integers. Samples that the device declared invalid are the
    value `missing`, if given. All channels together have `MAX_SAMPLES` at most.
    """

    kind: Literal["waveform"] = "waveform"
    group: Literal["ecg", "pleth", "resp", "other"]
    rate_hz: Hertz
    sample_count: Annotated[int, Field(ge=1, le=MAX_SAMPLES)]
    first_sample_index: Annotated[int, Field(ge=0, le=2**53 - 1)]
    """Counts samples since the device began this run: a hole in the numbers is a hole in time."""
    channels: Annotated[
        tuple[Channel, ...], Strict(strict=False), Field(min_length=1, max_length=32)
    ]
    encoding: Annotated[WaveformEncoding, Strict(strict=False)]
    data: Annotated[bytes, Field(min_length=1, max_length=60 * 1024)]
    missing: int | None = None

    @model_validator(mode="after")
    def _is_one_rate(self) -> Self:
        if len({channel.code for channel in self.channels}) != len(self.channels):
            raise ValueError("a channel appears twice")
        if len(self.channels) * self.sample_count > MAX_SAMPLES:
            raise ValueError(f"more than {MAX_SAMPLES} samples")
        return self
