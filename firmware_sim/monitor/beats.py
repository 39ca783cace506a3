"""Heart rate from a recorded ECG, as a monitor would count it. Pure."""

from typing import Final

import numpy as np
import numpy.typing as npt

from firmware_sim.monitor.heart import Beat
from firmware_sim.monitor.signals import Recorded, Samples

_REFRACTORY_S: Final = 0.28
_WINDOW_S: Final = 10.0


def r_peaks(signals: Samples, rate_hz: int) -> npt.NDArray[np.int64]:
    """Return the sample indexes of the R peaks in `signals`, shape (channels, n).

    Energy of the slope over 80 ms, all channels together, against a share of its own high values.
    Good enough for a number beside a recording; not a diagnostic algorithm. Source: the idea of
    Pan and Tompkins, 1985.
    """
    slope = np.diff(signals.astype(np.float64), axis=1, prepend=signals[:, :1])
    slope /= np.std(slope, axis=1, keepdims=True) + 1e-9
    width = max(1, int(0.08 * rate_hz))
    energy = np.convolve((slope**2).mean(axis=0), np.ones(width) / width, mode="same")
    per_second = [energy[first : first + rate_hz].max() for first in range(0, len(energy), rate_hz)]
    above = energy > 0.3 * float(np.median(per_second))
    starts = np.flatnonzero(above & ~np.roll(above, 1))
    peaks: list[int] = []
    for start in starts.tolist():
        peak = start + int(np.argmax(energy[start : start + width * 2]))
        if not peaks or peak - peaks[-1] > _REFRACTORY_S * rate_hz:
            peaks.append(peak)
    return np.array(peaks, np.int64)


class RecordedBeats:
    """The beats of a recorded ECG or plethysmogram as it is played, over and over."""

    def __init__(self, recording: Recorded) -> None:
        rate_hz = recording.group.rate_hz
        self._length_s = recording.samples.shape[1] / rate_hz
        self._peaks_s = r_peaks(recording.samples, rate_hz) / rate_hz

    def rate(self, time_s: float) -> float | None:
        """Return beats per minute after `time_s` of play; None where too few were seen.

        The median interval of the last ten seconds, or of one turn of a shorter recording.
        """
        span_s = min(_WINDOW_S, self._length_s)
        seen = self._times(max(0.0, time_s - span_s), time_s)
        if len(seen) < 3:  # noqa: PLR2004 -- two intervals at least
            return None
        return 60.0 / float(np.median(np.diff(seen)))

    def beats(self, from_s: float, to_s: float) -> list[Beat]:
        """Return the beats in [from_s, to_s)."""
        return [Beat(at_s, 0.8, 0.0, has_p=True) for at_s in self._times(from_s, to_s)]

    def _times(self, from_s: float, to_s: float) -> list[float]:
        first, last = int(from_s // self._length_s), int(to_s // self._length_s)
        return [
            at_s
            for turn in range(first, last + 1)
            for at_s in (self._peaks_s + turn * self._length_s).tolist()
            if from_s <= at_s < to_s
        ]
