"""The trace: every decision of the sender, as a line of JSON, in two files that never grow long.

Read by `goldenhour journal trace`. It names streams, seqs and sizes, never what a record says.
"""

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from protocols.clock import Clock
from protocols.link import Ack, Plan, Sender
from protocols.link.sender import Lost

log = logging.getLogger(__name__)

LARGEST_BYTES: Final = 4 * 2**20
"""Of each of the two files: about an hour of a fully instrumented ambulance."""

_EARLIER: Final = ".1"


def trace_files(path: Path) -> list[Path]:
    """Return the files of the trace at `path`, the older first."""
    return [file for file in (path.with_name(path.name + _EARLIER), path) if file.exists()]


class Trace:
    """Appends to `path`; a disk that refuses ends the trace and nothing else."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lines: list[str] = []
        self._is_broken = False

    def sent(self, plan: Plan, sender: Sender, *, last_seq: int, size_bytes: int) -> None:
        """Note that a frame left, and how its path stood."""
        path = sender.paths[plan.path]
        smoothed_s = path.round_trip.smoothed_s
        self._note(
            "sent",
            path=plan.path,
            stream=plan.stream.value,
            first=int(plan.first_seq),
            last=last_seq,
            lane=plan.lane.name.lower(),
            why=plan.why,
            bytes=size_bytes,
            in_flight=path.in_flight_bytes,
            window=path.window.size_bytes,
            frame=path.window.frame_bytes,
            rate_bps=None if (rate := path.window.rate_bytes_per_s) is None else round(rate * 8),
            queue_ms=round(path.window.queue_s * 1000, 1),
            round_trip_ms=None if smoothed_s is None else round(smoothed_s * 1000, 1),
        )

    def acked(self, ack: Ack, *, path: str) -> None:
        """Note what the hub said that it has."""
        held = {stream.value: held.watermark for stream, held in ack.streams.items()}
        self._note("acked", path=path, held=held)

    def lost(self, frames: Iterable[Lost]) -> None:
        """Note which frames were given up, and why; their records are sent again."""
        for path, (stream, first, last), why in frames:
            self._note("lost", path=path, stream=stream.value, first=first, last=last, why=why)

    def path_changed(self, event: str, path: str) -> None:
        """Note that a path was `joined` or `left`."""
        self._note(event, path=path)

    def flush(self) -> None:
        """Put what is noted into the file; called off the event loop, every second or so."""
        lines, self._lines = self._lines, []
        if not lines or self._is_broken:
            return
        try:
            if self._path.exists() and self._path.stat().st_size > LARGEST_BYTES:
                self._path.replace(self._path.with_name(self._path.name + _EARLIER))
            with self._path.open("a") as file:
                file.write("".join(lines))
        except OSError as err:
            self._is_broken = True
            log.warning("link.trace_ends", extra={"reason": err.strerror or str(err)})

    def _note(self, event: str, **facts: object) -> None:
        line = {"at_utc_us": self._clock.utc_us(), "event": event, **facts}
        if len(self._lines) < 10_000:  # noqa: PLR2004 -- a second's worth many times over
            self._lines.append(json.dumps(line, separators=(",", ":")) + "\n")
