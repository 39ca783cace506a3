"""What a prediction missed, as places of the coder. Pure.

Two things tell how large the next misses will be: how large those of a channel have been so far,
and how large those of all channels were a moment ago, for a beat comes to all leads at once. The
first is a level for each channel, reckoned anew before samples 2, 4, 8, 16, 24 …; the second, for
each sample, moves all levels. A lead that falls off would make all this useless for what follows:
in both, a miss counts for `_MOST` times its level's mean at most.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from protocols.messages.interlead3.coder import LOW, Places, Reader, field
from protocols.messages.interlead3.tables import (
    ESCAPE,
    LARGEST,
    LEVELS,
    MEAN_BITS,
    ONE,
    PRECISION,
    REACH,
    STEPS,
    UNMOVED,
    Tables,
    all_tables,
    table_of,
)

Whole = npt.NDArray[np.int64]

LEVEL_FIELD: Final = 8
_LENGTH_FIELD: Final = 6
_LONGEST_ESCAPE: Final = 32
_RUN: Final = 8  # samples between two reckonings
_BEGUN: Final = 4  # samples that the first level stands for
_FADES: Final = 3  # of what was, one part in 2**3 goes every `_RUN` samples
_MOST: Final = 16
_SAME: Final = 256  # the activity that leaves levels where they are
_MOST_ACTIVE: Final = 64 * _SAME - 1
_STILL: Final = 26  # of 256, what a level keeps where nothing happens


@cache
def _steps() -> list[int]:
    """Return by activity how many quarters of an octave levels move, as a place of `moved`."""
    found = []
    for activity in range(_MOST_ACTIVE + 1):
        times = _STILL + ((_SAME - _STILL) * activity >> 8)
        octaves8 = (times**8).bit_length() - 1 - 64  # of times/256, rounded down to eighths
        found.append(max(0, min(STEPS - 1, ((octaves8 + 1) >> 1) + UNMOVED)))
    return found


def _runs(count: int) -> Iterator[tuple[int, int]]:
    """Yield where samples begin and end that share their levels."""
    at = 0
    while at < count:
        end = min(count, 2 if at == 0 else at * 2 if at < _RUN else at + _RUN)
        yield at, end
        at = end


class _Levels:
    """The channels' levels as they go."""

    def __init__(self, channels: int, first: int, known: Tables) -> None:
        self._known = known
        self._sums = [known.means[first] * _BEGUN] * channels
        self._samples = _BEGUN
        self.now = [first] * channels

    def reckon(self, sums: list[int], samples: int) -> None:
        """Take in what the channels missed in so many samples, in 1/4096 each."""
        if samples == _RUN:
            self._samples -= self._samples >> _FADES
            self._sums = [was - (was >> _FADES) for was in self._sums]
        self._sums = [was + one for was, one in zip(self._sums, sums, strict=True)]
        self._samples += samples
        level_of = self._known.level_of
        self.now = [level_of(one // self._samples) for one in self._sums]

    @property
    def most(self) -> list[int]:
        """For how much a miss of each channel counts at most."""
        means = self._known.means
        return [max(1, means[level] * _MOST >> MEAN_BITS) for level in self.now]

    @property
    def expected(self) -> int:
        """What all channels together miss of one sample, in 1/4096."""
        means = self._known.means
        return sum([means[level] for level in self.now]) + (len(self.now) << MEAN_BITS - 4)


def first_level(misses: Whole) -> int:
    """Return the level that suits the first misses best."""
    early = np.sort(np.abs(misses[:, : 2 * _RUN]), axis=None)
    usual = early[: len(early) - len(early) // 8]
    return all_tables().level_of((int(usual.sum()) << MEAN_BITS) // max(1, len(usual)))


def places_of(misses: Whole, first: int) -> Places:
    """Return `misses`, shape (channels, n), sample after sample, with `first` as their level."""
    known, steps = all_tables(), _steps()
    channels, count = misses.shape
    sizes = np.abs(misses)
    levels = _Levels(channels, first, known)
    chosen = np.empty((count, channels), np.int64)
    moved = np.array(known.moved, np.int64)
    activity = _SAME
    for at, end in _runs(count):
        expected = levels.expected
        counted = np.minimum(sizes[:, at:end], np.array(levels.most)[:, None])
        places = []
        for total in counted.sum(axis=0).tolist():
            places.append(steps[activity])
            activity = min(_MOST_ACTIVE, (activity + (total << MEAN_BITS + 8) // expected) >> 1)
        chosen[at:end] = moved[np.array(levels.now)][:, places].T
        levels.reckon((counted.sum(axis=1) << MEAN_BITS).tolist(), end - at)
    return _placed(misses.T.ravel(), chosen.ravel(), known)


def _placed(misses: Whole, levels: Whole, known: Tables) -> Places:
    above = np.maximum(0, levels - LARGEST)
    shift = np.where(levels < LARGEST, 0, above // 4 + 1)
    table = np.where(levels < LARGEST, levels, LARGEST - 4 + above % 4)
    half = (1 << shift) >> 1
    place = ((misses + half) >> shift) + REACH
    inside = (place >= 0) & (place < ESCAPE)
    place = np.where(inside, place, ESCAPE)
    escapes = known.sizes[table, place] == 0
    place[escapes] = ESCAPE
    escapes = place == ESCAPE
    starts, sizes = known.starts[table, place], known.sizes[table, place]
    if not shift.any() and not escapes.any():
        return np.stack([starts, sizes])
    out: list[tuple[int, int]] = []
    low = (misses + half) & ((1 << shift) - 1)
    columns = (starts, sizes, shift, low, escapes, misses)
    for start, size, bits, rest, escape, miss in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        out.append((start, size))
        if escape:
            zigzag = 2 * miss if miss >= 0 else -2 * miss - 1
            out += field(zigzag.bit_length(), _LENGTH_FIELD)
            out += field(zigzag, zigzag.bit_length())
        elif bits:
            out += field(rest, bits)
    return np.array(out, np.int64).T


def read(reader: Reader, channels: int, count: int, *, first: int) -> Whole:
    """Return what `places_of` wrote, shape (channels, count).

    Raises:
        ValueError: truncated or damaged.
    """
    known, steps = all_tables(), _steps()
    unpacking = _unpacking()
    levels = _Levels(channels, first, known)
    found: list[int] = []
    append = found.append
    activity = _SAME
    data = reader.data + bytes(2 * channels)  # a sample takes no more; looked at after it
    mask, ends = ONE - 1, len(reader.data)
    state, next_byte = reader.state, reader.at
    for at, end in _runs(count):
        expected, most = levels.expected, levels.most
        rows = [*zip([unpacking[level] for level in levels.now], most, strict=True)]
        counted: list[int] = []
        count_in = counted.append
        for _ in range(at, end):
            step, total = steps[activity], 0
            for row, cap in rows:
                level, room, within, misses = row[step]
                place = state & mask
                state = room[place] * (state >> PRECISION) + within[place]
                if state < LOW:
                    state = (state << 8) | data[next_byte]
                    next_byte += 1
                    if state < LOW:
                        state = (state << 8) | data[next_byte]
                        next_byte += 1
                miss = misses[place]
                if miss is None:
                    reader.state, reader.at = state, next_byte
                    miss = _rest(reader, level, place)
                    state, next_byte = reader.state, reader.at
                append(miss)
                size = miss if miss >= 0 else -miss
                size = size if size < cap else cap  # noqa: FURB136 -- a call costs more than this
                count_in(size)
                total += size
            if next_byte > ends:
                raise ValueError("the block is truncated")
            activity = min(_MOST_ACTIVE, (activity + (total << MEAN_BITS + 8) // expected) >> 1)
        levels.reckon([sum(counted[c::channels]) << MEAN_BITS for c in range(channels)], end - at)
    reader.state, reader.at = state, next_byte
    return np.array(found, np.int64).reshape(count, channels).T


@cache
def _unpacking() -> list[list[tuple[int, list[int], list[int], list[int | None]]]]:
    """Return by level and step where that leads: the level, and what `Tables.decoding` has there.

    None besides stands for a miss of which more is written.
    """
    known = all_tables()
    more: list[int | None] = [None] * ONE
    by_level = []
    for level in range(LEVELS):
        table, shift = table_of(level)
        room, within, misses = known.decoding[table]
        by_level.append((level, room, within, more if shift else misses))
    return [[by_level[level] for level in row] for row in known.moved]


def _rest(reader: Reader, level: int, place: int) -> int:
    """Return a miss of which more is written than its place."""
    table, shift = table_of(level)
    miss = all_tables().decoding[table][2][place]
    if miss is not None:
        return (miss << shift) + reader.field(shift) - ((1 << shift) >> 1)
    bits = reader.field(_LENGTH_FIELD)
    if bits > _LONGEST_ESCAPE:
        raise ValueError("a miss is out of bounds")
    zigzag = reader.field(bits)
    return (zigzag >> 1) ^ -(zigzag & 1)
