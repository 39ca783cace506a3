"""Refusals: what was not taken, counted, until its unit is told why."""

from collections.abc import Iterator

from hub.ingest import metrics
from protocols.ids import UnitId


class Refusals:
    """Counts by unit and reason; emptied with every batch."""

    def __init__(self) -> None:
        self._of: dict[UnitId, dict[str, int]] = {}

    def __bool__(self) -> bool:
        """Whether a unit is to be told of any."""
        return bool(self._of)

    def add(self, unit: UnitId | None, reason: str) -> None:
        """Count one; `unit` None: nobody can be told."""
        metrics.REFUSED.labels(reason).inc()
        if unit is not None:
            counts = self._of.setdefault(unit, {})
            counts[reason] = counts.get(reason, 0) + 1

    def take(self, unit: UnitId) -> dict[str, int]:
        """Return what is to be told to `unit`, and forget it."""
        return self._of.pop(unit, {})

    def take_all(self) -> Iterator[tuple[UnitId, dict[str, int]]]:
        """Yield what is to be told to each unit, and forget it."""
        while self._of:
            yield self._of.popitem()
