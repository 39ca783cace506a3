"""Lossless coding of waveforms measured together: each channel is told from those before it.

The leads of an ECG look at one heart, and neighbouring samples at one moment of it. So a channel's
first difference is predicted from its own two past differences and from the differences, one
sample before, at and one after, of the channels that stand before it in the block; what the
prediction misses is small and is written as Rice codes (R. F. Rice, JPL 79-22, 1979). The encoder
picks the few terms that pay for themselves by orthogonal matching pursuit (Y. C. Pati et al.,
Asilomar 1993) and writes their weights, so a block needs nothing but itself to be read, and only
whole numbers decide what is read: every machine reads the same.

A block is a string of bits, the most significant of each byte first:

| for each channel | bits |
| --- | --- |
| first sample: length of its zigzag form, then that | 6, length |
| count of terms | 3 |
| each term: its place in the pool; its weight, −16 … −1 as 0 … 15, 1 … 16 as 16 … 31 | 7, 5 |
| code of the first 32 samples: 0 for no residual at all, else the Rice parameter + 1 | 5 |
| of each next 32: change, zigzag, so many 0 and a 1 | ≥ 1 |

Then for every sample whose code is not 0 the quotient, so many 0 and a 1; then every remainder. A
quotient of 24 means that the residual stands in the remainder whole, in 32 bits. The pool of
channel c: its own difference one and two samples back, then of each channel m < c the differences
at n, n − 1, n + 1. A prediction is (Σ weight · term + 8) >> 4. Arithmetic is modulo 2**32, so
every int32 survives. The bits are filled up with 0 to a whole byte.
"""

import math
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
_MOST_TERMS: Final = 7
_OWN_TERMS: Final = 2
_WEIGHT_BITS: Final = 4  # after the point
_HALF: Final = 1 << (_WEIGHT_BITS - 1)
_ONE: Final = 1 << _WEIGHT_BITS  # the largest weight
_TERMS_FIELD, _PLACE_FIELD, _WEIGHT_FIELD, _CODE_FIELD, _FIRST_FIELD = 3, 7, 5, 5, 6
_TERM_BITS: Final = _PLACE_FIELD + _WEIGHT_FIELD
MOST_CHANNELS: Final = (2**_PLACE_FIELD - _OWN_TERMS) // 3  # 42


@dataclass(frozen=True, slots=True)
class _Predictor:
    places: tuple[int, ...]
    weights: tuple[int, ...]  # 1/16; −16 to 16, never 0


def encode(samples: _Samples) -> bytes:
    """Return `samples`, shape (channels ≤ 42, n ≥ 1), as one block."""
    channels, count = samples.shape
    whole = samples.astype(np.int64)
    differences = _wrapped(whole[:, 1:] - whole[:, :-1])
    head, residuals, codes = _Writer(), [], []
    for channel in range(channels):
        predictor, residual = _predict(differences, channel)
        parts = _codes(residual)
        head.channel(int(samples[channel, 0]), predictor, parts)
        residuals.append(residual)
        codes.append(np.repeat(parts, _PART)[: count - 1])
    code = np.concatenate(codes)
    zigzag, rice = _zigzag(np.concatenate(residuals))[code > 0], code[code > 0] - 1
    quotients = np.minimum(zigzag >> rice, _ESCAPE)
    lengths = np.where(quotients == _ESCAPE, _ESCAPED_BITS, rice)
    return np.packbits(
        np.concatenate([head.bits(), _unary(quotients), _fields(zigzag, lengths)])
    ).tobytes()


def decode(data: bytes, *, channels: int, count: int) -> _Samples:
    """Return the samples of a block, shape (channels, count).

    Raises:
        ValueError: damaged, or not of this shape.
    """
    reader = _Reader(data)
    firsts, predictors, codes = [], [], []
    for channel in range(channels):
        firsts.append(_unzigzag_one(reader.take(reader.take(_FIRST_FIELD))))
        predictors.append(_read_predictor(reader, channel))
        codes.append(np.repeat(_read_codes(reader, count - 1), _PART)[: count - 1])
    residuals = _read_residuals(reader, np.concatenate(codes)).reshape(channels, count - 1)
    differences = np.zeros((channels, count - 1), np.int64)
    for channel, predictor in enumerate(predictors):
        differences[channel] = _restore(differences, channel, predictor, residuals[channel])
    whole = np.concatenate([np.array(firsts, np.int64)[:, None], differences], axis=1)
    return _wrapped(np.cumsum(whole, axis=1)).astype(np.int32)


# -- prediction ---------------------------------------------------------------------------------


def _pool(differences: _Whole, channel: int) -> _Whole:
    """Return the terms of `channel`, shape (2 + 3 · channel, n)."""
    own, before = differences[channel], differences[:channel]
    terms = np.zeros((_OWN_TERMS + 3 * channel, len(own)), np.int64)
    terms[0, 1:] = own[:-1]
    terms[1, 2:] = own[:-2]
    terms[2::3] = before
    terms[3::3, 1:] = before[:, :-1]
    terms[4::3, :-1] = before[:, 1:]
    return terms


def _predict(differences: _Whole, channel: int) -> tuple[_Predictor, _Whole]:
    """Return the predictor that makes the block shortest, and what it misses."""
    target, pool = differences[channel], _pool(differences, channel)
    best, best_residual = _Predictor((), ()), target
    wanted, terms = target.astype(float), pool.astype(float)
    energies = (terms * terms).sum(axis=1)
    left, places = wanted, list[int]()
    while len(places) < min(_MOST_TERMS, len(terms)):
        with np.errstate(invalid="ignore", divide="ignore"):
            gains = np.where(energies > 0, (terms @ left) ** 2 / energies, 0.0)
        gains[places] = -1.0
        places.append(int(np.argmax(gains)))
        weights = np.linalg.lstsq(terms[places].T, wanted, rcond=None)[0]
        tried = _Predictor(tuple(places), tuple(_rounded(weight) for weight in weights))
        residual = _wrapped(target - _predicted(pool, tried))
        if _likely_bits(residual) + _TERM_BITS >= _likely_bits(best_residual):
            break
        best, best_residual, left = tried, residual, residual.astype(float)
    return best, best_residual


def _rounded(weight: float) -> int:
    """Return the nearest weight that can be written."""
    sixteenths = max(-_ONE, min(_ONE, round(weight * _ONE)))
    return sixteenths or (1 if weight > 0 else -1)


def _predicted(pool: _Whole, predictor: _Predictor) -> _Whole:
    weights = np.array(predictor.weights, np.int64)
    return (weights @ pool[list(predictor.places)] + _HALF) >> _WEIGHT_BITS


def _likely_bits(residual: _Whole) -> float:
    """Return about how many bits Rice codes of `residual` take, to compare two of them."""
    total = float(np.abs(residual).sum())
    return len(residual) * math.log2(total / max(1, len(residual)) + 0.5)


def _restore(differences: _Whole, channel: int, predictor: _Predictor, residual: _Whole) -> _Whole:
    """Return the differences of `channel`; those of the channels before it are restored."""
    weights = dict(zip(predictor.places, predictor.weights, strict=True))
    once, twice = weights.pop(0, 0), weights.pop(1, 0)
    others = _Predictor(tuple(weights), tuple(weights.values()))
    pool = _pool(differences, channel)
    summed = np.array(others.weights, np.int64) @ pool[list(others.places)] + _HALF
    if not once and not twice:
        return _wrapped(residual + (summed >> _WEIGHT_BITS))
    restored, last, before_last = [], 0, 0
    for missed, told in zip(residual.tolist(), summed.tolist(), strict=True):
        value = missed + ((told + once * last + twice * before_last) >> _WEIGHT_BITS)
        before_last, last = last, (value + 2**31) % 2**32 - 2**31
        restored.append(last)
    return np.array(restored, np.int64)


# -- Rice codes ---------------------------------------------------------------------------------


def _codes(residual: _Whole) -> _Whole:
    """Return the code of every 32 samples that makes them shortest."""
    zigzag = _zigzag(residual)
    starts = np.arange(0, len(zigzag), _PART)
    if not len(starts):
        return np.zeros(0, np.int64)
    sizes = np.diff(np.append(starts, len(zigzag)))
    silent = np.where(np.add.reduceat(zigzag, starts) == 0, 0, np.iinfo(np.int64).max)
    costs = [
        np.add.reduceat(np.minimum(zigzag >> rice, _ESCAPE + _ESCAPED_BITS), starts)
        + (rice + 1) * sizes
        for rice in range(_LARGEST_CODE)
    ]
    found: _Whole = np.argmin(np.stack([silent, *costs]), axis=0)
    return found


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


def _read_predictor(reader: "_Reader", channel: int) -> _Predictor:
    places, weights = [], []
    for _ in range(reader.take(_TERMS_FIELD)):
        places.append(reader.take(_PLACE_FIELD))
        field = reader.take(_WEIGHT_FIELD)
        weights.append(field - _ONE + (field >= _ONE))
    if len(set(places)) != len(places) or any(p >= _OWN_TERMS + 3 * channel for p in places):
        raise ValueError("a term is not in the pool, or is there twice")
    return _Predictor(tuple(places), tuple(weights))


# -- bits ---------------------------------------------------------------------------------------


class _Writer:
    """Collects fields of some bits each."""

    def __init__(self) -> None:
        self._values: list[int] = []
        self._lengths: list[int] = []

    def channel(self, first: int, predictor: _Predictor, codes: _Whole) -> None:
        zigzag = _zigzag_one(first)
        self._put(zigzag.bit_length(), _FIRST_FIELD)
        self._put(zigzag, zigzag.bit_length())
        self._put(len(predictor.places), _TERMS_FIELD)
        for place, weight in zip(predictor.places, predictor.weights, strict=True):
            self._put(place, _PLACE_FIELD)
            self._put(weight + _ONE - (weight > 0), _WEIGHT_FIELD)
        if len(codes):
            self._put(int(codes[0]), _CODE_FIELD)
        for change in np.diff(codes).tolist():
            self._put(1, _zigzag_one(change) + 1)

    def bits(self) -> _Bits:
        return _fields(np.array(self._values, np.int64), np.array(self._lengths, np.int64))

    def _put(self, value: int, bits: int) -> None:
        self._values.append(value)
        self._lengths.append(bits)


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
        zeros = 0
        while not self.take(1):
            zeros += 1
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


def _fields(values: _Whole, lengths: _Whole) -> _Bits:
    """Return the low `lengths` bits of each of `values`, one after another."""
    ends = np.cumsum(lengths)
    owner = np.repeat(np.arange(len(values)), lengths)
    weight = ends[owner] - 1 - np.arange(len(owner))
    return ((values[owner] >> weight) & 1).astype(np.uint8)


def _unary(values: _Whole) -> _Bits:
    bits = np.zeros(int(values.sum()) + len(values), np.uint8)
    bits[np.cumsum(values + 1) - 1] = 1
    return bits


def _zigzag(values: _Whole) -> _Whole:
    return (values << 1) ^ (values >> 63)


def _zigzag_one(value: int) -> int:
    return 2 * value if value >= 0 else -2 * value - 1


def _unzigzag_one(value: int) -> int:
    return value // 2 if value % 2 == 0 else -(value + 1) // 2


def _wrapped(values: _Whole) -> _Whole:
    return (values + 2**31) % 2**32 - 2**31
