"""Waveforms before they are sent: groups of channels that share one rate, and who makes them."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from firmware_sim.monitor.codes import Coded

Samples = npt.NDArray[np.int32]
"""Shape (channels, n)."""

INVALID: int = -32768
"""The sample value by which this monitor says "no signal"; stated in every message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One signal. Value in `unit` = (sample − zero_offset) × resolution."""

    name: str
    code: Coded
    unit: Coded
    resolution: float
    zero_offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Channels sampled together; sample i of each is taken i / rate_hz after the start."""

    kind: Literal["ecg", "pleth", "resp"]
    rate_hz: int
    channels: tuple[Channel, ...]
    source: str
    """What made the signal: `recording: PTB s0010_re` or `model`."""


class WaveSource(Protocol):
    """Makes the samples of one group, one after the other."""

    @property
    def group(self) -> Group:
        """What the samples are."""
        ...

    def take(self, count: int) -> Samples:
        """Return the next `count` samples, shape (channels, count); fewer at the end."""
        ...


class Recorded:
    """A recording's own integers, from the first to the last, then again if `loop`."""

    def __init__(self, *, group: Group, samples: Samples, loop: bool) -> None:
        self.group = group
        self.samples = samples
        self._loop = loop
        self._next = 0

    def take(self, count: int) -> Samples:
        """Return the next `count` samples; without `loop`, fewer (or none) at the end."""
        size = self.samples.shape[1]
        first, self._next = self._next, self._next + count
        if not self._loop:
            return self.samples[:, first : self._next]
        return self.samples[:, np.arange(first, self._next) % size]
