"""How long things took, counted by the millisecond: exact quantiles in bounded memory. Pure."""

import math
from typing import Final

LONGEST_MS: Final = 120_000
"""What took longer counts as this long."""


class Spread:
    """Counts of whole milliseconds."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self._counts: dict[int, int] = {}
        self.count = 0

    def add(self, took_ms: int) -> None:
        """Count one; less than nothing counts as nothing."""
        took_ms = 0 if took_ms < 0 else min(took_ms, LONGEST_MS)
        self._counts[took_ms] = self._counts.get(took_ms, 0) + 1
        self.count += 1

    def quantile(self, share: float) -> int | None:
        """Return the least that `share` (0 to 1] of them do not exceed; None while there is none.

        The nearest-rank definition: always one that was counted.
        """
        rank = max(1, math.ceil(share * self.count))
        seen = 0
        for took_ms in sorted(self._counts):
            seen += self._counts[took_ms]
            if seen >= rank:
                return took_ms
        return None

    def facts(self) -> dict[str, int | None]:
        """Return count, median, 99th percentile and the longest."""
        return {
            "count": self.count,
            "p50_ms": self.quantile(0.5),
            "p99_ms": self.quantile(0.99),
            "max_ms": self.quantile(1.0),
        }
