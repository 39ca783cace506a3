"""Who is in a room. Pure. Law: a person has one seat in a room, and leaves it once, for one reason.

A seat is held by one screen. The same person's newer screen takes it over (`replaced`). A screen
whose connection breaks keeps its seat for a while (`GRACE_US`): a network that changed, or a page
that was loaded again, is not somebody who left.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

GRACE_US: Final = 15_000_000
"""A lost screen's seat is kept so long; a page loaded again is back within a few seconds."""

MOST_SEATS: Final = 40
"""Of one room; a consultation has some, a lecture is another thing."""


class Left(StrEnum):
    """Why somebody is no longer in the room. Table and wire strings: add, never rename."""

    CLOSED = "closed"  # left by their own doing
    LOST = "lost"  # the connection broke and did not come back
    ENDED = "ended"  # the encounter is over
    REVOKED = "revoked"  # the right to be there was taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One person's place; `screen` None while it is lost, since `lost_utc_us`."""

    subject: str
    name: str
    organisation: str
    role: Literal["doctor", "guest"]
    joined_utc_us: int
    screen: int | None
    lost_utc_us: int | None = None
    going: Left = Left.LOST  # why they will have left, if they do not come back

    @property
    def who(self) -> str:
        """A short name for the person, the same on every screen; not the one they sign in by."""
        return hashlib.blake2s(self.subject.encode(), digest_size=6).hexdigest()


Seats = Mapping[str, Seat]
What = Literal["joined", "back", "replaced", "away", "closed", "lost", "ended", "revoked"]
Happened = tuple[What, Seat]


def taken(seats: Seats, seat: Seat) -> tuple[Seats, list[Happened]]:
    """Return the seats after `seat.subject` came in with `seat.screen`, and what that was."""
    known = seats.get(seat.subject)
    if known is not None and known.screen == seat.screen:
        return seats, []
    if known is None:
        return {**seats, seat.subject: seat}, [("joined", seat)]
    now = replace(known, screen=seat.screen, lost_utc_us=None)
    was: What = "back" if known.screen is None else "replaced"
    return {**seats, seat.subject: now}, [(was, known)]


def lost(
    seats: Seats, screen: int, *, now_utc_us: int, going: Left = Left.LOST
) -> tuple[Seats, list[Happened]]:
    """Return the seats after the connection of `screen` ended; a page may just be loaded again."""
    held = next((seat for seat in seats.values() if seat.screen == screen), None)
    if held is None:
        return seats, []
    now = replace(held, screen=None, lost_utc_us=now_utc_us, going=going)
    return {**seats, held.subject: now}, [("away", now)]


def left(
    seats: Seats, subject: str, why: Left, *, screen: int | None = None
) -> tuple[Seats, list[Happened]]:
    """Return the seats without `subject`; a `screen` that was replaced takes nobody away."""
    held = seats.get(subject)
    if held is None or (screen is not None and held.screen != screen):
        return seats, []
    rest = {key: seat for key, seat in seats.items() if key != subject}
    return rest, [(why.value, held)]


def swept(seats: Seats, *, now_utc_us: int) -> tuple[Seats, list[Happened]]:
    """Return the seats without those that have been lost for too long."""
    gone = [
        seat
        for seat in seats.values()
        if seat.lost_utc_us is not None and now_utc_us - seat.lost_utc_us >= GRACE_US
    ]
    names = {seat.subject for seat in gone}
    rest = {key: seat for key, seat in seats.items() if key not in names}
    return rest, [(seat.going.value, seat) for seat in gone]
