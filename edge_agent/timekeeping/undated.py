"""Records that were stamped before the time was known, until it is. Pure.

Law: a record's time is corrected only where the computer's clock ran on without a jump from before
the record until the time was known. What a jump may have caught stays marked as it is.
"""

from dataclasses import dataclass, field
from typing import Final

from protocols.link.streams import Stream
from protocols.messages import ClockCorrection, SeqSpan

JUMP_US: Final = 500_000
SETTLES_US: Final = 5_000_000
"""A record that is accepted this soon after a jump may have been stamped before it."""

MOST_STRETCHES: Final = 32


@dataclass(slots=True)
class _Stretch:
    """A time without a jump: how far the computer's clock stood from the steady one."""

    since_us: int
    least_us: int
    most_us: int
    spans: dict[Stream, tuple[int, int]] = field(default_factory=dict)


class Undated:
    """Remembers them by stream and seq; the oldest stretches are let go past the bound."""

    def __init__(self) -> None:
        self._stretches: list[_Stretch] = []
        self._has_jumped = False

    def look(self, *, steady_us: int, computer_us: int) -> None:
        """Compare the two clocks; to be called wherever a stamp is taken."""
        apart_us = computer_us - steady_us
        now = self._stretches[-1] if self._stretches else None
        if now is None or not now.most_us - JUMP_US <= apart_us <= now.least_us + JUMP_US:
            self._has_jumped |= now is not None
            self._stretches.append(_Stretch(steady_us, apart_us, apart_us))
            del self._stretches[:-MOST_STRETCHES]
            return
        now.least_us, now.most_us = min(now.least_us, apart_us), max(now.most_us, apart_us)

    def appended(
        self,
        stream: Stream,
        seq: int,
        *,
        captured_utc_us: int,
        steady_us: int,
        computer_us: int,
    ) -> None:
        """Remember a record that the computer's clock stamped and that was accepted just now."""
        self.look(steady_us=steady_us, computer_us=computer_us)
        now = self._stretches[-1]
        if self._has_jumped and (
            steady_us - now.since_us < SETTLES_US
            or not now.since_us + now.least_us <= captured_utc_us <= computer_us
        ):
            return  # it may have been stamped before the jump
        first, last = now.spans.get(stream, (seq, seq - 1))
        if seq == last + 1:
            now.spans[stream] = (first, seq)
        else:  # a hole: what was left out in between stays as it is
            again = _Stretch(now.since_us, now.least_us, now.most_us, {stream: (seq, seq)})
            self._stretches.append(again)
            del self._stretches[:-MOST_STRETCHES]

    def corrections(self, offset_us: int, error_us: int) -> list[ClockCorrection]:
        """Return what to add, now that UTC is the steady clock plus `offset_us`; forget them all.

        `error_us`: how far that may be off.
        """
        found = [
            ClockCorrection(
                spans=tuple(
                    SeqSpan(stream=stream, first_seq=first, last_seq=last)
                    for stream, (first, last) in each.spans.items()
                ),
                add_us=offset_us - (each.least_us + each.most_us) // 2,
                error_us=error_us + (each.most_us - each.least_us) // 2,
            )
            for each in self._stretches
            if each.spans
        ]
        self._stretches.clear()
        return found
