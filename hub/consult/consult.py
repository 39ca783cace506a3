"""Encounters and advice. Law: the hub's tables follow the vehicles' records, once and in order.

`run` follows the committed low-rate records by a mark that moves in the transaction that acts on
them, so a restart neither misses one nor acts twice. What a doctor does goes into the order outbox
in the transaction that notes it. Screens are told after the commit.
"""

import asyncio
import logging
import uuid
from collections.abc import Sequence
from typing import Final

from hub.access.rights import Principal
from hub.api.feed import Feed
from hub.consult import metrics
from hub.consult.advising import Advising
from hub.consult.directory import Directory
from hub.consult.events import advice_event, encounter_event
from hub.consult.following import DAY_US, Following
from hub.consult.formulary import Formulary, read_formulary
from hub.consult.news import News
from hub.consult.rings import Rings
from hub.consult.rooms import Rooms
from hub.consult.voices import Conversations, Voices
from hub.dispatch import Orders, new_order_id
from hub.fleet import FleetPicture
from hub.ingest.taps import Arrived
from hub.store import advice, encounters, records, rings, units
from hub.store.advice import Advice
from hub.store.database import NEVER_STORED, Connection, Pool
from hub.store.encounters import Encounter
from hub.store.stored import StoredRecord
from protocols.clock import Clock
from protocols.errors import RemoteProtocolError
from protocols.ids import EncounterId, UnitId
from protocols.link import Stream
from protocols.live import AdviceChanged
from protocols.messages import EncounterOrder

log = logging.getLogger(__name__)

FOLLOWER: Final = "consult"
_LOOK_S: Final = 1.0
RING_STEP_S: Final = 30.0


class Consult:
    """The room of every encounter."""

    def __init__(  # noqa: PLR0913 -- what it stands on
        self,
        pool: Pool,
        clock: Clock,
        *,
        orders: Orders,
        feed: Feed,
        fleet: FleetPicture,
        media: Conversations | None = None,
        formulary: Formulary | None = None,
        ring_step_s: float = RING_STEP_S,
    ) -> None:
        """`media`: where the conversations are; without it there are none.

        `formulary`: what may be ordered; the sample that comes with the program without one.
        `ring_step_s`: how long one step of a ring list rings before the next.
        """
        self._pool = pool
        self._clock = clock
        self._orders = orders
        self._feed = feed
        self._fleet = fleet
        self.rings = Rings(pool, clock, fleet=fleet, step_s=ring_step_s, tell=self.tell)
        self.rooms = Rooms(pool, clock, orders=orders, feed=feed, rings=self.rings, tell=self.tell)
        self.voices = Voices(pool, clock, media=media, feed=feed, rooms=self.rooms)
        self.directory = Directory(pool, clock, orders=orders)
        self._following = Following(orders, clock, rings=self.rings, rooms=self.rooms)
        self.advising = Advising(
            pool,
            clock,
            orders=orders,
            formulary=formulary or read_formulary(None),
            tell=self.tell,
        )
        self._wake = asyncio.Event()
        self._handover_asked = asyncio.Event()

    @property
    def handover_asked(self) -> asyncio.Event:
        """Set when a vehicle has asked for a hand-over; cleared by who sends it."""
        return self._handover_asked

    def heard(self, batch: Sequence[Arrived]) -> None:
        """Look at the records now, if one concerns an encounter; a tap of the ingest."""
        if any(arrived.record.stream in {Stream.CHART, Stream.ACK} for arrived in batch):
            self._wake.set()

    async def restore(self) -> None:
        """Show the open encounters in the fleet's picture."""
        for encounter in await encounters.listed(self._pool, state="open", unit=None, limit=20_000):
            self._fleet.encounter(encounter.unit, encounter.encounter_id)
        await self.rooms.restore()

    async def run(self) -> None:
        """Follow the vehicles' records, and let advice expire, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self.turn()

    async def turn(self) -> None:
        """Act on all that has been committed, and let expire what nobody has answered."""
        while await self._follow():
            pass
        await self._expire()
        await self.rings.turn()
        await self.rooms.turn()
        await self.directory.turn()

    def now_utc_us(self) -> int:
        """Return the hub's time."""
        return self._clock.utc_us()

    # -- what a doctor does ---------------------------------------------------------------------

    async def open(self, unit: UnitId, who: Principal) -> tuple[Encounter, bool]:
        """Return the unit's open encounter, and whether it was opened just now.

        Raises:
            NotFoundError: no such unit.
        """
        await units.find(self._pool, unit)
        now_us = self._clock.utc_us()
        async with self._pool.acquire() as connection, connection.transaction():
            await encounters.lock(connection, unit)  # two doctors click at once
            standing = await encounters.open_of(connection, unit)
            if standing is not None:
                return standing, False
            encounter_id = EncounterId(str(uuid.uuid4()))
            await encounters.insert(
                connection,
                encounter_id,
                unit,
                opened_utc_us=now_us,
                opened_by=who.display_name,
                run_id=None,
            )
            order = EncounterOrder(
                order_id=new_order_id(),
                encounter_id=encounter_id,
                opened_by=who.display_name,
                given_utc_us=now_us,
                expires_utc_us=now_us + DAY_US,
            )
            await self._orders.put(connection, unit, order)
            opened = await encounters.find(connection, encounter_id)
        await self.tell(News(encounters={encounter_id: unit}, orders_for={unit}))
        return opened, True

    async def advise(
        self, encounter_id: str, text: str, *, valid_for_s: float, who: Principal
    ) -> Advice:
        """Give advice to the crew; it is on its way when this returns, and rings when it arrives.

        Raises:
            NotFoundError: no such encounter.
            ConflictError: the patient is no longer in the unit's care.
        """
        return await self.advising.give(encounter_id, text, valid_for_s=valid_for_s, who=who)

    # -- what the vehicles say ------------------------------------------------------------------

    async def _follow(self) -> bool:
        """Act on one batch; return whether there may be more."""
        batch = await records.follow(self._pool, FOLLOWER)
        if not batch:
            return False
        news = News()
        async with self._pool.acquire() as connection, connection.transaction():
            for _, record in batch:
                if record.stream in {Stream.CHART, Stream.ACK} and record.understood:
                    news.add(await self._apply(connection, record))
            await records.mark_followed(connection, FOLLOWER, batch[-1][0])
        await self.tell(news)
        return True

    async def _apply(self, connection: Connection, record: StoredRecord) -> News:
        """Take one record in. One that cannot be taken in holds no other unit's up: it is left."""
        try:
            async with connection.transaction():
                return await self._following.apply(connection, record)
        except RemoteProtocolError as err:
            reason = str(err.facts["reason"])
        except NEVER_STORED as err:
            reason = type(err).__name__
        metrics.REFUSED.labels(reason).inc()
        facts = {"unit": record.unit, "stream": record.stream.value, "seq": record.seq}
        log.warning("consult.record_refused", extra=facts | {"reason": reason})
        return News()

    async def _expire(self) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            expired = await advice.expire(connection, now_utc_us=self._clock.utc_us())
        await self.tell(News(events=[(one.unit, advice_event(one)) for one in expired]))

    async def tell(self, news: News) -> None:
        """Tell screens and vehicles of what has been committed."""
        for unit in news.orders_for:
            self._orders.nudge(unit)
        for encounter_id, unit in news.encounters.items():
            changed = await encounters.find(self._pool, encounter_id)
            self._feed.event(encounter_event(changed), unit)
            standing = await encounters.open_of(self._pool, unit)
            self._fleet.encounter(unit, standing.encounter_id if standing else None)
            if changed.closed_utc_us is not None:
                await self._end(changed)
        for encounter_id, unit in news.rooms.items():
            self._feed.event(await self.rooms.view(encounter_id, unit), unit)
            self.rooms.changed(encounter_id, unit)
            self._wake.set()
        for ring_id in news.rings:
            await self._tell_ring(ring_id)
        for unit, event in news.events:
            if isinstance(event, AdviceChanged):
                metrics.ADVICE.labels(event.state).inc()
            self._feed.event(event, unit)
        if news.has_handover:
            self._handover_asked.set()

    async def _tell_ring(self, ring_id: str) -> None:
        """Tell each of those who are or were rung how the ring stands."""
        ring = await rings.find(self._pool, ring_id)
        for call in ring.ringing.calls:
            if call.rung_utc_us is not None:
                view = await self.rings.view(ring, call.username)
                if view is not None:
                    self._feed.to_person(call.username, view)

    async def _end(self, encounter: Encounter) -> None:
        """Empty the room of an encounter that is closed."""
        async with self._pool.acquire() as connection, connection.transaction():
            news = await self.rings.ended(connection, encounter)
        await self.tell(news)
        await self.rooms.ended(encounter)
        self.voices.over(encounter.encounter_id)
        self._feed.guests_out(encounter.encounter_id)
