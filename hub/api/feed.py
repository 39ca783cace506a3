"""The live feed: one `Viewer` per WebSocket, told of what was committed and of what changed.

Law: a viewer is never slower for another's sake, and never holds more than its bound. Records and
waves go out at once; unit views are merged and go out at the pace a screen can draw. What a slow
viewer could not take is dropped oldest first, and it is told which span to fetch again. Backlog is
not replayed: the viewer is told the span that has filled in behind.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hub.access.rights import Action, Principal
from hub.fleet import FleetPicture
from hub.fleet.alarms import without_patient
from hub.ingest.taps import Arrived
from protocols.clock import Clock
from protocols.errors import RemoteProtocolError
from protocols.ids import EncounterId, UnitId
from protocols.link import Lane, Stream
from protocols.link.projection import value_as_json
from protocols.link.wire import load_map
from protocols.live import Backfilled, FleetChanged, RecordSeen, Tick, UnitView, Watch, wave_of
from protocols.live.feed import FeedModel
from protocols.messages import WaveformBlock

QUEUE_MESSAGES: Final = 600
"""Ten seconds of one fully instrumented ambulance, several times over."""

QUEUE_BYTES: Final = 8 * 2**20
"""Half a minute of the same, in bytes (characters, of text)."""

FLUSH_S: Final = 0.1
TICK_S: Final = 1.0
MAX_VIEWERS: Final = 1000
MAX_VIEWERS_EACH: Final = 16
"""Of one account: a dispatch desk has several screens, and an attendant more than one browser."""

NOT_CLINICAL: Final = frozenset({Stream.POSITION, Stream.STATUS, Stream.LINK})
"""What may be followed with a right to the fleet alone."""


@dataclass(slots=True)
class _Span:
    first_utc_us: int
    last_utc_us: int
    records: int

    def take(self, captured_utc_us: int) -> None:
        self.first_utc_us = min(self.first_utc_us, captured_utc_us)
        self.last_utc_us = max(self.last_utc_us, captured_utc_us)
        self.records += 1


class Viewer:
    """What one screen follows and what waits to be sent to it; `seat`: the room it is in."""

    def __init__(self, principal: Principal, feed: "Feed", number: int = 0) -> None:
        self.principal = principal
        self.number = number
        self.seat: EncounterId | None = None
        self.over = asyncio.Event()
        """Set when whoever watches has lost their right to."""
        self.watch = Watch()
        self._feed = feed
        self._queue: deque[tuple[Arrived | None, str | bytes]] = deque()
        self._queue_bytes = 0
        self._changed: set[UnitId] = set()
        self._spans: dict[tuple[UnitId, Stream], _Span] = {}
        self._wake = asyncio.Event()

    def follow(self, watch: Watch) -> None:
        """Follow something else from now on; who begins to follow the fleet is sent all of it."""
        guest = self.principal.guest_of
        if guest is not None:  # of everything, the one unit
            self.watch = Watch(units=[guest.unit], waveforms=watch.waveforms)
            self.push(self._feed.fleet_text(self.principal, units={guest.unit}))
            return
        is_new_to_fleet = watch.fleet and not self.watch.fleet
        self.watch = watch
        if is_new_to_fleet:
            self.push(self._feed.fleet_text(self.principal, units=None))
        elif not watch.fleet:
            self._changed.clear()

    def push(self, message: str | bytes, arrived: Arrived | None = None) -> None:
        """Queue one message; with the queue full the oldest record goes, and its span is told.

        What is no record (events, the fleet) is few while a screen takes nothing, and stays.
        """
        self._queue_bytes += len(message)
        self._queue.append((arrived, message))
        while len(self._queue) > QUEUE_MESSAGES or self._queue_bytes > QUEUE_BYTES:
            oldest = next((one for one in self._queue if one[0] is not None), None)
            if oldest is None or oldest[0] is None:
                break
            self._queue.remove(oldest)
            self._queue_bytes -= len(oldest[1])
            self.filled_in(oldest[0])
        self._wake.set()

    def unit_changed(self, unit: UnitId) -> None:
        """Send `unit`'s view with the next flush."""
        if self.watch.fleet or unit in self.watch.units:
            self._changed.add(unit)

    def filled_in(self, arrived: Arrived) -> None:
        """Tell, with the next flush, that older records have come."""
        record = arrived.record
        key = (record.unit, record.stream)
        span = self._spans.setdefault(key, _Span(record.captured_utc_us, record.captured_utc_us, 0))
        span.take(record.captured_utc_us)

    def may_follow(self, stream: Stream, unit: UnitId) -> bool:
        """Say whether this viewer has a right to records of `stream` of `unit`."""
        if self.principal.guest_of is None and stream in NOT_CLINICAL:
            return True
        return self.principal.may(Action.SEE_PATIENT, unit=unit)

    async def run(self, send: Callable[[str | bytes], Awaitable[None]], clock: Clock) -> None:
        """Send until cancelled or until `send` raises."""
        next_tick_s = next_flush_s = clock.monotonic_s()
        while True:
            now_s = clock.monotonic_s()
            if now_s >= next_tick_s:
                next_tick_s = now_s + TICK_S
                self.push(Tick(now_utc_us=clock.utc_us()).model_dump_json())
            if now_s >= next_flush_s and (self._changed or self._spans):
                next_flush_s = now_s + FLUSH_S
                self._flush()
            while self._queue:
                _, message = self._next()
                await send(message)
            self._wake.clear()
            due_s = next_tick_s
            if self._changed or self._spans:
                due_s = min(due_s, next_flush_s)
            else:
                due_s = min(due_s, clock.monotonic_s() + FLUSH_S)
            try:
                async with asyncio.timeout(max(0.001, due_s - clock.monotonic_s())):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _next(self) -> tuple[Arrived | None, str | bytes]:
        arrived, message = self._queue.popleft()
        self._queue_bytes -= len(message)
        return arrived, message

    def _flush(self) -> None:
        if self._changed:
            units, self._changed = self._changed, set()
            self.push(self._feed.fleet_text(self.principal, units=units))
        spans, self._spans = self._spans, {}
        for (unit, stream), span in spans.items():
            self.push(
                Backfilled(
                    unit=unit,
                    stream=stream.value,
                    first_utc_us=span.first_utc_us,
                    last_utc_us=span.last_utc_us,
                    records=span.records,
                ).model_dump_json()
            )


class Feed:
    """All viewers of this process."""

    def __init__(self, fleet: FleetPicture, clock: Clock) -> None:
        self._fleet = fleet
        self._clock = clock
        self._viewers: set[Viewer] = set()
        self._numbers = itertools.count(1)

    @property
    def viewers(self) -> int:
        """How many screens are connected."""
        return len(self._viewers)

    def viewers_of(self, subject: str) -> int:
        """How many screens one person has connected."""
        return sum(viewer.principal.subject == subject for viewer in self._viewers)

    def join(self, principal: Principal) -> Viewer:
        """Return a new viewer; `leave` when its socket is gone."""
        viewer = Viewer(principal, self, next(self._numbers))
        self._viewers.add(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Forget `viewer`."""
        self._viewers.discard(viewer)

    def watched(self) -> set[UnitId]:
        """Return the units whose records somebody follows."""
        return {UnitId(unit) for viewer in self._viewers for unit in viewer.watch.units}

    def unit_changed(self, unit: UnitId) -> None:
        """Have everybody who follows `unit` see its new view."""
        for viewer in self._viewers:
            viewer.unit_changed(unit)

    def committed(self, batch: Sequence[Arrived]) -> None:
        """Pass committed records on to those who follow their units (a tap of the ingest)."""
        watched = self.watched()
        for arrived in batch:
            if arrived.record.unit in watched and arrived.message is not None:
                self._pass_on(arrived)

    def event(self, event: FeedModel, unit: UnitId) -> None:
        """Send an event of `unit`'s patient to those who follow the unit and have the right."""
        text = event.model_dump_json()
        for viewer in self._viewers:
            if unit in viewer.watch.units and viewer.principal.may(Action.SEE_PATIENT, unit=unit):
                viewer.push(text)

    def to_person(self, username: str, event: FeedModel) -> None:
        """Send an event to every screen of one person."""
        text = event.model_dump_json()
        for viewer in self._viewers:
            if viewer.principal.username == username and viewer.principal.role is not None:
                viewer.push(text)

    def put_out(self, username: str) -> None:
        """Have every screen of somebody closed, whose right to it has ended."""
        for viewer in self._viewers:
            if viewer.principal.username == username:
                viewer.over.set()

    def guests_out(self, encounter_id: EncounterId) -> None:
        """Have the screens of an encounter's guests closed: it is over."""
        for viewer in self._viewers:
            guest = viewer.principal.guest_of
            if guest is not None and guest.encounter_id == encounter_id:
                viewer.over.set()

    def to_screen(self, number: int, event: FeedModel) -> None:
        """Send an event to one screen, if it is still there."""
        for viewer in self._viewers:
            if viewer.number == number:
                viewer.push(event.model_dump_json())

    def fleet_text(self, principal: Principal, *, units: set[UnitId] | None) -> str:
        """Return the views of `units` (None: all) as `principal` may see them."""
        now_us = self._clock.utc_us()
        views = (
            self._fleet.views(now_utc_us=now_us)
            if units is None
            else [
                view
                for unit in sorted(units)
                if (view := self._fleet.view(unit, now_utc_us=now_us)) is not None
            ]
        )
        shown = [for_eyes_of(principal, view) for view in views]
        return FleetChanged(full=units is None, units=shown).model_dump_json(exclude_none=True)

    def _pass_on(self, arrived: Arrived) -> None:
        record = arrived.record
        message: str | bytes | None = None
        for viewer in self._viewers:
            if record.unit not in viewer.watch.units or not viewer.may_follow(
                record.stream, record.unit
            ):
                continue
            if record.stream is Stream.WAVEFORM and not viewer.watch.waveforms:
                continue
            if record.lane is Lane.BACKFILL:
                viewer.filled_in(arrived)
                continue
            if message is None:
                message = _message_of(arrived)
                if message is None:
                    return
            viewer.push(message, arrived)


def for_eyes_of(principal: Principal, view: UnitView) -> UnitView:
    """Return `view` without what `principal` has no right to."""
    if principal.may(Action.SEE_PATIENT, unit=view.unit):
        return view
    alarms = without_patient(view.alarms)
    return view.model_copy(update={"news2": None, "encounter_id": None, "alarms": alarms})


def _message_of(arrived: Arrived) -> str | bytes | None:
    """Return the message that shows one record; None where its samples are damaged."""
    record = arrived.record
    if isinstance(arrived.message, WaveformBlock):
        try:
            return wave_message(arrived)
        except RemoteProtocolError:
            return None
    return RecordSeen(
        unit=record.unit,
        stream=record.stream.value,
        seq=record.seq,
        captured_utc_us=record.captured_utc_us,
        clock=record.clock,
        clock_error_us=record.clock_error_us,
        received_utc_us=record.received_utc_us,
        lane="live" if record.lane is Lane.LIVE else "backfill",
        body=value_as_json(load_map(record.body)),
    ).model_dump_json()


def wave_message(arrived: Arrived) -> bytes:
    """Return the binary message of a waveform record.

    Raises:
        RemoteProtocolError: its samples are damaged.
    """
    record, block = arrived.record, arrived.message
    if not isinstance(block, WaveformBlock):
        raise RemoteProtocolError(reason="bad-samples", detail="not a waveform")
    return wave_of(
        block,
        unit=record.unit,
        seq=record.seq,
        captured_utc_us=record.captured_utc_us,
        received_utc_us=record.received_utc_us,
        lane="live" if record.lane is Lane.LIVE else "backfill",
    )


def parse_watch(text: str) -> Watch:
    """Return what a screen asks to follow.

    Raises:
        ValueError: it is no `watch` message.
    """
    return Watch.model_validate_json(text)
