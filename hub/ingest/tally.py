"""Counts of one process added to those of another: a worker counts, the hub is asked."""

from typing import Final

from prometheus_client import Counter

from hub.ingest import metrics

_COUNTERS: Final[dict[str, Counter]] = {
    "frames": metrics.FRAMES,
    "records": metrics.RECORDS,
    "duplicates": metrics.DUPLICATES,
    "refused": metrics.REFUSED,
    "not_understood": metrics.NOT_UNDERSTOOD,
    "failed_commits": metrics.FAILED_COMMITS,
    "untold": metrics.UNTOLD,
}
_COMMIT: Final = "commit"
_QUEUE: Final = "queue"


class Tally:
    """What was counted since the last look."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def since(self) -> list[list[object]]:
        """Return name, labels and amount of each counter that has moved; and how commits went."""
        moved: list[list[object]] = []
        for name, counter in _COUNTERS.items():
            for family in counter.collect():
                for sample in family.samples:
                    if not sample.name.endswith("_total"):
                        continue
                    key = (name, tuple(sorted(sample.labels.items())))
                    more = sample.value - self._seen.get(key, 0.0)
                    if more:
                        self._seen[key] = sample.value
                        moved.append([name, dict(sample.labels), more])
        moved += [[_COMMIT, {}, took_s] for took_s in metrics.COMMIT.taken()]
        [queue] = [sample.value for family in metrics.QUEUE.collect() for sample in family.samples]
        return [*moved, [_QUEUE, {}, queue]]


def add(counts: list[list[object]]) -> float:
    """Count `counts` of a worker here too; return how many frames wait there."""
    waiting = 0.0
    for name, labels, amount in counts:
        assert isinstance(labels, dict)  # noqa: S101 -- our own worker's
        assert isinstance(amount, int | float)  # noqa: S101
        if name == _QUEUE:
            waiting = amount
        elif name == _COMMIT:
            metrics.COMMIT.observe(amount)
        else:
            counter = _COUNTERS[str(name)]
            (counter.labels(**labels) if labels else counter).inc(amount)
    return waiting
