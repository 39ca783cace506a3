"""How long to wait before the next attempt. Pure, but for the dice it is given."""

import random
from typing import Final

BASE_S: Final = 0.5
CAP_S: Final = 15.0
"""Source: link-protocol, scheduling: jittered exponential, base 0.5 s, cap 15 s."""


class Backoff:
    """Doubles from `base_s` up to `cap_s`, each wait spread over its upper half.

    Spread, so that a city's vehicles do not return to a restarted hub in one moment.
    """

    def __init__(self, *, rng: random.Random, base_s: float = BASE_S, cap_s: float = CAP_S) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._rng = rng
        self._failures = 0

    def next_s(self) -> float:
        """Return the wait after one more failure, in seconds."""
        wait_s = min(self._cap_s, self._base_s * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return wait_s * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin again at `base_s`: an attempt has succeeded."""
        self._failures = 0
