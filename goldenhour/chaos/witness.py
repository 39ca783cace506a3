"""What devices and crews say that they said, when, and what of it was accepted.

A monitor's report that was answered AA was accepted, a crew's request that was answered with 200. A
position is not answered: it is only required that every one that the hub has was said.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from goldenhour.chaos.contents import (
    Content,
    Place,
    contents_said,
    measured_utc_us,
    place_said,
)


@dataclass(slots=True)
class Witnessed:
    """What was said of one vehicle. Times are UTC in microseconds, and right."""

    accepted: set[Content] = field(default_factory=set)
    sent: set[Content] = field(default_factory=set)
    first_utc_us: dict[Content, int] = field(default_factory=dict)
    """When it was first measured or asked."""
    accepted_utc_us: dict[Content, int] = field(default_factory=dict)
    """When it was last accepted."""
    places: dict[Place, list[int]] = field(default_factory=dict)
    """When each place was said."""

    def say(self, contents: Iterable[Content], at_utc_us: int | None) -> None:
        """Note what is said for the first or another time; None: nobody knows when."""
        for content in contents:
            self.sent.add(content)
            if at_utc_us is not None:
                self.first_utc_us.setdefault(content, at_utc_us)

    def accept(self, contents: Iterable[Content], at_utc_us: int) -> None:
        """Note what was accepted; a step that a damaged journal took back may be done again."""
        for content in contents:
            self.accepted.add(content)
            self.accepted_utc_us[content] = at_utc_us

    def with_said(self, later: "Witnessed") -> "Witnessed":
        """Return this and what was said until later; nothing more counts as accepted."""
        return Witnessed(
            accepted=set(self.accepted),
            sent=self.sent | later.sent,
            first_utc_us=later.first_utc_us | self.first_utc_us,
            accepted_utc_us=self.accepted_utc_us | later.accepted_utc_us,
            places=later.places or self.places,
        )

    def with_all(self, other: "Witnessed") -> "Witnessed":
        """Return what two witnesses know, of whom one alone heard the receiver."""
        both = self.with_said(other)
        both.accepted |= other.accepted
        return both


def read_witness(path: Path) -> Witnessed:
    """Return what the file of a vehicle's devices says; a last line cut off is passed over."""
    found = Witnessed()
    waiting: dict[str, set[Content]] = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if "message" in said:
                waiting[said["id"]] = contents = set(contents_said(said["message"]))
                found.say(contents, measured_utc_us(said["message"]))
            elif said.get("answer") == "AA":
                found.accept(waiting.pop(said["id"], set()), said["at"])
            elif "sentence" in said and (place := place_said(said["sentence"])) is not None:
                found.places.setdefault(place, []).append(said["at"])
    return found
