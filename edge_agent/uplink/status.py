"""How the link stands: for the tablet at once, for the hub as a record every few seconds."""

import logging
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edge_agent.journal import Journal
from edge_agent.uplink.judge import LinkState, judge
from edge_agent.uplink.uplink import Uplink
from edge_agent.vehicle_clock import VehicleClock
from protocols.errors import StorageError
from protocols.link.streams import UP, Stream
from protocols.messages import CameraHealth, DeviceHealth, LinkHealth, StreamBacklog, given_up

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
REPORT_S: Final = 5.0
_RATE_LOOKS: Final = 10
_DRAIN_LOOKS: Final = 3
"""Two seconds of recovering tell more than a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatus:
    """The link at one moment; `drain_s`: until the hub has all, at the present rate."""

    state: LinkState = "store-and-forward"
    waiting_records: int = 0
    waiting_bytes: int = 0
    oldest_waiting_utc_us: int | None = None
    last_ack_utc_us: int | None = None
    round_trip_ms: float | None = None
    rate_bps: float | None = None
    drain_s: float | None = None


class LinkReporter:
    """Looks every second; records every five, and at once when the link or a camera changes."""

    def __init__(  # noqa: PLR0913 -- what it reports on
        self,
        journal: Journal,
        uplink: Uplink,
        clock: VehicleClock,
        *,
        software: str,
        devices: Callable[[], Sequence[DeviceHealth]],
        cameras: Callable[[], tuple[CameraHealth, ...]],
    ) -> None:
        self.status = LinkStatus()
        self._journal = journal
        self._uplink = uplink
        self._clock = clock
        self._software = software
        self._devices = devices
        self._cameras = cameras
        self._told_cameras: tuple[CameraHealth, ...] = ()
        self._backlog: tuple[StreamBacklog, ...] = ()
        self._sent: deque[tuple[float, int]] = deque(maxlen=_RATE_LOOKS)
        self._waiting: deque[tuple[float, int]] = deque(maxlen=_RATE_LOOKS)

    async def run(self) -> None:
        """Look and record until cancelled."""
        due_s = self._clock.monotonic_s()
        while True:
            before = self.status.state
            try:
                await self._look()
                is_news = self.status.state != before or self._cameras() != self._told_cameras
                if is_news or self._clock.monotonic_s() >= due_s:
                    due_s = self._clock.monotonic_s() + REPORT_S
                    await self._record()
            except StorageError as err:
                log.warning("link.report_not_stored", extra={"error": err.code})
            await self._clock.sleep(LOOK_S)

    async def _look(self) -> None:
        records = size = 0
        oldest: int | None = None
        backlog: list[StreamBacklog] = []
        for stream in UP:
            account = self._journal.account(stream)
            waiting, waiting_bytes, since = await self._journal.waiting(stream)
            records, size = records + waiting, size + waiting_bytes
            if since is not None:
                oldest = since if oldest is None else min(oldest, since)
            if account.last_seq:
                backlog.append(
                    StreamBacklog(
                        stream=stream.value,
                        last_seq=account.last_seq,
                        acked_through=account.held.watermark,
                        waiting_records=waiting,
                        waiting_bytes=waiting_bytes,
                    )
                )
        self._backlog = tuple(backlog)
        uplink, rate_bps = self._uplink, self._rate_bps()
        round_trip_s = uplink.sender.round_trip.smoothed_s
        state = judge(
            is_connected=uplink.is_connected,
            is_answered=uplink.is_answered,
            backlog_records=uplink.sender.backlog_waiting(),
            round_trip_s=round_trip_s,
        )
        drain_s = self._drain_s(size) if state == "recovering" else self._drain_s(None)
        self.status = LinkStatus(
            state=state,
            waiting_records=records,
            waiting_bytes=size,
            oldest_waiting_utc_us=oldest,
            last_ack_utc_us=uplink.last_ack_utc_us,
            round_trip_ms=None if round_trip_s is None else round(round_trip_s * 1000, 1),
            rate_bps=rate_bps,
            drain_s=drain_s,
        )

    def _rate_bps(self) -> float | None:
        """Return what left over the last looks, bit/s."""
        self._sent.append((self._clock.monotonic_s(), self._uplink.sent_bytes))
        (first_s, first), (last_s, last) = self._sent[0], self._sent[-1]
        return round((last - first) * 8 / (last_s - first_s), 1) if last_s > first_s else None

    def _drain_s(self, waiting_bytes: int | None) -> float | None:
        """Return the seconds until nothing waits, by how what waits has shrunk since recovering."""
        if waiting_bytes is None:
            self._waiting.clear()
            return None
        self._waiting.append((self._clock.monotonic_s(), waiting_bytes))
        (first_s, first), (last_s, last) = self._waiting[0], self._waiting[-1]
        if len(self._waiting) < _DRAIN_LOOKS or first <= last:
            return None
        return round(last * (last_s - first_s) / (first - last), 1)

    async def _record(self) -> None:
        status, stamp = self.status, self._clock.stamp()
        self._told_cameras = cameras = self._cameras()
        await self._journal.append(
            Stream.LINK,
            LinkHealth(
                state=status.state,
                waiting_records=status.waiting_records,
                waiting_bytes=status.waiting_bytes,
                oldest_waiting_utc_us=status.oldest_waiting_utc_us,
                last_ack_utc_us=status.last_ack_utc_us,
                round_trip_ms=status.round_trip_ms,
                rate_bps=status.rate_bps,
                drain_s=status.drain_s,
                disk_free_bytes=shutil.disk_usage(self._journal.path.parent).free,
                clock=stamp.source.value,
                clock_error_us=stamp.error_us,
                software=self._software,
                video=given_up(cameras),
                backlog=self._backlog,
                devices=tuple(self._devices()),
                cameras=cameras or None,
            ),
            captured_utc_us=stamp.utc_us,
            clock=stamp.source,
            clock_error_us=stamp.error_us,
        )
