"""What a link does to packets, as arithmetic. Pure: times and dice come in, times go out.

Model. Each direction is one transmitter that sends packets one after another at `rate_bps`, then a
flight of `delay_ms` plus a uniform 0 … `jitter_ms`. Packets of one flow never overtake each other.
A lost datagram is gone. A lost TCP segment is sent again after a retransmission timeout that
doubles each time (`max(200 ms, 2 × (delay + jitter))`, Linux's least), costs the rate once more,
and holds back what follows it on its connection; so TCP never loses, it only waits. Where the loss
changes meanwhile, what is still to be sent again meets the new one. Headers count: 40 bytes with
each TCP segment, 28 with each datagram. ACKs of the reverse path are left out.
"""

import random
from dataclasses import dataclass, replace
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field

SEGMENT_BYTES: Final = 1400
TCP_HEADER_BYTES: Final = 40
UDP_HEADER_BYTES: Final = 28
LEAST_RTO_S: Final = 0.2
_MOST_LOSSES: Final = 6


class LinkChange(BaseModel):
    """A change to the link; what is left out stays as it is.

    `cut_s`: nothing passes for so long (0: until restored). `reset`: the cut also breaks every
    connection, as a modem that is switched off does. `restore` first undoes all that is in force.
    `rate_bps` 0: unlimited.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    restore: bool = False
    cut_s: float | None = Field(default=None, ge=0, le=86_400)
    reset: bool = False
    rate_bps: float | None = Field(default=None, ge=0, le=1e10)
    loss_pct: float | None = Field(default=None, ge=0, lt=100)
    delay_ms: float | None = Field(default=None, ge=0, le=60_000)
    jitter_ms: float | None = Field(default=None, ge=0, le=60_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkShape:
    """How the link is at present, but for a cut. `rate_bps` None: unlimited."""

    rate_bps: float | None = None
    loss_pct: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0

    def changed(self, change: LinkChange) -> Self:
        """Return the shape after `change`."""
        shape = type(self)() if change.restore else self
        if change.rate_bps is not None:
            shape = replace(shape, rate_bps=change.rate_bps or None)
        for name in ("loss_pct", "delay_ms", "jitter_ms"):
            if (value := getattr(change, name)) is not None:
                shape = replace(shape, **{name: value})
        return shape

    @property
    def is_clear(self) -> bool:
        """Nothing is done to packets."""
        return self == LinkShape()

    def airtime_s(self, wire_bytes: int) -> float:
        """Return how long the transmitter is busy with so many bytes."""
        return 0.0 if self.rate_bps is None else wire_bytes * 8 / self.rate_bps

    def flight_s(self, rng: random.Random) -> float:
        """Return how long a packet is on its way after the last bit has left."""
        return (self.delay_ms + rng.uniform(0.0, self.jitter_ms)) / 1000

    def is_lost(self, rng: random.Random) -> bool:
        """Draw whether one packet is lost."""
        return self.loss_pct > 0 and rng.random() * 100 < self.loss_pct

    def losses(self, rng: random.Random, *, at_least: int = 0) -> int:
        """Draw how often in all a segment is lost that was lost `at_least` so often already."""
        losses = at_least
        while losses < _MOST_LOSSES and self.is_lost(rng):
            losses += 1
        return losses

    def wait_s(self, losses: int) -> float:
        """Return how long after its first sending a segment is sent the last time."""
        timeout_s = max(LEAST_RTO_S, 2 * (self.delay_ms + self.jitter_ms) / 1000)
        return timeout_s * ((1 << losses) - 1)
