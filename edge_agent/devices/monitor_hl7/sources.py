"""What made a signal, as the simulated monitor says it under its private system `99GH`. Pure.

A real monitor says no such thing; then the device's own label stands.
"""

from collections.abc import Iterable

from edge_agent.devices.monitor_hl7.oru import Observation

_NAME = "GH_SIGNAL_SOURCE"


class Sources:
    """The sources named beneath one OBR: the closest to a place wins."""

    def __init__(self, observations: Iterable[Observation], label: str | None) -> None:
        self._label = label
        self._said = {
            found.place: found.value[:120]
            for found in observations
            if found.code.system == "99GH" and found.code.name == _NAME and found.value
        }

    def of(self, place: tuple[str, ...]) -> str | None:
        """Return what made the signal at `place`; None where nothing is said."""
        for depth in range(len(place), -1, -1):
            if (said := self._said.get(place[:depth])) is not None:
                return said
        return self._label
