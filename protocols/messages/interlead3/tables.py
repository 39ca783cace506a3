"""How likely each miss of a prediction is, at every scale: whole numbers that all machines share.

A level stands for a scale; four levels double it. At one level a miss of v has a weight of
1 / (1 + v² / a)⁴, Student's distribution with seven degrees of freedom: misses of an ECG have a
heavier tail than noise. Above `LARGEST` a miss is divided by 2 once for every four levels more, and
what that cuts off is written as it is. Nothing here is computed with floating point.
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from math import isqrt
from typing import Final

import numpy as np
import numpy.typing as npt

PRECISION: Final = 12
ONE: Final = 1 << PRECISION
"""All frequencies of one level together."""

PER_OCTAVE: Final = 4
LARGEST: Final = 22
"""Levels with a table of their own."""

LEVELS: Final = LARGEST + 30 * PER_OCTAVE
REACH: Final = 64
"""The largest miss, divided, that may have a frequency; what has none escapes."""

ESCAPE: Final = 2 * REACH + 1
"""The place of the escape in a table; a miss v stands at v + REACH."""

MEAN_BITS: Final = 12
"""Mean misses are in 1/4096."""

STEPS: Final = 40
"""How many places a row of `moved` has."""

UNMOVED: Final = 14
"""The place in a row of `moved` that leaves a level where it is."""

_SMALLEST: Final = -3  # a = 2^((level + this) / 2): here a miss of 0 has 31/32 at most


@dataclass(frozen=True, slots=True)
class Tables:
    """`starts` and `sizes` have shape (LARGEST, ESCAPE + 1); the rest is one value a level.

    A level's `decoding` is three lists of `ONE` places each: how much room the miss that stands
    there has, the place less that room's start, and the miss; None is the escape. `moved` has for
    each level, in `STEPS` places, the level whose mean is so many quarters of an octave away.
    """

    starts: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    decoding: tuple[tuple[list[int], list[int], list[int | None]], ...]
    means: tuple[int, ...]
    edges: tuple[int, ...]
    moved: tuple[tuple[int, ...], ...]

    def level_of(self, mean: int) -> int:
        """Return the level whose mean miss is next to `mean`, in 1/4096."""
        return bisect_right(self.edges, mean)


def table_of(level: int) -> tuple[int, int]:
    """Return the table of `level`, and how many bits of a miss it does not tell."""
    if level < LARGEST:
        return level, 0
    above = level - LARGEST
    return LARGEST - PER_OCTAVE + above % PER_OCTAVE, above // PER_OCTAVE + 1


@cache
def all_tables() -> Tables:
    """Return the tables; they are made once."""
    sizes = [_sizes(level) for level in range(LARGEST)]
    starts = [[0, *accumulate(row)][:-1] for row in sizes]
    means = [_mean(sizes[table_of(n)[0]]) << table_of(n)[1] for n in range(LEVELS)]
    edges = tuple(isqrt(a * b) for a, b in pairwise(means))
    return Tables(
        starts=np.array(starts, np.int64),
        sizes=np.array(sizes, np.int64),
        decoding=tuple(map(_decoding, sizes)),
        means=tuple(means),
        edges=edges,
        moved=tuple(
            tuple(
                bisect_right(edges, isqrt(isqrt(mean**4 << 64 + step >> 64)))
                for step in range(-UNMOVED, STEPS - UNMOVED)
            )
            for mean in means
        ),
    )


def _sizes(level: int) -> list[int]:
    """Return the frequencies of −REACH … REACH and of the escape; they sum to `ONE`."""
    unit = 1 << 20
    a = isqrt(1 << (40 + level + _SMALLEST))  # in 1/unit
    weights = [(a << 16) ** 4 // (a + v * v * unit) ** 4 for v in range(REACH + 1)]
    whole = 2 * sum(weights) - weights[0]
    side = [(weight * ONE + whole // 2) // whole for weight in weights]
    escape = 2
    side[0] = ONE - escape - 2 * sum(side[1:])
    return [*side[:0:-1], *side, escape]


def _mean(sizes: list[int]) -> int:
    return sum(abs(place - REACH) * size for place, size in enumerate(sizes[:-1]))


def _decoding(sizes: list[int]) -> tuple[list[int], list[int], list[int | None]]:
    room: list[int] = []
    within: list[int] = []
    misses: list[int | None] = []
    for place, size in enumerate(sizes):
        room += [size] * size
        within += range(size)
        misses += [None if place == ESCAPE else place - REACH] * size
    return room, within, misses
