"""The first two forms of waveforms whose channels are told from one another: read only, for ever.

`interlead3` is what is written. Here a channel's first difference is told from its own two past
differences and from the channels that stand before it in the block, one sample before, at and one
after; what that misses is written as Rice codes (R. F. Rice, JPL 79-22, 1979). A block needs
nothing but itself to be read, and only whole numbers decide what is read.

What the other channels tell is either a difference, Σ weight · their differences, or a level,
Σ weight · their samples, whose own difference is taken: a lead that the monitor computed is told to
the bit only by a level that is rounded as the monitor does.

A block is a string of bits, the most significant of each byte first:

| for each channel | bits |
| --- | --- |
| how it is told: 0 differences, 1 a level rounded down, 2 to the nearest, 3 up | 2 |
| first sample, less the first level: length of its zigzag form, then that | 6, length |
| count of terms | 3 |
| each term: its place in the pool; its weight, −16 … −1 as 0 … 15, 1 … 16 as 16 … 31 | 7, 5 |
| code of the first 32 samples: 0 for no residual at all, else the Rice parameter + 1 | 5 |
| of each next 32: change, zigzag, so many 0 and a 1 | ≥ 1 |

Then for every sample whose code is not 0 the quotient, so many 0 and a 1; then every remainder. A
quotient of 24 means that the residual stands in the remainder whole, in 32 bits. The pool of
channel c: its own difference one and two samples back, then of each channel m < c what it is at n,
n − 1, n + 1; outside the block a channel stays as at its edge. Told by differences, a prediction is
(Σ weight · term + 8) >> 4; a level is (Σ weight · term + 0, 8 or 15) >> 4, and its difference and
(Σ weight · own term + 8) >> 4 are the prediction. Arithmetic is modulo 2**32, so every int32
survives. The bits are filled up with 0 to a whole byte.

In `interlead`, the first form, every channel is told by differences and the two bits are absent.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

_Samples = npt.NDArray[np.int32]  # shape (channels, samples)
_Whole = npt.NDArray[np.int64]
_Bits = npt.NDArray[np.uint8]  # one bit an element

_PART: Final = 32  # samples that share a code
_ESCAPE: Final = 24  # quotient
_ESCAPED_BITS: Final = 32
_LARGEST_CODE: Final = 31
_MOST_ZEROS: Final = 2 * _LARGEST_CODE  # of a change of code
_MOST_TERMS: Final = 7
_OWN_TERMS: Final = 2
_WEIGHT_BITS: Final = 4  # after the point
_HALF: Final = 1 << (_WEIGHT_BITS - 1)
_ONE: Final = 1 << _WEIGHT_BITS  # the largest weight
_TOLD_FIELD, _TERMS_FIELD, _PLACE_FIELD, _WEIGHT_FIELD, _CODE_FIELD, _FIRST_FIELD = 2, 3, 7, 5, 5, 6
_DIFFERENCES: Final = 0
_LEVELS: Final = {1: 0, 2: _HALF, 3: _ONE - 1}  # what is added before the shift


@dataclass(frozen=True, slots=True)
class _Predictor:
    """Terms by their places in the pool, and their weights: 1/16, −16 to 16, never 0."""

    terms: dict[int, int]
    told: int = _DIFFERENCES

    @property
    def own(self) -> tuple[int, int]:
        """The weights of the channel's own differences, one and two samples back."""
        return self.terms.get(0, 0), self.terms.get(1, 0)

    @property
    def others(self) -> dict[int, int]:
        """The weights of what the channels before it tell, by place among those."""
        return {p - _OWN_TERMS: w for p, w in self.terms.items() if p >= _OWN_TERMS}


def decode(data: bytes, *, channels: int, count: int, form: int = 2) -> _Samples:
    """Return the samples of a block, shape (channels, count), written in `form` 1 or 2.

    Raises:
        ValueError: damaged, or not of this shape.
    """
    reader = _Reader(data)
    firsts, predictors, codes = [], [], []
    for channel in range(channels):
        told = reader.take(_TOLD_FIELD) if form > 1 else _DIFFERENCES
        firsts.append(_unzigzag_one(reader.take(reader.take(_FIRST_FIELD))))
        predictors.append(_read_predictor(reader, channel, told))
        codes.append(np.repeat(_read_codes(reader, count - 1), _PART)[: count - 1])
    residuals = _read_residuals(reader, np.concatenate(codes)).reshape(channels, count - 1)
    whole = np.zeros((channels, count), np.int64)
    for channel, predictor in enumerate(predictors):
        whole[channel] = _restored(whole, channel, predictor, firsts[channel], residuals[channel])
    return whole.astype(np.int32)


# -- prediction ---------------------------------------------------------------------------------


def _others(whole: _Whole, channel: int) -> _Whole:
    """Return what the channels before `channel` tell, shape (3 · channel, n)."""
    before = whole[:channel]
    terms = np.empty((3 * channel, whole.shape[1]), np.int64)
    terms[0::3] = before
    terms[1::3, 1:], terms[1::3, :1] = before[:, :-1], before[:, :1]
    terms[2::3, :-1], terms[2::3, -1:] = before[:, 1:], before[:, -1:]
    return terms


def _steps(whole: _Whole) -> _Whole:
    return _wrapped(whole[..., 1:] - whole[..., :-1])


def _own(steps: _Whole) -> _Whole:
    """Return a channel's differences one and two samples back, shape (2, n − 1)."""
    terms = np.zeros((_OWN_TERMS, len(steps)), np.int64)
    terms[0, 1:] = steps[:-1]
    terms[1, 2:] = steps[:-2]
    return terms


def _sum(weights: dict[int, int], terms: _Whole) -> _Whole:
    return np.array([*weights.values()], np.int64) @ terms[[*weights]]


def _told(whole: _Whole, channel: int, predictor: _Predictor) -> tuple[_Whole, _Whole]:
    """Return the level that the other channels tell, shape (n,), and the sum to add before >> 4.

    Told by differences there is no level, and the sum is all that they tell.
    """
    others = predictor.others
    level = np.zeros(whole.shape[1], np.int64)
    summed = np.full(whole.shape[1] - 1, _HALF, np.int64)
    if others:
        terms = _others(whole, channel)
        if predictor.told == _DIFFERENCES:
            summed += _sum(others, _steps(terms))
        else:
            level = (_sum(others, terms) + _LEVELS[predictor.told]) >> _WEIGHT_BITS
    return level, summed


def _restored(
    whole: _Whole, channel: int, predictor: _Predictor, first: int, residual: _Whole
) -> _Whole:
    """Return the samples of `channel`, shape (n,); those of the channels before it are in whole."""
    level, summed = _told(whole, channel, predictor)
    missed = residual + _wrapped(level[1:] - level[:-1])
    once, twice = predictor.own
    if not once and not twice:
        steps = missed + (summed >> _WEIGHT_BITS)
    else:
        restored, last, before_last = [], 0, 0
        for one, told in zip(missed.tolist(), summed.tolist(), strict=True):
            value = one + ((told + once * last + twice * before_last) >> _WEIGHT_BITS)
            before_last, last = last, (value + 2**31) % 2**32 - 2**31
            restored.append(last)
        steps = np.array(restored, np.int64)
    return _wrapped(np.cumsum(np.concatenate([[first + int(level[0])], _wrapped(steps)])))


# -- Rice codes ---------------------------------------------------------------------------------


def _read_codes(reader: "_Reader", count: int) -> _Whole:
    found: list[int] = []
    for part in range(-(-count // _PART)):
        change = 0 if part == 0 else _unzigzag_one(reader.unary())
        code = reader.take(_CODE_FIELD) if part == 0 else found[-1] + change
        if not 0 <= code <= _LARGEST_CODE:
            raise ValueError("a code is out of bounds")
        found.append(code)
    return np.array(found, np.int64)


def _read_residuals(reader: "_Reader", code: _Whole) -> _Whole:
    rice = code[code > 0] - 1
    ones = np.flatnonzero(reader.rest())[: len(rice)]
    if len(ones) < len(rice):
        raise ValueError("quotients are missing")
    quotients = np.diff(ones, prepend=-1) - 1
    if quotients.max(initial=0) > _ESCAPE:
        raise ValueError("a quotient is out of bounds")
    reader.skip(int(ones[-1]) + 1 if len(ones) else 0)
    remainders = reader.fields(np.where(quotients == _ESCAPE, _ESCAPED_BITS, rice))
    zigzag = np.zeros(len(code), np.int64)
    zigzag[code > 0] = np.where(quotients == _ESCAPE, remainders, (quotients << rice) | remainders)
    return (zigzag >> 1) ^ -(zigzag & 1)


def _read_predictor(reader: "_Reader", channel: int, told: int) -> _Predictor:
    terms: dict[int, int] = {}
    for _ in range(reader.take(_TERMS_FIELD)):
        place, field = reader.take(_PLACE_FIELD), reader.take(_WEIGHT_FIELD)
        if place in terms or place >= _OWN_TERMS + 3 * channel:
            raise ValueError("a term is not in the pool, or is there twice")
        terms[place] = field - _ONE + (field >= _ONE)
    return _Predictor(terms, told)


# -- bits ---------------------------------------------------------------------------------------


class _Reader:
    """Reads fields of some bits each.

    Raises:
        ValueError: there are not so many bits.
    """

    def __init__(self, data: bytes) -> None:
        self._bits: _Bits = np.unpackbits(np.frombuffer(data, np.uint8))
        self._at = 0

    def take(self, bits: int) -> int:
        found = self._bits[self._at : self._at + bits]
        if len(found) < bits:
            raise ValueError("the block is truncated")
        self._at += bits
        return int("".join(map(str, found.tolist())) or "0", 2)

    def unary(self) -> int:
        """Return how many zeros stand before the next one.

        Raises:
            ValueError: more than any number that is written so.
        """
        ahead = np.flatnonzero(self._bits[self._at : self._at + _MOST_ZEROS + 1])
        if not len(ahead):
            raise ValueError("a number is too long, or the block is truncated")
        zeros = int(ahead[0])
        self._at += zeros + 1
        return zeros

    def rest(self) -> _Bits:
        return self._bits[self._at :]

    def skip(self, bits: int) -> None:
        self._at += bits

    def fields(self, lengths: _Whole) -> _Whole:
        """Return one number for each of `lengths`, read in order; then only filling may follow."""
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        bits = self.rest()
        if not total <= len(bits) < total + 8 or bits[total:].any():
            raise ValueError("the block is truncated or too long")
        owner = np.repeat(np.arange(len(lengths)), lengths)
        weight = ends[owner] - 1 - np.arange(total)
        found = np.zeros(len(lengths), np.int64)
        np.add.at(found, owner, bits[:total].astype(np.int64) << weight)
        return found


def _unzigzag_one(value: int) -> int:
    return value // 2 if value % 2 == 0 else -(value + 1) // 2


def _wrapped(values: _Whole) -> _Whole:
    return (values + 2**31) % 2**32 - 2**31
