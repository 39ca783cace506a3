"""The ECG as evidence: leads off, a flat line, and the standstill that it may be. Pure.

What is claimed and what is not. A line without a beat for four seconds on every connected lead is
called asystole only if this heart has been seen to beat on these leads before and the pleth counts
no pulse now; else it is a technical matter, for a cable that hangs down is flat, too. Fine
fibrillation may look as flat. Coarse fibrillation is not looked for here: the monitor analyses its
own curve with more leads, filters and years than this, and its alarm is taken over as it is.

Source: IEC 60601-2-27: a standstill is alarmed within 10 s; QRS are at least 0.5 mV, what is below
0.15 mV is none.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from protocols.clinical.alarms.finding import Finding, Truth
from protocols.messages.alarm import AlarmPriority
from protocols.messages.samples import Samples
from protocols.messages.waveform import WaveformBlock

FLAT_S: Final = 4.0
FLAT_UV: Final = 150.0
BEAT_UV: Final = 300.0
"""What moves so far within one block is a beat, or noise enough not to be flat."""

LOST_AFTER_S: Final = 5.0
OFF_AFTER_S: Final = 3.0
NO_ECG: Final = "not_measured.ecg"
_UV: Final = {"uV": 1.0, "mV": 1000.0}


@dataclass(frozen=True, slots=True)
class _Span:
    """One block: how far each lead moved (None: it is off), and when the last sample came."""

    moved_uv: dict[str, float | None]
    length_s: float
    at_s: float


class EcgWatch:
    """The last seconds of the ECG, lead by lead."""

    def __init__(self) -> None:
        self._spans: deque[_Span] = deque(maxlen=256)
        self._beating: set[str] = set()

    def take(self, block: WaveformBlock, samples: Samples, *, now_s: float) -> None:
        """Take in one block; other curves than an ECG in volts are passed over."""
        if block.group != "ecg":
            return
        moved: dict[str, float | None] = {}
        for channel, values in zip(block.channels, samples, strict=True):
            scale = _UV.get(channel.unit)
            if scale is None:
                continue
            valid = values if block.missing is None else values[values != block.missing]
            lead = channel.code.rpartition("_")[2]
            moved[lead] = float(np.ptp(valid)) * channel.gain * scale if valid.size else None
        if not moved:
            return
        self._beating |= {lead for lead, uv in moved.items() if uv is not None and uv >= BEAT_UV}
        self._spans.append(_Span(moved, block.sample_count / block.rate_hz, now_s))
        kept_s = sum(span.length_s for span in self._spans)
        while kept_s - self._spans[0].length_s >= 2 * FLAT_S:
            kept_s -= self._spans.popleft().length_s

    def forget(self) -> None:
        """The patient has left."""
        self._spans.clear()
        self._beating.clear()

    def findings(
        self, *, now_s: float, since_s: float, has_pulse: bool, is_silent: bool
    ) -> Iterator[Finding]:
        """Yield what the curve says; nothing where none was ever seen."""
        if not self._spans:
            return
        is_lost = now_s - max(self._spans[-1].at_s, since_s) > LOST_AFTER_S
        newest = self._spans[-1].moved_uv
        off = [] if is_lost else self._off()
        all_off = bool(off) and len(off) == len(newest)
        is_blind = is_lost or all_off
        is_flat = not is_blind and self._is_flat()
        is_seen_beating = bool(self._beating & {k for k, uv in newest.items() if uv is not None})
        is_standstill = is_flat and is_seen_beating and not has_pulse
        yield Finding(
            code=NO_ECG,
            truth=Truth.ABSENT if not is_lost else Truth.NEAR if is_silent else Truth.PRESENT,
            nature="technical",
            end_delay_s=0.0,
        )
        yield Finding(
            code="ecg.lead_off",
            truth=Truth.NEAR if is_lost else Truth.PRESENT if off else Truth.ABSENT,
            priority=AlarmPriority.MEDIUM if all_off else AlarmPriority.LOW,
            nature="technical",
            text=" ".join(off)[:80] or None,
        )
        yield Finding(
            code="ecg.flat",
            truth=Truth.NEAR
            if is_blind
            else Truth.PRESENT
            if is_flat and not is_standstill
            else Truth.ABSENT,
            nature="technical",
        )
        yield Finding(
            code="ecg.asystole",
            truth=Truth.UNKNOWN if is_blind else Truth.PRESENT if is_standstill else Truth.ABSENT,
            priority=AlarmPriority.HIGH,
            latches=True,
            gone="ecg.lead_off" if all_off else NO_ECG,
        )

    def _off(self) -> list[str]:
        """Return the leads without one valid sample for their time."""
        recent = self._last(OFF_AFTER_S)
        if recent is None:
            return []
        return [
            lead
            for lead in recent[-1].moved_uv
            if all(span.moved_uv.get(lead) is None for span in recent)
        ]

    def _is_flat(self) -> bool:
        """Say whether no connected lead has moved for the time that it takes to tell."""
        recent = self._last(FLAT_S)
        if recent is None:
            return False
        moves = [uv for span in recent for uv in span.moved_uv.values() if uv is not None]
        return bool(moves) and max(moves) < FLAT_UV

    def _last(self, length_s: float) -> list[_Span] | None:
        """Return the spans of the last `length_s`; None where there is not so much."""
        found: list[_Span] = []
        for span in reversed(self._spans):
            found.append(span)
            length_s -= span.length_s
            if length_s <= 0:
                return found[::-1]
        return None
