"""The live picture of the fleet. Law: a view depends on when things were captured, not on arrival.

A record changes a view only if it was captured later than what the view shows: backlog that fills
in after an outage never sets a unit back. Applying a record twice changes nothing. A clock that
nobody vouches for does not count past the moment of receipt: neither a day ahead, which would hold
the view still for a day, nor a live record of 1970, which would never be shown.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from hub.connections import Connections
from hub.fleet.alarms import UnitAlarms
from hub.ingest.taps import Arrived
from hub.store.clock_corrections import UNDISCIPLINED
from hub.store.stored import StoredRecord
from hub.store.units import Unit
from protocols.clock import ClockSource
from protocols.ids import UnitId
from protocols.link.streams import Lane
from protocols.live.feed import (
    LinkState,
    LinkView,
    NodeView,
    PositionView,
    ScoreView,
    UnitView,
    VideoView,
)
from protocols.messages import (
    Alarm,
    CameraHealth,
    LinkHealth,
    Message,
    Position,
    Presence,
    Score,
    StatusChange,
    TimeNodeStamp,
)

LOST_AFTER_US: Final = 10_000_000
"""Nothing heard of a unit for this long: its link is lost. Source: link-protocol, a dead link is
known within 10 s."""

MAX_CAMERAS: Final = 8
MAX_NODES: Final = 64


@dataclass(frozen=True, slots=True)
class _Stamped:
    node: TimeNodeStamp
    captured_utc_us: int


@dataclass(frozen=True, slots=True)
class Reported:
    """What a unit said of itself, and when."""

    health: LinkHealth
    captured_utc_us: int


@dataclass(slots=True)
class _State:
    """What is known of one unit; each part with the time at which it was captured."""

    view: UnitView  # without position and link, which are put in for whoever looks
    place: Position | None = None
    place_utc_us: int = -1
    heard_utc_us: int | None = None
    link: LinkHealth | None = None
    link_utc_us: int = -1
    cameras: dict[str, tuple[int, CameraHealth]] = field(default_factory=dict)
    status_utc_us: int = -1
    clock_utc_us: int = -1
    told_link: str = "unknown"
    run_utc_us: int = -1
    stamps: dict[str, _Stamped] = field(default_factory=dict)
    alarms: UnitAlarms = field(default_factory=UnitAlarms)


Changed = Callable[[UnitId], None]


class FleetPicture:
    """Every enrolled unit's view; `on_change` hears which one changed."""

    def __init__(self, *, on_change: Changed) -> None:
        self._units: dict[UnitId, _State] = {}
        self._connections = Connections()
        self._on_change = on_change

    def enrolled(self, units: Iterable[Unit]) -> None:
        """Make the picture hold exactly these units; those that it knows keep what is known."""
        wanted = {unit.unit: unit for unit in units}
        for gone in self._units.keys() - wanted.keys():
            del self._units[gone]
        self.changed(wanted.values())

    def changed(self, units: Iterable[Unit], *, gone: Iterable[UnitId] = ()) -> None:
        """Take in `units` that were enrolled or enrolled anew, and forget those that are `gone`."""
        for unit_id in gone:
            self._units.pop(unit_id, None)
        for unit in units:
            if unit.unit not in self._units:
                self._units[unit.unit] = _State(_blank(unit))
                if unit.presence is not None:
                    self._describe(self._units[unit.unit], unit.presence)
            self._on_change(unit.unit)

    def knows(self, unit: UnitId) -> bool:
        """Say whether `unit` is enrolled."""
        return unit in self._units

    def presence(self, unit: UnitId, presence: Presence) -> None:
        """Take in a birth or a death; a late death of an earlier connection changes nothing."""
        state = self._units.get(unit)
        if state is None:
            return
        is_online = self._connections.hear(unit, presence)
        if presence.online:
            self._describe(state, presence)
        state.view = state.view.model_copy(update={"online": is_online})
        self._on_change(unit)

    def records(self, batch: Iterable[Arrived]) -> None:
        """Take in committed records, in any order, any number of times."""
        newest: dict[UnitId, Arrived] = {}  # positions: of many, only one is shown
        for arrived in batch:
            record, message = arrived
            if type(message) is Position:
                known = newest.get(record.unit)
                if known is None or _when_us(record) > _when_us(known.record):
                    newest[record.unit] = arrived
            else:
                self._take(arrived)
        for arrived in newest.values():
            self._take(arrived)

    def _take(self, arrived: Arrived) -> None:
        record, message = arrived
        state = self._units.get(record.unit)
        if state is None:
            return
        state.heard_utc_us = max(state.heard_utc_us or 0, record.received_utc_us)
        when_us = _when_us(record)
        is_changed = _take_clock(state, record, when_us)
        if isinstance(message, Alarm):
            if state.alarms.take(arrived, message):
                state.view = state.view.model_copy(update={"alarms": state.alarms.views()})
                is_changed = True
        elif message is not None and _apply(state, message, when_us):
            is_changed = True
        if is_changed:
            self._on_change(record.unit)

    def encounter(self, unit: UnitId, encounter_id: str | None) -> None:
        """Note which encounter is open for `unit`, if any."""
        state = self._units.get(unit)
        if state is not None:
            state.view = state.view.model_copy(update={"encounter_id": encounter_id})
            self._on_change(unit)

    def look_at_links(self, *, now_utc_us: int) -> None:
        """Announce each unit whose link is not what was announced: silence makes no record."""
        for unit, state in self._units.items():
            link = _link_state(state, now_utc_us)
            if link != state.told_link:
                state.told_link = link
                self._on_change(unit)

    def view(self, unit: UnitId, *, now_utc_us: int) -> UnitView | None:
        """Return what to show of `unit` at this moment."""
        state = self._units.get(unit)
        if state is None:
            return None
        return state.view.model_copy(
            update={
                "link": _link_view(state, now_utc_us),
                "position": _position_view(state),
                "video": _video_view(state),
            }
        )

    def views(self, *, now_utc_us: int) -> list[UnitView]:
        """Return what to show of every unit, by id."""
        return [
            view
            for unit in sorted(self._units)
            if (view := self.view(unit, now_utc_us=now_utc_us)) is not None
        ]

    def reported(self, unit: UnitId) -> Reported | None:
        """Return what `unit` last said of its link and devices, if anything."""
        state = self._units.get(unit)
        if state is None or state.link is None:
            return None
        return Reported(state.link, state.link_utc_us)

    def _describe(self, state: _State, presence: Presence) -> None:
        state.view = state.view.model_copy(
            update={"cameras": list(presence.cameras), "light": presence.light}
        )


def _blank(unit: Unit) -> UnitView:
    return UnitView(
        unit=unit.unit,
        call_sign=unit.call_sign,
        profile=unit.profile,
        light=unit.light,
        online=False,
        link=LinkView(state="unknown"),
    )


def _when_us(record: StoredRecord) -> int:
    """Return when `record` counts as captured."""
    if record.clock not in UNDISCIPLINED:
        return record.captured_utc_us
    if record.clock == ClockSource.UNSET and record.lane is Lane.LIVE:
        return record.received_utc_us
    return min(record.captured_utc_us, record.received_utc_us)


def _take_clock(state: _State, record: StoredRecord, when_us: int) -> bool:
    """Show which clock dated the unit's newest record."""
    if when_us < state.clock_utc_us:
        return False
    state.clock_utc_us = when_us
    shown = state.view.clock, state.view.clock_error_us
    if shown == (record.clock, record.clock_error_us):
        return False
    told = {"clock": record.clock, "clock_error_us": record.clock_error_us}
    state.view = state.view.model_copy(update=told)
    return True


def _apply(state: _State, message: Message, captured_utc_us: int) -> bool:
    """Take one message into `state`; return whether anything shown changed."""
    match message:
        case Position():
            changed = _apply_position(state, message, captured_utc_us)
        case StatusChange():
            changed = _apply_status(state, message, captured_utc_us)
        case TimeNodeStamp():
            changed = _apply_node(state, message, captured_utc_us)
        case Score() if message.score == "news2":
            changed = _apply_news2(state, message, captured_utc_us)
        case LinkHealth():
            changed = captured_utc_us > state.link_utc_us
            if changed:
                state.link, state.link_utc_us = message, captured_utc_us
            for camera in message.cameras or ():
                _apply_camera(state, camera, captured_utc_us)
        case CameraHealth():
            changed = _apply_camera(state, message, captured_utc_us)
        case _:
            changed = False
    return changed


def _apply_position(state: _State, message: Position, captured_utc_us: int) -> bool:
    """Keep the newest; there is one a second of every unit, and few are looked at."""
    if state.place_utc_us >= captured_utc_us:
        return False
    state.place, state.place_utc_us = message, captured_utc_us
    return True


def _apply_camera(state: _State, message: CameraHealth, captured_utc_us: int) -> bool:
    known = state.cameras.get(message.camera)
    is_room = known is not None or len(state.cameras) < MAX_CAMERAS
    if not is_room or (known is not None and known[0] >= captured_utc_us):
        return False
    state.cameras[message.camera] = captured_utc_us, message
    return known is None or known[1] != message


def _video_view(state: _State) -> list[VideoView]:
    """Return what the unit said last of its cameras; the link's own view says how old that is."""
    return [
        VideoView(
            camera=one.camera,
            step=one.step.value,
            reason=one.reason.value if one.reason else None,
            faults=[fault.value for fault in one.faults or ()],
            blurs_faces=one.blurs_faces or False,
        )
        for _, one in state.cameras.values()
    ]


def _position_view(state: _State) -> PositionView | None:
    place = state.place
    if place is None:
        return None
    return PositionView(
        latitude_deg=place.latitude_deg,
        longitude_deg=place.longitude_deg,
        captured_utc_us=state.place_utc_us,
        speed_mps=place.speed_mps,
        heading_deg=place.heading_deg,
    )


def _apply_status(state: _State, message: StatusChange, captured_utc_us: int) -> bool:
    before = state.view
    _take_run(state, message.run_id, captured_utc_us)
    _show_nodes(state)
    if captured_utc_us > state.status_utc_us:
        state.status_utc_us = captured_utc_us
        changes = {"status": message.status.value, "status_since_utc_us": captured_utc_us}
        state.view = state.view.model_copy(update=changes)
    return state.view != before


def _apply_node(state: _State, message: TimeNodeStamp, captured_utc_us: int) -> bool:
    key = f"{message.run_id}/{message.node.value}"
    known = state.stamps.get(key)
    if known is not None and known.captured_utc_us >= captured_utc_us:
        return False
    state.stamps[key] = _Stamped(message, captured_utc_us)
    while len(state.stamps) > MAX_NODES:
        oldest = min(state.stamps, key=lambda k: state.stamps[k].captured_utc_us)
        del state.stamps[oldest]
    _take_run(state, message.run_id, captured_utc_us)
    _show_nodes(state)
    return True


def _take_run(state: _State, run_id: str | None, captured_utc_us: int) -> None:
    """Show the run that was last spoken of."""
    if run_id is not None and captured_utc_us > state.run_utc_us:
        state.run_utc_us = captured_utc_us
        state.view = state.view.model_copy(update={"run_id": run_id})


def _show_nodes(state: _State) -> None:
    """Show the nodes of the newest run, in the order in which they fell."""
    shown = [
        NodeView(node=s.node.node.value, at_utc_us=s.node.at_utc_us, source=s.node.source.value)
        for s in state.stamps.values()
        if s.node.run_id == state.view.run_id and not s.node.undone
    ]
    shown.sort(key=lambda node: (node.at_utc_us, node.node))
    state.view = state.view.model_copy(update={"nodes": shown})


def _apply_news2(state: _State, message: Score, captured_utc_us: int) -> bool:
    shown = state.view.news2
    if shown is not None and shown.captured_utc_us >= captured_utc_us:
        return False
    score = ScoreView(
        low=message.low,
        high=message.high,
        band=message.band,
        captured_utc_us=captured_utc_us,
        missing=list(message.missing),
    )
    state.view = state.view.model_copy(update={"news2": score})
    return True


def _link_state(state: _State, now_utc_us: int) -> LinkState:
    heard = state.heard_utc_us
    if heard is None:
        return "unknown"
    if not state.view.online or now_utc_us - heard > LOST_AFTER_US:
        return "lost"
    return state.link.state if state.link else "live"


def _link_view(state: _State, now_utc_us: int) -> LinkView:
    link, heard, health = _link_state(state, now_utc_us), state.heard_utc_us, state.link
    if link in {"lost", "unknown"} or health is None:
        return LinkView(state=link, last_heard_utc_us=heard)
    return LinkView(
        state=link,
        waiting_records=health.waiting_records,
        waiting_bytes=health.waiting_bytes,
        drain_s=health.drain_s,
        round_trip_ms=health.round_trip_ms,
        last_heard_utc_us=heard,
        video=health.video,
    )
