"""What ingest counts, for Prometheus. Labels are reasons and streams, never units or people."""

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
COMMIT = Histogram(
    "goldenhour_ingest_commit_seconds",
    "Time of one batch's transaction",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
