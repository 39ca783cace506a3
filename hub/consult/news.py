"""What is told once a transaction has been committed."""

from dataclasses import dataclass, field

from hub.store.rooms import Event
from protocols.ids import EncounterId, UnitId
from protocols.live import FeedModel
from protocols.live.room import RoomHappened


@dataclass(slots=True)
class News:
    """Events for screens, vehicles with new orders, and what is to be looked at afresh."""

    events: list[tuple[UnitId, FeedModel]] = field(default_factory=list)
    encounters: dict[str, UnitId] = field(default_factory=dict)
    orders_for: set[UnitId] = field(default_factory=set)
    rings: set[str] = field(default_factory=set)
    rooms: dict[EncounterId, UnitId] = field(default_factory=dict)
    has_handover: bool = False

    def add(self, other: "News") -> None:
        """Take in what `other` has to tell."""
        self.events += other.events
        self.encounters |= other.encounters
        self.orders_for |= other.orders_for
        self.rings |= other.rings
        self.rooms |= other.rooms
        self.has_handover |= other.has_handover

    def happened(self, unit: UnitId, encounter_id: EncounterId, event: Event | None) -> None:
        """Tell of something that was put on the room's record; None: it stands there already."""
        if event is not None:
            self.events.append((unit, happened_event(unit, encounter_id, event)))


def happened_event(unit: UnitId, encounter_id: EncounterId, event: Event) -> RoomHappened:
    """Return what screens are told of one thing that happened."""
    return RoomHappened(
        unit=unit,
        encounter_id=encounter_id,
        number=event.number,
        at_utc_us=event.at_utc_us,
        kind=event.kind,
        by=event.by,
        facts=dict(event.facts),
    )
