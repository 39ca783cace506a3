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
from hub.consult.events import advice_event, encounter_event
from hub.consult.following import DAY_US, Following, News
from hub.dispatch import Orders, new_order_id
from hub.fleet import FleetPicture
from hub.ingest.taps import Arrived
from hub.store import advice, encounters, records, units
from hub.store.advice import Advice
from hub.store.database import NEVER_STORED, Connection, Pool
from hub.store.encounters import Encounter
from hub.store.stored import StoredRecord
from protocols.clock import Clock
from protocols.errors import ConflictError, RemoteProtocolError
from protocols.ids import EncounterId, OrderId, UnitId
from protocols.link import Stream
from protocols.live import AdviceChanged
from protocols.messages import AdviceOrder, EncounterOrder

log = logging.getLogger(__name__)

FOLLOWER: Final = "consult"
_LOOK_S: Final = 1.0


class Consult:
    """The room of every encounter."""

    def __init__(
        self, pool: Pool, clock: Clock, *, orders: Orders, feed: Feed, fleet: FleetPicture
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._orders = orders
        self._feed = feed
        self._fleet = fleet
        self._following = Following(orders, clock)
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
        await self._tell(News(encounters={encounter_id: unit}, orders_for={unit}))
        return opened, True

    async def advise(
        self, encounter_id: str, text: str, *, valid_for_s: float, who: Principal
    ) -> Advice:
        """Give advice to the crew; it is on its way when this returns, and rings when it arrives.

        Raises:
            NotFoundError: no such encounter.
            ConflictError: the patient is no longer in the unit's care.
        """
        encounter = await encounters.find(self._pool, encounter_id)
        unit, now_us = encounter.unit, self._clock.utc_us()
        order = AdviceOrder(
            order_id=new_order_id(),
            encounter_id=encounter.encounter_id,
            text=text,
            by=who.display_name,
            by_role="doctor",
            given_utc_us=now_us,
            expires_utc_us=now_us + int(valid_for_s * 1e6),
        )
        given = Advice(
            advice_id=OrderId(order.order_id),
            encounter_id=encounter.encounter_id,
            unit=unit,
            text=text,
            given_by=who.display_name,
            given_utc_us=now_us,
            expires_utc_us=order.expires_utc_us,
            state="sent",
            answered_utc_us=None,
            answered_by=None,
            reason=None,
            read_back=None,
        )
        async with self._pool.acquire() as connection, connection.transaction():
            await encounters.lock(connection, unit)
            now = await encounters.find(connection, encounter.encounter_id)
            if now.closed_utc_us is not None:
                raise ConflictError(reason="the encounter is closed", encounter_id=encounter_id)
            await advice.insert(connection, given)
            await self._orders.put(connection, unit, order)
        await self._tell(News(events=[(unit, advice_event(given))], orders_for={unit}))
        return given

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
        await self._tell(news)
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
        await self._tell(News(events=[(one.unit, advice_event(one)) for one in expired]))

    async def _tell(self, news: News) -> None:
        """Tell screens and vehicles of what has been committed."""
        for unit in news.orders_for:
            self._orders.nudge(unit)
        for encounter_id, unit in news.encounters.items():
            changed = await encounters.find(self._pool, encounter_id)
            self._feed.event(encounter_event(changed), unit)
            standing = await encounters.open_of(self._pool, unit)
            self._fleet.encounter(unit, standing.encounter_id if standing else None)
        for unit, event in news.events:
            if isinstance(event, AdviceChanged):
                metrics.ADVICE.labels(event.state).inc()
            self._feed.event(event, unit)
        if news.has_handover:
            self._handover_asked.set()
