"""Figures and their bars: one JSON line a benchmark, the same for every one of them. Pure."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number, which holds when it is not above its bar; without one it only informs.

    `at_least`: the bar is the least that it may be.
    """

    name: str
    value: float
    unit: str
    bar: float | None = None
    peer: float | None = None  # what a user would otherwise pick, measured in the same run
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """The number is a number, and within its bar."""
        if self.bar is None or not math.isfinite(self.value):
            return math.isfinite(self.value)
        return self.value >= self.bar if self.at_least else self.value <= self.bar


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest of `values` that at least `share` (0 to 1] of them do not exceed.

    The nearest-rank definition: always one of the values, never an average of two. NaN if empty.
    """
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def line_of(name: str, machine: str, figures: Sequence[Figure]) -> str:
    """Return the one JSON line that says it all."""
    rows = [
        {
            "name": figure.name,
            "value": round(figure.value, 3) if math.isfinite(figure.value) else None,
            "unit": figure.unit,
            "bar": figure.bar,
            "holds": figure.holds,
            "peer": figure.peer,
        }
        for figure in figures
    ]
    return json.dumps({"name": name, "machine": machine, "figures": rows}, ensure_ascii=False)
