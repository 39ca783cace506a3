"""What recordings count, for Prometheus."""

from typing import Final

from prometheus_client import Counter

BYTES: Final = Counter("goldenhour_recording_bytes_total", "Bytes of recordings that arrived")
COMPLETE: Final = Counter("goldenhour_recordings_total", "Segments that arrived whole")
REFUSED: Final = Counter(
    "goldenhour_recordings_refused_total", "Announcements and pieces that were refused", ["reason"]
)
