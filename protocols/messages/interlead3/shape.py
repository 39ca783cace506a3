"""What can be said of a channel before any prediction: it is computed, or has few values. Pure.

Monitors compute III, aVR, aVL and aVF from I and II and round, so such a channel is
`(a · one + b · other + 0 or 1) >> 1` plus a constant: to the bit, or nearly so where it was rounded
apart from them, and then what is left is written besides. A channel that never changes is one of
these with both weights 0. A converter that is coarser than the unit in which its samples are
written leaves most values out: such a channel is told by the count of the values that it may have.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from protocols.messages.interlead3.coder import Reader, field

Whole = npt.NDArray[np.int64]

_KINDS: Final = 2  # bits
_OWN, _LIMB, _COMPUTED, _SIEVED = range(4)
_LIMBS: Final = ((-2, 2), (-1, -1), (2, -1), (-1, 2))  # III, aVR, aVL, aVF in halves of I and II
_WEIGHTS: Final = 4  # bits, −8 … 7
_CHANNEL: Final = 5  # bits
_FURTHEST: Final = 3  # channels among which one looks for the two
_WHOLE: Final = 32  # bits
_PERIOD: Final = 5  # bits
_LONGEST_PERIOD: Final = (1 << _PERIOD) - 1
_PERIODS: Final = np.arange(2, _LONGEST_PERIOD + 1)
_NEAR: Final = 2
_WORTH: Final = 16.0  # bits, below which a sieve is not worth the time

_Places = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Own:
    """A channel that stands for itself."""

    def places(self) -> _Places:
        """Return what says so in a block."""
        return field(_OWN, _KINDS)


@dataclass(frozen=True, slots=True)
class Computed:
    """A channel that is `(a · one + b · other + up) >> 1` + `constant`, both channels before it.

    Where `is_near` alone, something small is added to it that is read from elsewhere.
    """

    one: int
    other: int
    weights: tuple[int, int]
    up: int
    constant: int
    is_near: bool = False

    def places(self) -> _Places:
        """Return what says so in a block."""
        if (self.one, self.other, self.constant) == (0, 1, 0) and self.weights in _LIMBS:
            return [
                *field(_LIMB, _KINDS),
                *field(_LIMBS.index(self.weights), 2),
                *field(self.up, 1),
                *field(self.is_near, 1),
            ]
        return [
            *field(_COMPUTED, _KINDS),
            *field(self.one, _CHANNEL),
            *field(self.other, _CHANNEL),
            *(place for weight in self.weights for place in field(weight + 8, _WEIGHTS)),
            *field(self.up, 1),
            *field(self.is_near, 1),
            *field(self.constant % (1 << _WHOLE), _WHOLE),
        ]

    def of(self, whole: Whole) -> Whole:
        """Return the channel, from those before it."""
        return _wrapped(_level(whole[self.one], whole[self.other], self) + self.constant)


@dataclass(frozen=True, slots=True)
class Sieved:
    """A channel that has values only where `kept` has a 1 for their rest by `period`."""

    period: int
    kept: tuple[int, ...]  # the rests, rising

    def places(self) -> _Places:
        """Return what says so in a block."""
        marks = sum(1 << rest for rest in self.kept)
        return [
            *field(_SIEVED, _KINDS),
            *field(self.period, _PERIOD),
            *field(marks, self.period),
        ]

    def thinned(self, values: Whole) -> Whole:
        """Return which of the values that it may have each one is."""
        rank = np.zeros(self.period, np.int64)
        rank[[*self.kept]] = np.arange(len(self.kept))
        return values // self.period * len(self.kept) + rank[values % self.period]

    def spread(self, places: Whole) -> Whole:
        """Return the values that `thinned` made `places` of."""
        size = len(self.kept)
        return _wrapped(places // size * self.period + np.array(self.kept)[places % size])


Shape = Own | Computed | Sieved


def shapes_of(whole: Whole) -> list[Shape]:
    """Return what each channel of `whole`, shape (channels, n), is."""
    found: list[Shape] = []
    own: list[int] = []
    for channel in range(len(whole)):
        shape: Shape | None = _computed(whole, channel, own[:_FURTHEST])
        if shape is None:
            own.append(channel)
            shape = _sieved(whole[channel])
        found.append(shape)
    return found


def read_shape(reader: Reader, channel: int) -> Shape:
    """Return what `places` of the shape of channel number `channel` wrote.

    Raises:
        ValueError: truncated, or no shape of that channel.
    """
    kind = reader.field(_KINDS)
    if kind == _OWN:
        return Own()
    if kind == _SIEVED:
        period = reader.field(_PERIOD)
        marks = reader.field(period)
        if not marks:
            raise ValueError("a channel without values")
        return Sieved(period, tuple(rest for rest in range(period) if marks >> rest & 1))
    if kind == _LIMB:
        one, other, constant = 0, 1, 0
        weights = _LIMBS[reader.field(2)]
        up, is_near = reader.field(1), bool(reader.field(1))
    else:
        one, other = reader.field(_CHANNEL), reader.field(_CHANNEL)
        weights = (reader.field(_WEIGHTS) - 8, reader.field(_WEIGHTS) - 8)
        up, is_near = reader.field(1), bool(reader.field(1))
        constant = reader.field(_WHOLE)
    if weights != (0, 0) and max(one, other) >= channel:
        raise ValueError("a channel is computed from one that stands after it")
    return Computed(one, other, weights, up, constant, is_near)


def _level(one: Whole, other: Whole, shape: Computed) -> Whole:
    a, b = shape.weights
    return (a * one + b * other + shape.up) >> 1


def _wrapped(values: Whole) -> Whole:
    return values.astype(np.int32).astype(np.int64)


def _computed(whole: Whole, channel: int, own: list[int]) -> Computed | None:
    values = whole[channel]
    if (values == values[0]).all():
        return Computed(0, 0, (0, 0), 0, int(values[0]))
    pairs = [*combinations(own, 2), *((one, one) for one in own[:1])]
    near: Computed | None = None
    for one, other in pairs:
        found = _of_two(whole, channel, one, other)
        if found is not None and not found.is_near:
            return found
        near = near or found
    return near


def _of_two(whole: Whole, channel: int, one: int, other: int) -> Computed | None:
    """Return how `channel` is computed from two others, if it is."""
    probe = slice(None, None, max(1, whole.shape[1] // 64))
    target = 2.0 * (whole[channel, probe] - whole[channel, 0])
    first = (whole[one, probe] - whole[one, 0]).astype(float)
    second = (whole[other, probe] - whole[other, 0]).astype(float)
    aa, ab, bb = first @ first, first @ second, second @ second
    at, bt = first @ target, second @ target
    span = aa * bb - ab * ab
    if one == other or span <= 1e-6 * aa * bb:
        if not aa:
            return None
        guess = (round(at / aa), 0)
    else:
        guess = (round((at * bb - bt * ab) / span), round((bt * aa - at * ab) / span))
    if not all(-8 <= weight <= 7 for weight in guess):  # noqa: PLR2004 -- what four bits say
        return None
    left = whole[channel]
    for up in (0, 1):
        shape = Computed(one, other, guess, up, 0)
        left = _wrapped(whole[channel] - _level(whole[one], whole[other], shape))
        if (left == left[0]).all():
            return Computed(one, other, guess, up, int(left[0]))
    middle = int(np.sort(left)[len(left) // 2])
    if any(guess) and np.abs(left - middle).max() <= _NEAR:
        return Computed(one, other, guess, 1, middle, is_near=True)
    return None


def _sieved(values: Whole) -> Own | Sieved:
    """Return the period that leaves out most values, where it is worth its bits."""
    different = np.unique(values)
    seen = np.zeros((len(_PERIODS), _LONGEST_PERIOD), bool)
    seen[np.arange(len(_PERIODS))[:, None], different % _PERIODS[:, None]] = True
    gains = len(values) * np.log2(_PERIODS / seen.sum(axis=1)) - _PERIODS - _PERIOD
    best = int(np.argmax(gains))
    if gains[best] < _WORTH:
        return Own()
    return Sieved(int(_PERIODS[best]), tuple(np.flatnonzero(seen[best]).tolist()))
