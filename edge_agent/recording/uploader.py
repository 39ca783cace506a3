"""Brings segments to the hub, behind live data: what it did not see live first.

A segment is announced, which tells how much of it the hub has; then its pieces follow from there.
What the hub refuses for good is left on the vehicle; everything else is tried again.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from typing import Final

import httpx2

from edge_agent.backoff import Backoff
from edge_agent.recording.hub import HubRecordings
from edge_agent.recording.pace import UploadPace
from edge_agent.recording.shelf import Segment, Shelf
from protocols.clock import Clock
from protocols.errors import BrokenError, LinkDownError, StorageError

log = logging.getLogger(__name__)

LinkNow = Callable[[], tuple[float | None, int]]
"""The link's round trip in seconds (None: it is down), and how many records wait."""

_LOOK_S: Final = 1.0
_REST_S: Final = 0.5
_MOST_TRIES: Final = 3  # of a segment that the hub says is damaged
_REFUSED: Final = (httpx2.codes.UNPROCESSABLE_CONTENT, httpx2.codes.CONTENT_TOO_LARGE)


class Uploader:
    """Runs while `run` does; `sent` and `refused` count segments."""

    def __init__(  # noqa: PLR0913 -- what it stands on
        self,
        shelf: Shelf,
        hub: HubRecordings,
        pace: UploadPace,
        *,
        clock: Clock,
        link: LinkNow,
        backoff: Backoff,
    ) -> None:
        self.sent = 0
        self.refused = 0
        self._shelf, self._hub, self._pace = shelf, hub, pace
        self._clock, self._link, self._backoff = clock, link, backoff
        self._is_down = False

    async def run(self) -> None:
        """Upload what is wanted until cancelled."""
        while True:
            try:
                segment = await asyncio.to_thread(self._shelf.next_wanted)
                if segment is None:
                    await self._clock.sleep(_LOOK_S)
                    continue
                await self._bring(segment)
                self._note_up()
                self._backoff.reset()
            except (LinkDownError, BrokenError, StorageError) as err:
                self._note_down(err.code, str(err.facts.get("reason", "")))
                await self._clock.sleep(self._backoff.next_s())

    async def _bring(self, segment: Segment) -> None:
        """Return when the hub has the segment, or will never have it.

        Raises:
            LinkDownError, BrokenError, StorageError: not now; what has arrived stays there.
        """
        for _ in range(_MOST_TRIES):
            data = await asyncio.to_thread(self._read, segment)
            if data is None:
                await self._give_up(segment, "damaged")
                return
            try:
                await self._send(segment, data)
            except BrokenError as err:
                if err.facts.get("status") == httpx2.codes.CONFLICT:
                    continue  # it has another number of bytes: ask again
                if err.facts.get("status") not in _REFUSED:
                    raise
                continue
            await asyncio.to_thread(self._shelf.has_arrived, segment.segment)
            self.sent += 1
            return
        await self._give_up(segment, "refused")

    async def _send(self, segment: Segment, data: bytes) -> None:
        await self._wait_turn()
        offset, complete = await self._hub.announce(segment)
        while not complete:
            await self._wait_turn()
            piece = data[offset : offset + self._pace.piece_bytes]
            begun_s = self._clock.monotonic_s()
            offset, complete = await self._hub.put(segment, offset, piece)
            took_s = self._clock.monotonic_s() - begun_s
            await self._clock.sleep(self._pace.pause_s(len(piece), took_s))

    async def _wait_turn(self) -> None:
        """Return when live data leave room."""
        while True:
            round_trip_s, waiting = self._link()
            if self._pace.look(round_trip_s=round_trip_s, waiting_records=waiting):
                return
            await self._clock.sleep(_REST_S)

    def _read(self, segment: Segment) -> bytes | None:
        """Return the segment's bytes; None where they are not what was put on the shelf."""
        try:
            data = self._shelf.path(segment.segment).read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == segment.sha256 else None

    async def _give_up(self, segment: Segment, reason: str) -> None:
        self.refused += 1
        log.warning("recording.not_sent", extra={"segment": segment.segment, "reason": reason})
        await asyncio.to_thread(self._shelf.not_wanted, segment.segment)

    def _note_down(self, code: str, reason: str) -> None:
        if not self._is_down:
            log.warning("recording.upload_waits", extra={"error": code, "reason": reason})
        self._is_down = True

    def _note_up(self) -> None:
        if self._is_down:
            log.info("recording.upload_goes_on")
        self._is_down = False
