"""Whether somebody speaks, from how loud their packets are. Pure: time comes in as an argument.

Law: a microphone is on only while packets come from it, so nobody is shown as heard who is not.
Theory of operation: a level is in -dBov, 0 the loudest and 127 silence (RFC 6464, 3). A few loud
packets close together begin speech, so that one click does not; it holds over the pauses between
words. Which levels count as loud is judged here, not by the sender's own flag: clients differ.
"""

from dataclasses import dataclass, field
from typing import Final

LOUD_DBOV: Final = 50
"""At least as loud as -50 dBov: speech at a tablet's or a headset's microphone lies around -30."""

ON_S: Final = 1.5
"""A microphone that has sent nothing for this long is off: even silence is sent every 0.4 s where
the encoder saves (DTX). Source: RFC 6716, 2.1.9."""

_BEGINS: Final = 3  # loud packets …
_WITHIN_S: Final = 0.25  # … within this
_HOLD_S: Final = 0.7


@dataclass(slots=True, kw_only=True)
class Speaking:
    """One microphone, as its packets tell of it."""

    _packet_s: float | None = None
    _loud: list[float] = field(default_factory=list)
    _spoke_s: float | None = None

    def hear(self, level_dbov: int | None, now_s: float) -> None:
        """Take in one packet; None: its level is not known, which is no speech."""
        self._packet_s = now_s
        if level_dbov is None or level_dbov > LOUD_DBOV:
            return
        self._loud = [at for at in self._loud if now_s - at <= _WITHIN_S][1 - _BEGINS :]
        self._loud.append(now_s)
        if len(self._loud) >= _BEGINS or self.is_speaking(now_s):
            self._spoke_s = now_s

    def is_on(self, now_s: float) -> bool:
        """Say whether the microphone sends."""
        return self._packet_s is not None and now_s - self._packet_s < ON_S

    def is_speaking(self, now_s: float) -> bool:
        """Say whether whoever is at it speaks."""
        return self._spoke_s is not None and now_s - self._spoke_s < _HOLD_S

    def quiet_since_s(self) -> float:
        """Return when speech was heard last; minus infinity if never."""
        return float("-inf") if self._spoke_s is None else self._spoke_s
