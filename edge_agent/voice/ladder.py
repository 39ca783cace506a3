"""How much of the link a voice may use. Pure. Law: readings first, then voices, then pictures.

Theory of operation. A voice takes little and does not shrink by itself, so it is the pictures that
give way first: while any move, a voice keeps its rate unless readings wait for long. Where none
move and readings still wait, it steps down, at last to nothing. It rises by trial, one step after
a wait that doubles each time a trial fails. Rates are the encoder's; what a packet adds to them is
the same at each.
"""

from typing import Final

STEPS_BPS: Final = (0, 6_000, 12_000, 24_000)
"""Opus speech: 24 kbit/s is full band, 12 wide band, 6 is understood. Source: RFC 6716, 2.1.1."""

_LATE_S: Final = 0.7  # readings wait so much longer than usual
_QUEUE_S: Final = 0.7  # by the newest acks
_LASTS_S: Final = (
    1.0  # either for so long: a busy computer has moments that are no sign of the link
)
_LATE_HARD_S: Final = 2.0  # so long that pictures have not given way fast enough
_SETTLE_S: Final = 1.5  # after a step down, before the next
_FIRST_WAIT_S: Final = 4.0
_LONGEST_WAIT_S: Final = 64.0
_FAILED_S: Final = 5.0  # a step up that must be taken back within this has failed
_RETURN: Final = 2  # where a link that was down begins


class VoiceLadder:
    """What one voice may use, bit/s."""

    def __init__(self, *, now_s: float) -> None:
        self._index = len(STEPS_BPS) - 1
        self._is_up = True
        self._changed_s = now_s - _SETTLE_S
        self._rose_s: float | None = None
        self._waits_since_s: float | None = None
        self._wait_s = _FIRST_WAIT_S

    @property
    def bps(self) -> int:
        """What may be used; 0: there is no room, or no link."""
        return STEPS_BPS[self._index] if self._is_up else 0

    @property
    def is_up(self) -> bool:
        """The hub answers."""
        return self._is_up

    def look(
        self, *, now_s: float, is_answered: bool, late_s: float, queue_s: float, moves: bool
    ) -> None:
        """Take in what the readings' way shows; `moves`: pictures still have something to give."""
        if not is_answered:
            self._is_up = False
            return
        if not self._is_up:
            self._is_up, self._changed_s = True, now_s
            self._index = min(self._index, _RETURN)
            return
        if late_s <= _LATE_S and queue_s <= _QUEUE_S:
            self._waits_since_s = None
            self._rise(now_s)
            return
        self._waits_since_s = since_s = self._waits_since_s or now_s
        is_hard = late_s > _LATE_HARD_S
        if now_s - since_s >= _LASTS_S and (is_hard or not moves):
            self._fall(now_s)

    def _rise(self, now_s: float) -> None:
        """Try the next step where the last has stood for long enough."""
        is_top = self._index == len(STEPS_BPS) - 1
        if not is_top and now_s - self._changed_s >= self._wait_s:
            self._index += 1
            self._changed_s = self._rose_s = now_s
        elif self._rose_s is not None and now_s - self._rose_s > 2 * _FAILED_S:
            self._wait_s, self._rose_s = _FIRST_WAIT_S, None

    def _fall(self, now_s: float) -> None:
        if now_s - self._changed_s < _SETTLE_S:
            return
        if self._rose_s is not None and now_s - self._rose_s < _FAILED_S:
            self._wait_s = min(_LONGEST_WAIT_S, 2 * self._wait_s)
        self._rose_s = None
        if self._index > 0:
            self._index -= 1
        self._changed_s = now_s
