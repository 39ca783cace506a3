"""Lossless coding of waveforms measured together: `interlead-3`. Pure.

The leads of an ECG look at one heart, and neighbouring samples at one moment of it. A block says of
each channel whether it is computed from others (`shape`); of what is left it tells each sample from
what it has already told (`predict`), and writes what that missed with as many bits as a miss of
such a size is worth (`misses`, `tables`, `coder`). A block needs nothing but itself to be read, and
only what is the same on every machine decides what is read.

What a block is, in the order in which it is read; numbers of so many bits unless said otherwise:

| what | bits |
| --- | --- |
| of each channel: what it is | 2 and more |
| of each twelve channels that stand for themselves: how far back to look, of `ORDERS` | 3 |
| … whether they are smooth | 1 |
| … first level of the first samples; then these, as misses of one sample from 0 | 8 |
| … first level of the misses; then these | 8 |
| of all that are nearly computed: first level of what is left; then that, as misses | 8 |

A sample that has been read is its channel's first sample and the steps since, modulo 2**32.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from protocols.messages.interlead3 import misses, predict, shape
from protocols.messages.interlead3.coder import Places, Reader, field, write
from protocols.messages.interlead3.tables import LEVELS, MEAN_BITS, all_tables

Samples = npt.NDArray[np.int32]
Whole = npt.NDArray[np.int64]

MOST_CHANNELS: Final = 32

_ORDER_FIELD: Final = 3
_FEW: Final = 3  # channels for which both ways are tried


def encode(samples: Samples) -> bytes:
    """Return `samples`, shape (channels ≤ 32, n ≥ 1), as one block."""
    whole = samples.astype(np.int64)
    shapes = shape.shapes_of(whole)
    parts = [_as_places([place for one in shapes for place in one.places()])]
    own = [
        one.thinned(whole[channel]) if isinstance(one, shape.Sieved) else whole[channel]
        for channel, one in enumerate(shapes)
        if not isinstance(one, shape.Computed)
    ]
    for begin, end in _groups(len(own)):
        parts += _group_places(np.stack(own[begin:end]))
    left = [
        predict.wrapped(whole[channel] - one.of(whole))
        for channel, one in enumerate(shapes)
        if isinstance(one, shape.Computed) and one.is_near
    ]
    if left:
        parts += _misses_places(np.stack(left), misses.first_level(np.stack(left)))
    return write(np.concatenate(parts, axis=1))


def decode(data: bytes, *, channels: int, count: int) -> Samples:
    """Return the samples of a block, shape (channels, count).

    Raises:
        ValueError: damaged, or not of this shape.
    """
    reader = Reader(data)
    shapes = [shape.read_shape(reader, channel) for channel in range(channels)]
    kept = [n for n, one in enumerate(shapes) if not isinstance(one, shape.Computed)]
    whole = np.zeros((channels, count), np.int64)
    for begin, end in _groups(len(kept)):
        whole[kept[begin:end]] = _read_group(reader, end - begin, count)
    near = [n for n, one in enumerate(shapes) if isinstance(one, shape.Computed) and one.is_near]
    left = _read_misses(reader, len(near), count)[1] if near else whole[:0]
    reader.end()
    for channel, one in enumerate(shapes):
        if isinstance(one, shape.Computed):
            whole[channel] = one.of(whole)
            if one.is_near:
                whole[channel] = predict.wrapped(whole[channel] + left[near.index(channel)])
        elif isinstance(one, shape.Sieved):
            whole[channel] = one.spread(whole[channel])
    return whole.astype(np.int32)


def _groups(channels: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, channels, predict.TOGETHER):
        yield begin, min(channels, begin + predict.TOGETHER)


def _group_places(whole: Whole) -> list[Places]:
    """Return a group of channels as places: in the way, of those tried, that is shortest."""
    steps = predict.wrapped(np.diff(whole))
    order = predict.order_for(*steps.shape)
    level = misses.first_level(np.diff(steps) // 2)
    tried = []
    for smooth in _worth_trying(steps):
        missed = predict.missed(steps, predict.Guess(order, smooth, _mean_of(level)))
        tried.append((_likely_bits(missed), smooth, missed))
    _, smooth, missed = min(tried, key=lambda one: one[:2])
    first = misses.first_level(whole[:, :1])
    head = [*field(predict.ORDERS.index(order), _ORDER_FIELD), *field(int(smooth), 1)]
    return [
        _as_places(head),
        *_misses_places(whole[:, :1], first),
        *_misses_places(missed, level),
    ]


def _read_group(reader: Reader, channels: int, count: int) -> Whole:
    place = reader.field(_ORDER_FIELD)
    smooth = bool(reader.field(1))
    if place >= len(predict.ORDERS) or not predict.terms_fit(channels, predict.ORDERS[place]):
        raise ValueError("no such order of prediction")
    _, firsts = _read_misses(reader, channels, 1)
    level, missed = _read_misses(reader, channels, count - 1)
    steps = predict.restored(missed, predict.Guess(predict.ORDERS[place], smooth, _mean_of(level)))
    return predict.wrapped(np.cumsum(np.concatenate([firsts, steps], axis=1), axis=1))


def _misses_places(missed: Whole, level: int) -> list[Places]:
    return [_as_places(field(level, misses.LEVEL_FIELD)), misses.places_of(missed, level)]


def _read_misses(reader: Reader, channels: int, count: int) -> tuple[int, Whole]:
    level = reader.field(misses.LEVEL_FIELD)
    if level >= LEVELS:
        raise ValueError("no such level")
    return level, predict.wrapped(misses.read(reader, channels, count, first=level))


def _worth_trying(steps: Whole) -> tuple[bool, ...]:
    """Return whether channels may be smooth, or not, or whether both must be tried."""
    if len(steps) <= _FEW:
        return False, True
    turns, along = int(np.abs(np.diff(steps)).sum()), int(np.abs(steps).sum())
    return (turns * 2 < along,)


def _likely_bits(missed: Whole) -> float:
    """Return about how many bits misses take, to compare two rows of them."""
    return float(np.log2(np.abs(missed) + 0.5).sum())


def _as_places(places: list[tuple[int, int]]) -> Places:
    return np.array(places, np.int64).reshape(-1, 2).T


def _mean_of(level: int) -> float:
    return all_tables().means[level] / (1 << MEAN_BITS)
