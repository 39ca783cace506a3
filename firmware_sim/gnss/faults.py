"""What a GNSS receiver can be made to do wrong, on demand."""

import random
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt


class GnssFaultRequest(BaseModel):
    """Faults to begin now; what is left out stays as it is. Zero ends a timed fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    no_fix_s: NonNegativeFloat | None = None  # sees satellites, has no position
    silent_s: NonNegativeFloat | None = None  # says nothing at all
    corrupt: NonNegativeInt = 0  # so many of the next sentences have a wrong checksum
    partial: NonNegativeInt = 0  # so many of the next sentences break off
    garbage_bytes: NonNegativeInt = 0  # noise on the wire, once
    restart: bool = False  # drops every connection and begins again without a fix
    time_off_s: float | None = None  # says a time that is so far off, until told otherwise
    repeat_s: NonNegativeFloat | None = None  # says one and the same time again and again


@dataclass(slots=True, kw_only=True)
class GnssFaults:
    """Faults in force. `damage` is deterministic for one seed."""

    seed: int
    no_fix_until_s: float = 0.0
    silent_until_s: float = 0.0
    time_off_us: int = 0
    repeats_until_s: float = 0.0
    repeated_utc_us: int | None = None
    corrupt: int = 0
    partial: int = 0
    _rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    def apply(self, request: GnssFaultRequest, now_s: float) -> None:
        """Take `request` into force at monotonic `now_s`."""
        if request.no_fix_s is not None:
            self.no_fix_until_s = now_s + request.no_fix_s
        if request.silent_s is not None:
            self.silent_until_s = now_s + request.silent_s
        if request.restart:
            self.silent_until_s = now_s + 1.0
            self.no_fix_until_s = now_s + 4.0
        if request.time_off_s is not None:
            self.time_off_us = round(request.time_off_s * 1_000_000)
        if request.repeat_s is not None:
            self.repeats_until_s = now_s + request.repeat_s
            self.repeated_utc_us = None
        self.corrupt += request.corrupt
        self.partial += request.partial

    def told_utc_us(self, utc_us: int, now_s: float) -> int:
        """Return the time that the receiver says where it is `utc_us`."""
        if now_s < self.repeats_until_s:
            if self.repeated_utc_us is None:
                self.repeated_utc_us = utc_us
            return self.repeated_utc_us
        return utc_us + self.time_off_us

    def damage(self, sentence: bytes, now_s: float) -> bytes:
        """Return what reaches the wire of `sentence`; empty while silent."""
        if now_s < self.silent_until_s:
            return b""
        if self.corrupt > 0 and b"*" in sentence:
            self.corrupt -= 1
            head, _, tail = sentence.partition(b"*")
            return head + b"*" + bytes([*b"%02X" % (int(tail[:2], 16) ^ 0x5A)]) + tail[2:]
        if self.partial > 0:
            self.partial -= 1
            return sentence[: self._rng.randint(1, max(1, len(sentence) - 3))]
        return sentence

    def noise(self, size: int) -> bytes:
        """Return `size` bytes of noise."""
        return self._rng.randbytes(size)
