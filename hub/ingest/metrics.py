"""What ingest counts, for Prometheus. Labels are reasons and streams, never units or people."""

from collections import deque

from prometheus_client import Counter, Gauge, Histogram

FRAMES = Counter("goldenhour_ingest_frames_total", "Frames received", ["stream", "lane"])
RECORDS = Counter("goldenhour_ingest_records_total", "Records committed", ["stream"])
DUPLICATES = Counter("goldenhour_ingest_known_frames_total", "Frames that held nothing new")
REFUSED = Counter("goldenhour_ingest_refused_total", "Messages refused", ["reason"])
NOT_UNDERSTOOD = Counter(
    "goldenhour_ingest_not_understood_total", "Records kept, body not understood", ["reason"]
)
FAILED_COMMITS = Counter("goldenhour_ingest_failed_commits_total", "Batches the database refused")
QUEUE = Gauge("goldenhour_ingest_queue_frames", "Frames waiting for the database")
UNTOLD = Counter(
    "goldenhour_ingest_untold_total", "Records stored that no screen was told of, for too many came"
)


class Commits:
    """How long commits took; a worker's are remembered until the hub is told of them."""

    def __init__(self) -> None:
        self._histogram = Histogram(
            "goldenhour_ingest_commit_seconds",
            "Time of one batch's transaction",
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
        )
        self._taken_s: deque[float] = deque(maxlen=1_000)

    def observe(self, took_s: float) -> None:
        """Take note of one."""
        self._histogram.observe(took_s)
        self._taken_s.append(took_s)

    def taken(self) -> list[float]:
        """Return those since the last time that this was asked, the newest thousand."""
        found = list(self._taken_s)
        self._taken_s.clear()
        return found


COMMIT = Commits()
