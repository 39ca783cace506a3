"""A model of what a heart shows: beats, a 12-lead ECG and a plethysmogram from one dipole.

Theory: the heart is a current dipole that turns once a beat. Each Frank axis is a sum of Gaussian
bumps around the R peak; the leads follow by Dower's matrix. Source: R. Sameni, G. Clifford,
C. Jutten, M. Shamsollahi, "Multichannel ECG and noise modeling", EURASIP J. Adv. Signal Process.
2007, table 1 (normal adult); G. E. Dower, "A lead synthesizer for the Frank system", 1968.
"""

import math
import random
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from firmware_sim.monitor.codes import INDEPENDENT_LEADS, LEADS, MICRO_VOLT, PERCENT, PLETH
from firmware_sim.monitor.patient import Patient
from firmware_sim.monitor.signals import Channel, Group, Samples

Floats = npt.NDArray[np.float64]

ECG_RATE_HZ: Final = 500
PLETH_RATE_HZ: Final = 125
ECG_UV_PER_BIT: Final = 5.0
PLETH_PCT_PER_BIT: Final = 0.025
TWELVE: Final = tuple(name for name in LEADS if name != "V")

_REFERENCE_RR_S: Final = 0.8  # the rate at which the bumps below were fitted
_X: Final = np.array([
    [-1.09, -0.83, -0.19, -0.07, 0.0, 0.06, 0.22, 1.2, 1.42, 1.68, 2.9],
    [0.03, 0.08, -0.13, 0.85, 1.11, 0.75, 0.06, 0.1, 0.17, 0.39, 0.03],
    [0.0906, 0.1057, 0.0453, 0.0378, 0.0332, 0.0302, 0.0378, 0.6040, 0.3020, 0.1812, 0.5],
])  # fmt: skip
_Y: Final = np.array([
    [-1.1, -0.9, -0.76, -0.11, -0.01, 0.065, 0.8, 1.58, 2.9],
    [0.035, 0.015, -0.019, 0.32, 0.51, -0.32, 0.04, 0.08, 0.014],
    [0.07, 0.07, 0.04, 0.055, 0.037, 0.0604, 0.450, 0.3, 0.5],
])  # fmt: skip
_Z: Final = np.array([
    [-1.1, -0.93, -0.7, -0.4, -0.15, 0.095, 1.05, 1.25, 1.55, 2.8],
    [-0.03, -0.14, -0.035, 0.045, -0.4, 0.46, -0.12, -0.2, -0.35, -0.035],
    [0.03, 0.12, 0.04, 0.4, 0.045, 0.05, 0.8, 0.4, 0.2, 0.4],
])  # fmt: skip
_P_WAVE_END: Final = -0.6  # bumps before this angle are the P wave
_DOWER: Final = np.array([
    [0.632, -0.235, 0.059], [0.235, 1.066, -0.132],
    [-0.515, 0.157, -0.917], [0.044, 0.164, -1.387], [0.882, 0.098, -1.277],
    [1.213, 0.127, -0.601], [1.125, 0.127, -0.086], [0.831, 0.076, 0.230],
])  # fmt: skip
"""Rows I, II, V1 … V6; columns X, Y, Z (Z points to the back)."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One R peak, the interval that follows it, and the patient's ST and rhythm at the time."""

    at_s: float
    interval_s: float
    st_mv: float
    has_p: bool


class Beating(Protocol):
    """Anything that says when a heart beats."""

    def beats(self, from_s: float, to_s: float) -> list[Beat]:
        """Return the beats with an R peak in [from_s, to_s)."""
        ...


class Heart:
    """Beats one after another, as the patient's rate, breathing and rhythm have them."""

    def __init__(self, *, patient: Patient, seed: int) -> None:
        self._patient = patient
        self._rng = random.Random(seed)
        self._beats: deque[Beat] = deque(maxlen=64)
        self._next_s = 0.3

    def beats(self, from_s: float, to_s: float) -> list[Beat]:
        """Return the beats with an R peak in [from_s, to_s); at most the last 64 are known."""
        while self._next_s < to_s:
            self._beats.append(self._make())
            self._next_s += self._beats[-1].interval_s
        return [beat for beat in self._beats if from_s <= beat.at_s < to_s]

    def _make(self) -> Beat:
        at_s = self._next_s
        state = self._patient.at(at_s)
        breath = math.sin(2 * math.pi * state.respiratory_rate / 60 * at_s)
        interval_s = 60.0 / state.heart_rate
        if state.irregular >= 0.5:  # noqa: PLR2004 -- halfway
            interval_s *= max(0.55, self._rng.gauss(1.0, 0.2))
        else:
            interval_s *= 1.0 + 0.03 * breath + self._rng.gauss(0.0, 0.008)
        return Beat(at_s, interval_s, state.st_mv, has_p=state.irregular < 0.5)  # noqa: PLR2004


class EcgModel:
    """A 12-lead ECG of `heart` at 500 Hz, 5 µV per bit; `leads` may leave the derived ones out."""

    def __init__(
        self, *, heart: Heart, patient: Patient, seed: int, leads: tuple[str, ...] = TWELVE
    ) -> None:
        self._heart, self._patient = heart, patient
        self._noise = np.random.default_rng(seed)
        self._first = 0
        self._leads = leads
        self.group = Group(
            kind="ecg",
            rate_hz=ECG_RATE_HZ,
            channels=tuple(
                Channel(name=name, code=LEADS[name], unit=MICRO_VOLT, resolution=ECG_UV_PER_BIT)
                for name in leads
            ),
            source="model",
        )

    def take(self, count: int) -> Samples:
        """Return the next `count` samples of every lead."""
        times_s = np.arange(self._first, self._first + count) / ECG_RATE_HZ
        self._first += count
        frank = np.zeros((3, count))
        for beat in self._heart.beats(float(times_s[0]) - 1.2, float(times_s[-1]) + 0.6):
            _add_beat(frank, times_s - beat.at_s, beat)
        millivolt = _DOWER @ frank
        breath_hz = self._patient.at(float(times_s[0])).respiratory_rate / 60
        millivolt += 0.03 * np.sin(2 * np.pi * breath_hz * times_s)
        millivolt += self._noise.normal(0.0, 0.006, millivolt.shape)
        eight = np.rint(millivolt * 1000 / ECG_UV_PER_BIT).astype(np.int32)
        return _with_derived(eight, self._leads)


class PlethModel:
    """A plethysmogram of `heart` at 125 Hz, in percent of full scale."""

    def __init__(self, *, heart: Beating, seed: int, source: str = "model") -> None:
        self._heart = heart
        self._noise = np.random.default_rng(seed)
        self._first = 0
        self.group = Group(
            kind="pleth",
            rate_hz=PLETH_RATE_HZ,
            channels=(
                Channel(name="pleth", code=PLETH, unit=PERCENT, resolution=PLETH_PCT_PER_BIT),
            ),
            source=source,
        )

    def take(self, count: int) -> Samples:
        """Return the next `count` samples."""
        times_s = np.arange(self._first, self._first + count) / PLETH_RATE_HZ
        self._first += count
        wave = np.full(count, 20.0)
        for beat in self._heart.beats(float(times_s[0]) - 1.5, float(times_s[-1]) + 0.1):
            after_s = times_s - beat.at_s - 0.18  # the pulse reaches the finger
            wave += 55.0 * np.exp(-(((after_s - 0.14) / 0.085) ** 2))
            wave += 18.0 * np.exp(-(((after_s - 0.38) / 0.11) ** 2))
        wave += self._noise.normal(0.0, 0.15, count)
        return np.rint(wave / PLETH_PCT_PER_BIT).astype(np.int32)[np.newaxis, :]


def _add_beat(frank: Floats, after_s: Floats, beat: Beat) -> None:
    """Add one beat to the Frank axes; the time from QRS to T shrinks with the root of RR."""
    stretch = math.sqrt(min(1.6, beat.interval_s / _REFERENCE_RR_S))
    angle = after_s * (2 * math.pi / _REFERENCE_RR_S)
    late = np.where(angle > 0.3, 0.3 + (angle - 0.3) / stretch, angle)  # noqa: PLR2004
    for axis, (centres, heights_mv, widths) in enumerate((_X, _Y, _Z)):
        keep = slice(None) if beat.has_p else centres > _P_WAVE_END
        bumps = np.exp(-0.5 * ((late[:, None] - centres[keep]) / widths[keep]) ** 2)
        frank[axis] += bumps @ heights_mv[keep]
    if beat.st_mv:
        plateau = np.exp(-0.5 * ((late - 0.75) / 0.38) ** 2)
        frank[1] += beat.st_mv / 1.066 * plateau
        frank[0] -= 0.35 * beat.st_mv * plateau


def _with_derived(eight: Samples, leads: tuple[str, ...]) -> Samples:
    """Return `leads` in order; III, aVR, aVL, aVF come from the integers of I and II."""
    rows = dict(zip(INDEPENDENT_LEADS, eight, strict=True))
    one, two = rows["I"], rows["II"]
    rows |= {"III": two - one, "aVR": -((one + two) // 2), "aVL": one - two // 2,
             "aVF": two - one // 2}  # fmt: skip
    return np.stack([rows[name] for name in leads])
