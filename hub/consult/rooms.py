"""Who is in which room, and what is said there. Law: the record has it before anybody is told.

Seats are held by screens of this process (`hub.api.feed.Viewer`); the database has who came and
left, so that after a start those who are still there come back to their seats, and those who do not
have left. The machine is pure (`protocols.consult.seats`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from hub.access.rights import Action, Principal
from hub.api.feed import Feed, Viewer
from hub.consult import metrics
from hub.consult.news import News
from hub.consult.rings import Rings
from hub.dispatch import Orders, new_order_id
from hub.store import encounters, rings, rooms
from hub.store.database import Connection, Pool
from hub.store.encounters import Encounter
from protocols.clock import Clock
from protocols.consult import seats as rule
from protocols.consult.seats import Happened, Left, Seat, Seats
from protocols.errors import ConflictError
from protocols.ids import EncounterId, UnitId
from protocols.live.room import CallView, RingView, RoomChanged, ScreenReplaced, SeatView
from protocols.messages import Called, Present, RingSeen, RoomOrder, Said, SaidOrder

DAY_US: Final = 24 * 3600 * 1_000_000
_SHOWN_RINGS: Final = 8
_SHOWN_CALLS: Final = 60
_SILENT: Final = frozenset({"away", "back"})
"""Of no interest in the record: somebody's network changed."""


class Rooms:
    """Every room that somebody is in."""

    def __init__(  # noqa: PLR0913 -- what it stands on
        self,
        pool: Pool,
        clock: Clock,
        *,
        orders: Orders,
        feed: Feed,
        rings: Rings,
        tell: Callable[[News], Awaitable[None]],
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._orders = orders
        self._feed = feed
        self._rings = rings
        self._tell = tell
        self._seats: dict[EncounterId, Seats] = {}
        self._units: dict[EncounterId, UnitId] = {}
        self._stale: dict[EncounterId, UnitId] = {}  # whose vehicle is to be told
        self._turn = asyncio.Lock()

    async def restore(self) -> None:
        """Take up the seats of before the start; who does not come back has left."""
        now_us = self._clock.utc_us()
        for encounter_id, seat in await rooms.held(self._pool):
            encounter = await encounters.find(self._pool, encounter_id)
            mine = self._seats.get(encounter_id, {})
            waiting = replace(seat, lost_utc_us=now_us)
            self._seats[encounter_id] = {**mine, seat.subject: waiting}
            self._units[encounter_id] = encounter.unit
            self._stale[encounter_id] = encounter.unit

    # -- coming and going -----------------------------------------------------------------------

    async def enter(self, viewer: Viewer, encounter_id: str) -> None:
        """Give the viewer's person a seat, held by this viewer's screen.

        Raises:
            NotFoundError: no such encounter.
            AccessError: they have no right to it.
            ConflictError: it is closed, or the room is full.
        """
        who = viewer.principal
        encounter = await encounters.find(self._pool, encounter_id)
        who.require(Action.JOIN_ROOM, encounter_id=encounter.encounter_id)
        if encounter.closed_utc_us is not None:
            raise ConflictError(reason="the encounter is closed", encounter_id=encounter_id)
        key = encounter.encounter_id
        seat = Seat(
            subject=who.subject,
            name=who.display_name,
            organisation=who.organisation,
            role="guest" if who.guest_of else "doctor",
            joined_utc_us=self._clock.utc_us(),
            screen=viewer.number,
        )
        async with self._turn:
            mine = self._seats.get(key, {})
            if len(mine) >= rule.MOST_SEATS and who.subject not in mine:
                raise ConflictError(reason="the room is full", most=rule.MOST_SEATS)
            after, happened = rule.taken(mine, seat)
            news = News()
            async with self._pool.acquire() as connection, connection.transaction():
                await self._note(connection, encounter, happened, news)
                news.add(await self._rings.joined(connection, encounter, who.username))
            self._keep(key, encounter.unit, after)
            viewer.seat = key
        for what, old in happened:
            if what == "replaced" and old.screen is not None:
                self._feed.to_screen(old.screen, ScreenReplaced(encounter_id=key))
        await self._tell(news)

    async def leave(self, viewer: Viewer, *, why: Left = Left.CLOSED) -> None:
        """Take the viewer's person out of the room, if this screen holds the seat."""
        key, viewer.seat = viewer.seat, None
        if key is not None:
            await self._leave(key, viewer.principal.subject, why, screen=viewer.number)

    async def screen_gone(self, viewer: Viewer, *, going: Left) -> None:
        """Note that the viewer's connection has ended; its seat is kept for a while."""
        key, viewer.seat = viewer.seat, None
        if key is None:
            return
        async with self._turn:
            after, happened = rule.lost(
                self._seats.get(key, {}), viewer.number, now_utc_us=self._clock.utc_us(),
                going=going,
            )  # fmt: skip
            unit = self._units.get(key)
            if not happened or unit is None:
                return
            self._keep(key, unit, after)
        await self._tell(News(rooms={key: unit}))

    async def put_out(self, encounter_id: str, subject: str) -> None:
        """Take somebody out of a room whose right to be there has ended."""
        await self._leave(EncounterId(encounter_id), subject, Left.REVOKED)

    async def turn(self) -> None:
        """Let those leave who have been lost for too long, and tell the vehicles what changed."""
        now_us = self._clock.utc_us()
        for key, mine in list(self._seats.items()):
            after, gone = rule.swept(mine, now_utc_us=now_us)
            if gone and after is not mine:
                for _, seat in gone:
                    await self._leave(key, seat.subject, seat.going, only_lost=True)
        for key, unit in list(self._stale.items()):
            del self._stale[key]  # what changes meanwhile is told with the next turn
            try:
                await self._tell_vehicle(key, unit)
            except BaseException:
                self._stale[key] = unit
                raise

    async def ended(self, encounter: Encounter) -> None:
        """Empty the room of an encounter that is closed."""
        for subject in list(self._seats.get(encounter.encounter_id, {})):
            await self._leave(encounter.encounter_id, subject, Left.ENDED)

    def seat_of(self, encounter_id: EncounterId, subject: str) -> Seat | None:
        """Return somebody's seat in a room."""
        return self._seats.get(encounter_id, {}).get(subject)

    # -- words ----------------------------------------------------------------------------------

    async def say(self, encounter_id: str, text: str, who: Principal) -> None:
        """Put words on record and pass them on to everybody in the room, and to the crew.

        Raises:
            NotFoundError: no such encounter.
            ConflictError: it is closed, or its record is full.
        """
        encounter = await encounters.find(self._pool, encounter_id)
        if encounter.closed_utc_us is not None:
            raise ConflictError(reason="the encounter is closed", encounter_id=encounter_id)
        now_us, news = self._clock.utc_us(), News(orders_for={encounter.unit})
        async with self._pool.acquire() as connection, connection.transaction():
            event = await rooms.note(
                connection, encounter.encounter_id, "said", at_utc_us=now_us,
                by=who.display_name, text=text,
            )  # fmt: skip
            if event is None:
                raise ConflictError(reason="the room's record is full", most=rooms.MOST_EVENTS)
            order = SaidOrder(
                order_id=new_order_id(),
                encounter_id=encounter.encounter_id,
                also_known_as=encounter.aliases[:16],
                text=text,
                by=who.display_name,
                given_utc_us=now_us,
                expires_utc_us=now_us + DAY_US,
            )
            await self._orders.put(connection, encounter.unit, order)
        news.happened(encounter.unit, encounter.encounter_id, event)
        await self._tell(news)

    async def heard(
        self, connection: Connection, encounter: Encounter, message: Said, at_us: int
    ) -> News:
        """Take in what the crew wrote; what was told before changes nothing."""
        news = News()
        event = await rooms.note(
            connection, encounter.encounter_id, "said", at_utc_us=at_us, by=message.by,
            key=message.said_id, text=message.text, side="crew",
        )  # fmt: skip
        news.happened(encounter.unit, encounter.encounter_id, event)
        return news

    # -- what is told ---------------------------------------------------------------------------

    async def view(self, encounter_id: EncounterId, unit: UnitId) -> RoomChanged:
        """Return a room as it is now."""
        found = await rings.of_encounter(self._pool, encounter_id)
        return RoomChanged(
            unit=unit,
            encounter_id=encounter_id,
            people=[
                SeatView(
                    who=seat.who,
                    name=seat.name,
                    organisation=seat.organisation,
                    role=seat.role,
                    joined_utc_us=seat.joined_utc_us,
                    is_lost=seat.screen is None,
                )
                for seat in self._present(encounter_id)
            ],
            rings=[
                RingView(
                    ring_id=ring.ring_id,
                    target=ring.target,
                    state=ring.ringing.state.value,
                    asked_by=ring.asked_by,
                    asked_utc_us=ring.asked_utc_us,
                    calls=[
                        CallView(
                            name=call.name,
                            organisation=call.organisation,
                            step=call.step,
                            state=call.state.value,
                            rung_utc_us=call.rung_utc_us,
                            ended_utc_us=call.ended_utc_us,
                        )
                        for call in ring.ringing.calls[:_SHOWN_CALLS]
                    ],
                )
                for ring in found[:_SHOWN_RINGS]
            ],
        )

    def changed(self, encounter_id: EncounterId, unit: UnitId) -> None:
        """Have the vehicle told of the room, with the next turn: changes come in crowds."""
        self._stale[encounter_id] = unit

    async def _tell_vehicle(self, encounter_id: EncounterId, unit: UnitId) -> None:
        now_us, view = self._clock.utc_us(), await self.view(encounter_id, unit)
        encounter = await encounters.find(self._pool, encounter_id)
        order = RoomOrder(
            order_id=new_order_id(),
            encounter_id=encounter_id,
            also_known_as=encounter.aliases[:16],
            rings=tuple(
                RingSeen(
                    ring_id=ring.ring_id,
                    target=ring.target[:80],
                    state=ring.state,
                    calls=tuple(
                        Called(
                            name=call.name, organisation=call.organisation, step=call.step,
                            state=call.state,
                        )
                        for call in ring.calls
                    ),
                )
                for ring in view.rings
            ),
            people=tuple(
                Present(
                    name=seat.name, organisation=seat.organisation, role=seat.role,
                    joined_utc_us=seat.joined_utc_us, is_lost=seat.is_lost, who=seat.who,
                )
                for seat in view.people
            ),
            given_utc_us=now_us,
            expires_utc_us=now_us + DAY_US,
        )  # fmt: skip
        async with self._pool.acquire() as connection, connection.transaction():
            await self._orders.put(connection, unit, order)
        self._orders.nudge(unit)

    # -- inside ---------------------------------------------------------------------------------

    async def _leave(
        self,
        key: EncounterId,
        subject: str,
        why: Left,
        *,
        screen: int | None = None,
        only_lost: bool = False,
    ) -> None:
        news = News()
        async with self._turn:
            mine, unit = self._seats.get(key, {}), self._units.get(key)
            held = mine.get(subject)
            is_back = held is not None and held.screen is not None
            if unit is None or (only_lost and is_back):
                return
            after, happened = rule.left(mine, subject, why, screen=screen)
            if not happened:
                return
            encounter = await encounters.find(self._pool, key)
            async with self._pool.acquire() as connection, connection.transaction():
                await self._note(connection, encounter, happened, news)
            self._keep(key, unit, after)
        await self._tell(news)

    async def _note(
        self, connection: Connection, encounter: Encounter, happened: list[Happened], news: News
    ) -> None:
        now_us, key = self._clock.utc_us(), encounter.encounter_id
        for what, seat in happened:
            news.rooms[key] = encounter.unit
            if what == "joined":
                await rooms.sat_down(connection, key, seat)
                facts = {"organisation": seat.organisation, "role": seat.role}
            elif what in set(Left):
                await rooms.stood_up(connection, key, seat.subject, Left(what), at_utc_us=now_us)
                facts = {"why": what}
            else:
                facts = {}
            if what in _SILENT:
                continue
            kind = "left" if what in set(Left) else what
            metrics.SEATS.labels(what).inc()
            event = await rooms.note(connection, key, kind, at_utc_us=now_us, by=seat.name, **facts)
            news.happened(encounter.unit, key, event)

    def _keep(self, key: EncounterId, unit: UnitId, after: Seats) -> None:
        if after:
            self._seats[key], self._units[key] = after, unit
        else:
            self._seats.pop(key, None)
            self._units.pop(key, None)

    def _present(self, key: EncounterId) -> list[Seat]:
        return sorted(self._seats.get(key, {}).values(), key=lambda seat: seat.joined_utc_us)
