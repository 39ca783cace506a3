"""How long to wait before a device is tried again. Pure, but for the dice it is given."""

import random
from typing import Final

BASE_S: Final = 0.5
CAP_S: Final = 15.0


class Backoff:
    """Doubles from 0.5 s up to 15 s; each wait is spread over the upper half of that."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._failures = 0

    def next_s(self) -> float:
        """Return the wait after one more failure, in seconds, 0.5–15."""
        wait_s = min(CAP_S, BASE_S * 2.0 ** min(self._failures, 8))
        self._failures += 1
        return max(BASE_S, wait_s * self._rng.uniform(0.5, 1.0))

    def reset(self) -> None:
        """Begin again at the shortest wait: the device has been heard."""
        self._failures = 0
