"""Prediction of channels measured together, learnt from the block itself as it goes. Pure.

A sample's step (its difference from the one before) is told from the last `order` steps of all
channels, and from the steps at the same moment of the channels before it. The weights are those of
least squares over what the block has said so far, drawn towards a plain guess, so that a short
block is not told from chance. They are reckoned anew for each stretch of samples, from what both
sides know by then: nothing of them is written.

In a stretch, with `past` the steps before and m < c the channels before channel c:

    fresh[c] = step[c] − ((Σ ahead[c] · past + half) >> 12)
    miss[c]  = fresh[c] − ((Σ across[c, m] · fresh[m] + half) >> 12)

All of this is modulo 2**32, so that every int32 survives. Where `past` and `fresh` tell others,
they stand within a bound that is many misses wide: a lead that falls off tells little. Weights come
out of elimination in IEEE 754 double precision, one operation an element, none of them fused and no
sum whose order could differ, then rounded to 1/4096: every machine has the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]
_Real = npt.NDArray[np.float64]

ORDERS: Final = (1, 2, 4, 8, 16)
"""How many steps back a prediction may look."""

TOGETHER: Final = 12
"""Channels that are told from one another; the next ones stand for themselves."""

_MOST_TERMS: Final = 36  # of one channel
_WEIGHT_BITS: Final = 12
_HALF: Final = 1 << (_WEIGHT_BITS - 1)
_LARGEST_WEIGHT: Final = float(1 << 19)
_LARGEST_STEP: Final = float(1 << 19)  # that tells anything
_WIDE: Final = 128.0  # misses, within which a step tells others
_USUAL: Final = 16.0  # misses, for which one counts at most
_SHORTEST, _LONGEST = 8, 96  # samples of a stretch
_FADE: Final = 31 / 32  # of what was learnt, for 32 samples
_FADE_AFTER: Final = 32
_BEGUN: Final = 4.0  # samples that the first guess of a miss stands for
_RIDGE: Final = 3.0
_NEAR, _FAR = 1.0, 0.25  # how much less a step is thought to tell the longer ago it was
_LIKE_BEFORE: Final = 15 / 16  # a step is thought to be like the one before
_SURE: Final = (2.0, 60.0)  # how sure


@dataclass(frozen=True, slots=True)
class Guess:
    """What is thought of channels before they have said anything.

    `order` is one of `ORDERS`; `smooth` says that steps are like the steps before them; a miss is
    thought to be `miss` large.
    """

    order: int
    smooth: bool
    miss: float


def order_for(channels: int, count: int) -> int:
    """Return how far back to look in `count` samples of so many channels."""
    if channels > 6:  # noqa: PLR2004 -- measured: more terms than a short block can teach
        return 2 if count < 2_000 or channels > 8 else 4  # noqa: PLR2004
    return 8 if channels <= 2 else 4  # noqa: PLR2004


def terms_fit(channels: int, order: int) -> bool:
    """Whether so many channels may be told by prediction of this order."""
    return channels * order <= _MOST_TERMS


def stretches(count: int) -> Iterator[tuple[int, int]]:
    """Yield where the stretches of `count` samples begin and end."""
    at = 0
    while at < count:
        end = min(count, at + max(_SHORTEST, min(_LONGEST, at // 2 & ~3)))
        yield at, end
        at = end


def wrapped(values: Whole) -> Whole:
    """Return `values` modulo 2**32, as int32 would hold them."""
    return values.astype(np.int32).astype(np.int64)


def missed(steps: Whole, guess: Guess) -> Whole:
    """Return what is missed of `steps`, shape (channels, n)."""
    channels, count = steps.shape
    terms = channels * guess.order
    flat = np.concatenate([np.zeros(terms, np.int64), steps.T.ravel()])  # as they tell others
    seen = np.lib.stride_tricks.sliding_window_view(flat, terms + channels)[::channels]
    learnt = _Learnt(channels, guess)
    out = np.empty((channels, count), np.int64)
    for at, end in stretches(count):
        ahead, across = learnt.weights()
        bound = learnt.bound
        now = flat[terms + at * channels : terms + end * channels]
        np.clip(now, -bound, bound, out=now)
        past = seen[at:end, :terms]
        fresh = wrapped(steps[:, at:end] - ((ahead @ past.T + _HALF) >> _WEIGHT_BITS))
        within = np.clip(fresh, -bound, bound)
        miss = wrapped(fresh - ((across @ within + _HALF) >> _WEIGHT_BITS))
        out[:, at:end] = miss
        learnt.learn(seen[at:end], miss)
    return out


def restored(misses: Whole, guess: Guess) -> Whole:
    """Return the steps of which `misses`, shape (channels, n), were missed."""
    channels, count = misses.shape
    terms = channels * guess.order
    steps = np.empty((count, channels), np.int64)
    flat = np.zeros(terms + channels * count, np.int64)
    seen = np.lib.stride_tricks.sliding_window_view(flat, terms + channels)[::channels]
    learnt = _Learnt(channels, guess)
    for at, end in stretches(count):
        ahead, across = learnt.weights()
        bound = learnt.bound
        miss = misses[:, at:end]
        fresh = _across(miss, across, bound)
        steps[at:end] = _run_on(flat, at * channels, ahead, fresh, bound)
        learnt.learn(seen[at:end], miss)
    return steps.T


def _across(miss: Whole, across: Whole, bound: int) -> Whole:
    """Return what was fresh in a stretch, shape (channels, n), from what was missed of it."""
    fresh = miss.copy()
    for c in range(1, len(miss)):
        told = across[c, :c].dot(fresh[:c])
        told += _HALF
        told >>= _WEIGHT_BITS
        fresh[c] += told
    if max(int(fresh.max()), -int(fresh.min())) <= bound:
        return fresh
    within = np.clip(miss, -bound, bound)  # then with care
    for c in range(1, len(miss)):
        told = (across[c, :c] @ within[:c] + _HALF) >> _WEIGHT_BITS
        fresh[c] = wrapped(miss[c] + told)
        within[c] = np.clip(fresh[c], -bound, bound)
    return fresh


def _run_on(flat: Whole, begin: int, ahead: Whole, fresh: Whole, bound: int) -> Whole:
    """Return a stretch of steps, shape (n, channels); `flat` has what they tell from `begin` on."""
    channels, terms = ahead.shape
    added = (fresh.T << _WEIGHT_BITS) + _HALF
    place = begin
    for add in added:
        end = place + terms
        told = ahead.dot(flat[place:end])
        told += add
        told >>= _WEIGHT_BITS
        flat[end : end + channels] = told
        place += channels
    made = flat[begin + terms : place + terms]
    if max(int(made.max()), -int(made.min())) <= bound:
        return made.reshape(-1, channels)
    steps = np.empty(fresh.T.shape, np.int64)  # then with care, one by one
    place = begin
    for number, add in enumerate(added):
        end = place + terms
        steps[number] = wrapped((ahead @ flat[place:end] + add) >> _WEIGHT_BITS)
        flat[end : end + channels] = np.clip(steps[number], -bound, bound)
        place += channels
    return steps


class _Learnt:
    """What the block has said so far of how its steps hang together."""

    def __init__(self, channels: int, guess: Guess) -> None:
        self._channels = channels
        self._terms = channels * guess.order
        self._together = np.zeros((self._terms + channels,) * 2)
        self._thought = _thought(channels, guess)
        self._energy = _BEGUN * guess.miss * guess.miss
        self._samples = _BEGUN
        self._unfaded = 0

    @property
    def bound(self) -> int:
        """The largest step that tells others anything in the stretch that comes."""
        return int(min(_LARGEST_STEP, _WIDE * sqrt(self._least) + _WIDE))

    @property
    def _least(self) -> float:
        """What a miss is like, squared; never 0."""
        return self._energy / self._samples + 0.125

    def learn(self, seen: Whole, miss: Whole) -> None:
        """Take in a stretch: past and present steps, shape (n, terms + channels), and misses."""
        usual = int(min(_LARGEST_STEP, _USUAL * sqrt(self._least) + _USUAL))
        small = np.clip(miss, -usual, usual)
        self._unfaded += len(seen)
        while self._unfaded >= _FADE_AFTER:
            self._unfaded -= _FADE_AFTER
            self._together *= _FADE
            self._energy *= _FADE
            self._samples *= _FADE
        self._together += seen.T @ seen
        self._energy += int((small * small).sum()) / self._channels
        self._samples += len(seen)

    def weights(self) -> tuple[Whole, Whole]:
        """Return the weights of the past, (channels, terms), and across, (channels, channels).

        Each pivot is told by what stands before it: its column then holds the weights.
        """
        terms, channels = self._terms, self._channels
        least = self._least
        table = self._together + least * self._thought
        for pivot in range(terms + channels):
            first = 0 if pivot < terms else terms  # what the past tells stays as it is
            fraction = max(float(table[pivot, pivot]), least)
            row = table[pivot, pivot + 1 :] / fraction
            column = table[first:, pivot : pivot + 1].copy()
            column[pivot - first] -= 1.0  # leaves the row itself in its place
            later = table[first:, pivot + 1 :]
            later -= column * row
        told = _rounded(table[:, terms:])
        return told[:terms].T, np.triu(told[terms:], 1).T


def _rounded(weights: _Real) -> Whole:
    scaled = np.rint(weights * float(1 << _WEIGHT_BITS))
    return np.clip(scaled, -_LARGEST_WEIGHT, _LARGEST_WEIGHT).astype(np.int64)


def _thought(channels: int, guess: Guess) -> _Real:
    """Return what is thought before anything was learnt, in squares of a miss."""
    ago = np.arange(guess.order, -1, -1)
    fewer = _NEAR if guess.order <= ORDERS[2] else _FAR
    ridge = np.where(ago == 0, 1.0, 1.0 + fewer * (ago * ago))
    like = np.cumprod([1.0] + [_LIKE_BEFORE] * guess.order)
    table = _SURE[guess.smooth] * like[np.abs(np.subtract.outer(ago, ago))]
    table += np.diag(_RIDGE * ridge)
    return np.kron(table, np.eye(channels))
