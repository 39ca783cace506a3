"""The room as the crew has it: whom they may ring, who is there, and what is said.

What the crew does is a record first, so it works with no hub: a ring or a word goes out as soon as
the hub is heard. Until the hub has said how a ring stands, the tablet shows it as on its way.
"""

import logging
import uuid
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from edge_agent.hub_time import HubTime
from edge_agent.journal import Journal
from edge_agent.triage.run import Run
from edge_agent.vehicle_clock import VehicleClock
from protocols.errors import ConflictError, NotFoundError, RemoteProtocolError
from protocols.link import Stream
from protocols.messages import (
    DirectoryOrder,
    Message,
    RingCancelled,
    RingRequest,
    RoomOrder,
    Said,
    SaidOrder,
    parse_body,
)

log = logging.getLogger(__name__)

MOST_WAITING: Final = 8
"""Rings of one encounter that the hub has not said anything of."""

_SHOWN_TEXTS: Final = 50
_KEPT_DIRECTORY: Final = "directory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A ring as the crew asked for it."""

    ring_id: str
    encounter_id: str
    target: str
    asked_utc_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One text of the room."""

    encounters: frozenset[str]
    at_utc_us: int
    by: str
    text: str
    is_crew: bool


class RoomDesk:
    """What the crew knows of the room and does in it."""

    def __init__(self, journal: Journal, run: Run, clock: VehicleClock, hub_time: HubTime) -> None:
        self.directory: DirectoryOrder | None = None
        self._journal = journal
        self._run = run
        self._clock = clock
        self._hub_time = hub_time
        self._room: RoomOrder | None = None
        self._asked: dict[str, Asked] = {}
        self._lines: deque[Line] = deque(maxlen=_SHOWN_TEXTS)

    async def restore(self, *, since_utc_us: int) -> None:
        """Take in what was asked and said since then, and whom one may ring."""
        kept = await self._journal.kept(_KEPT_DIRECTORY)
        if kept is not None:
            self.directory = DirectoryOrder.model_validate_json(kept)
        for row in await self._journal.newest(Stream.CHART, since_utc_us=since_utc_us, limit=500):
            try:
                message = parse_body(Stream.CHART, row.body)
            except RemoteProtocolError as err:  # of a newer agent, that was here before
                log.warning("room.unknown", extra={"reason": str(err.facts["reason"])})
                continue
            self._remember(message, row.captured_utc_us)

    async def take(self, order: DirectoryOrder | RoomOrder | SaidOrder) -> None:
        """Take in what the hub says of the room."""
        match order:
            case DirectoryOrder():
                if self.directory is None or self.directory.given_utc_us <= order.given_utc_us:
                    self.directory = order
                    await self._journal.keep(_KEPT_DIRECTORY, order.model_dump_json())
            case RoomOrder():
                for ring in order.rings:
                    self._asked.pop(ring.ring_id, None)
                if self._room is None or self._room.given_utc_us <= order.given_utc_us:
                    self._room = order
            case SaidOrder():
                self._lines.append(
                    Line(
                        encounters=frozenset({order.encounter_id, *order.also_known_as}),
                        at_utc_us=order.given_utc_us,
                        by=order.by,
                        text=order.text,
                        is_crew=False,
                    )
                )

    # -- what the tablet shows ------------------------------------------------------------------

    @property
    def room(self) -> RoomOrder | None:
        """The room of the open encounter, as the hub last told it."""
        room = self._room
        if room is None or not self._is_of_now({room.encounter_id, *room.also_known_as}):
            return None
        return room

    @property
    def waiting(self) -> list[Asked]:
        """Rings of the open encounter of which the hub has not said anything yet."""
        return [one for one in self._asked.values() if self._is_of_now({one.encounter_id})]

    @property
    def lines(self) -> list[Line]:
        """What was said in the open encounter's room, oldest first."""
        mine = [line for line in self._lines if self._is_of_now(line.encounters)]
        return sorted(mine, key=lambda line: line.at_utc_us)

    # -- what the crew does ---------------------------------------------------------------------

    async def ring(
        self,
        *,
        by: str,
        team_id: str | None = None,
        username: str | None = None,
        organisation: str | None = None,
        eta_s: float | None = None,
    ) -> str:
        """Ring a team, a person, or the doctors of a hospital; return the ring's id.

        Where no encounter is open, one is opened.

        Raises:
            NotFoundError: the directory has no such team, person or hospital.
            ConflictError: too many rings are on their way.
            StorageError: the disk refused; nothing has changed.
        """
        target = self._name_of(team_id, username, organisation)
        if len(self.waiting) >= MOST_WAITING:
            raise ConflictError(reason="too many rings are on their way", most=MOST_WAITING)
        now_us = self._hub_time.now_utc_us() or self._clock.utc_us()
        request = RingRequest(
            ring_id=str(uuid.uuid4()),
            encounter_id=await self._run.encounter(),
            team_id=team_id,
            username=username,
            organisation=organisation,
            by=by,
            eta_utc_us=None if eta_s is None else now_us + round(eta_s * 1_000_000),
        )
        await self._record(request)
        self._asked[request.ring_id] = Asked(
            ring_id=request.ring_id,
            encounter_id=request.encounter_id,
            target=target,
            asked_utc_us=self._clock.utc_us(),
        )
        return request.ring_id

    async def cancel(self, ring_id: str, *, by: str) -> None:
        """Need nobody any more.

        Raises:
            NotFoundError: no such ring in this encounter.
            StorageError: the disk refused; nothing has changed.
        """
        told = {ring.ring_id for ring in self.room.rings} if self.room else set()
        if ring_id not in told | self._asked.keys():
            raise NotFoundError(what="ring", ring_id=ring_id[:64])
        await self._record(RingCancelled(ring_id=ring_id, by=by))
        self._asked.pop(ring_id, None)

    async def say(self, text: str, *, by: str) -> None:
        """Write to the room.

        Raises:
            ConflictError: no encounter is open.
            StorageError: the disk refused; nothing has changed.
        """
        encounter_id = self._run.state.encounter_id
        if encounter_id is None:
            raise ConflictError(reason="no patient is in this unit's care")
        said = Said(said_id=str(uuid.uuid4()), encounter_id=encounter_id, text=text, by=by)
        await self._record(said)
        self._remember(said, self._clock.utc_us())

    # -- inside ---------------------------------------------------------------------------------

    def _name_of(self, team_id: str | None, username: str | None, organisation: str | None) -> str:
        known = self.directory
        teams = {one.team_id: one.name for one in known.teams} if known else {}
        people = {one.username: one.name for one in known.people} if known else {}
        hospitals = {one.organisation: one.organisation for one in known.people} if known else {}
        found = (
            teams.get(team_id or "")
            or people.get(username or "")
            or hospitals.get(organisation or "")
        )
        if found is None:
            asked = team_id or username or organisation or ""
            raise NotFoundError(what="whom to ring", asked=asked[:80])
        return found

    def _is_of_now(self, encounters: Collection[str]) -> bool:
        return self._run.state.encounter_id in encounters

    def _remember(self, message: Message, at_utc_us: int) -> None:
        match message:
            case Said():
                self._lines.append(
                    Line(
                        encounters=frozenset({message.encounter_id}),
                        at_utc_us=at_utc_us,
                        by=message.by,
                        text=message.text,
                        is_crew=True,
                    )
                )
            case RingRequest():
                target = message.team_id or message.username or message.organisation or ""
                self._asked[message.ring_id] = Asked(
                    ring_id=message.ring_id,
                    encounter_id=message.encounter_id,
                    target=target,
                    asked_utc_us=at_utc_us,
                )
            case RingCancelled():
                self._asked.pop(message.ring_id, None)
            case _:
                pass

    async def _record(self, message: Message) -> None:
        stamp = self._clock.stamp()
        await self._journal.append(
            Stream.CHART,
            message,
            captured_utc_us=stamp.utc_us,
            clock=stamp.source,
            clock_error_us=stamp.error_us,
        )
