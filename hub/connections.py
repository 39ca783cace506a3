"""Which units are connected: one connection for each path of a unit."""

from protocols.ids import UnitId
from protocols.messages import Presence


class Connections:
    """Follows births and deaths.

    A late death of an earlier connection, or the death of one path of two, leaves a unit connected.
    """

    def __init__(self) -> None:
        self._of: dict[UnitId, dict[str | None, str]] = {}

    def __contains__(self, unit: UnitId) -> bool:
        """Whether the unit is connected by some path."""
        return bool(self._of.get(unit))

    def knows(self, unit: UnitId, presence: Presence) -> bool:
        """Whether this is a connection of which a birth was heard already."""
        return self._of.get(unit, {}).get(presence.path) == presence.connection

    def hear(self, unit: UnitId, presence: Presence) -> bool:
        """Take one presence; say whether the unit is connected now."""
        paths = self._of.setdefault(unit, {})
        if presence.online:
            paths[presence.path] = presence.connection
        elif paths.get(presence.path) == presence.connection:
            del paths[presence.path]
        return bool(paths)
