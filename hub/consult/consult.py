"""Encounters and advice. Law: the hub's tables follow the vehicles' records, once and in order.

`run` follows the committed low-rate records by a mark that moves in the transaction that acts on
them, so a restart neither misses one nor acts twice. What a doctor does goes into the order outbox
in the transaction that notes it. Screens are told after the commit.
"""

import asyncio
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from hub.access.rights import Principal
from hub.api.feed import Feed
from hub.dispatch import Orders, new_order_id
from hub.fleet import FleetPicture
from hub.ingest.taps import Arrived
from hub.store import encounters as store
from hub.store import handoffs, records, units
from hub.store.database import Connection, Pool
from hub.store.encounters import Advice, Encounter
from hub.store.handoffs import HandoffRow
from hub.store.records import StoredRecord
from protocols.clock import Clock
from protocols.errors import ConflictError, RemoteProtocolError
from protocols.ids import EncounterId, OrderId, UnitId
from protocols.link import Stream
from protocols.live import AdviceChanged, EncounterChanged, HandoffChanged
from protocols.live.feed import FeedModel
from protocols.messages import (
    AdviceOrder,
    EncounterClosed,
    EncounterOpened,
    EncounterOrder,
    HandoverRequest,
    OrderAnswer,
    parse_body,
)

log = logging.getLogger(__name__)

FOLLOWER: Final = "consult"
ORDER_VALID_US: Final = 24 * 3600 * 1_000_000
_LOOK_S: Final = 1.0


@dataclass(slots=True)
class _News:
    """What is told once the transaction has been committed."""

    events: list[tuple[UnitId, FeedModel]] = field(default_factory=list)
    units: set[UnitId] = field(default_factory=set)
    has_handover: bool = False


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
        for encounter in await store.listed(self._pool, state="open", unit=None, limit=20_000):
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
            # one at a time for a unit: two doctors click at once
            await connection.execute("SELECT 1 FROM unit WHERE unit = $1 FOR UPDATE", unit)
            standing = await store.open_of(connection, unit)
            if standing is not None:
                return standing, False
            encounter_id = EncounterId(str(uuid.uuid4()))
            await store.insert(
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
                expires_utc_us=now_us + ORDER_VALID_US,
            )
            await self._orders.put(connection, unit, order)
            opened = await store.find(connection, encounter_id)
        self._orders.nudge(unit)
        self._tell(_News(events=[(unit, _encounter_event(opened))], units={unit}))
        await self._show_open(unit)
        return opened, True

    async def advise(
        self, encounter_id: str, text: str, *, valid_for_s: float, who: Principal
    ) -> Advice:
        """Give advice to the crew; it is on its way when this returns, and rings when it arrives.

        Raises:
            NotFoundError: no such encounter.
            ConflictError: the patient is no longer in the unit's care.
        """
        encounter = await store.find(self._pool, encounter_id)
        if encounter.closed_utc_us is not None:
            raise ConflictError(reason="the encounter is closed", encounter_id=encounter_id)
        now_us = self._clock.utc_us()
        order = AdviceOrder(
            order_id=new_order_id(),
            encounter_id=encounter.encounter_id,
            text=text,
            by=who.display_name,
            by_role="doctor",
            given_utc_us=now_us,
            expires_utc_us=now_us + int(valid_for_s * 1e6),
        )
        advice = Advice(
            advice_id=OrderId(order.order_id),
            encounter_id=encounter.encounter_id,
            unit=encounter.unit,
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
            await store.insert_advice(connection, advice)
            await self._orders.put(connection, encounter.unit, order)
        self._orders.nudge(encounter.unit)
        self._tell(_News(events=[(encounter.unit, advice_event(advice))]))
        return advice

    # -- what the vehicles say ------------------------------------------------------------------

    async def _follow(self) -> bool:
        """Act on one batch; return whether there may be more."""
        batch = await records.follow(self._pool, FOLLOWER)
        if not batch:
            return False
        news = _News()
        async with self._pool.acquire() as connection, connection.transaction():
            for _, record in batch:
                if record.stream in {Stream.CHART, Stream.ACK} and record.understood:
                    await self._apply(connection, record, news)
            await records.mark_followed(connection, FOLLOWER, batch[-1][0])
        self._tell(news)
        for unit in news.units:
            await self._show_open(unit)
        return True

    async def _apply(self, connection: Connection, record: StoredRecord, news: _News) -> None:
        try:
            message = parse_body(record.stream, record.body)
        except RemoteProtocolError:  # understood by a newer hub than this
            return
        match message:
            case EncounterOpened():
                await self._opened(connection, record, message, news)
            case EncounterClosed():
                await self._closed(connection, record, message, news)
            case HandoverRequest():
                await self._handed_over(connection, record, message, news)
            case OrderAnswer():
                advice = await store.answer_advice(
                    connection,
                    message.order_id,
                    message.state,
                    unit=record.unit,
                    at_utc_us=record.captured_utc_us,
                    by=message.by,
                    reason=message.reason,
                    read_back=message.read_back,
                )
                if advice is not None:
                    news.events.append((record.unit, advice_event(advice)))
            case _:
                pass

    async def _opened(
        self, connection: Connection, record: StoredRecord, message: EncounterOpened, news: _News
    ) -> None:
        if await store.is_known(connection, message.encounter_id):
            return
        standing = await store.open_of(connection, record.unit)
        if standing is not None:  # a doctor was first: it is the same patient
            await store.add_alias(
                connection,
                message.encounter_id,
                standing.encounter_id,
                opened_utc_us=record.captured_utc_us,
            )
            return
        encounter_id = EncounterId(message.encounter_id)
        await store.insert(
            connection,
            encounter_id,
            record.unit,
            opened_utc_us=record.captured_utc_us,
            opened_by=f"unit:{record.unit}",
            run_id=message.run_id,
        )
        news.units.add(record.unit)
        opened = await store.find(connection, encounter_id)
        news.events.append((record.unit, _encounter_event(opened)))

    async def _closed(
        self, connection: Connection, record: StoredRecord, message: EncounterClosed, news: _News
    ) -> None:
        if not await store.is_known(connection, message.encounter_id):
            return
        encounter = await store.find(connection, message.encounter_id)
        if encounter.unit != record.unit:
            return
        at_utc_us = record.captured_utc_us
        if at_utc_us < encounter.opened_utc_us:
            # it was over before the doctor opened this one: an encounter of its own after all
            began_us = await store.take_alias(connection, message.encounter_id)
            if began_us is not None:
                await store.insert(
                    connection,
                    EncounterId(message.encounter_id),
                    record.unit,
                    opened_utc_us=began_us,
                    opened_by=f"unit:{record.unit}",
                    run_id=None,
                    closed_utc_us=at_utc_us,
                )
            return
        await store.close(connection, encounter.encounter_id, at_utc_us=at_utc_us)
        news.units.add(record.unit)
        closed = await store.find(connection, encounter.encounter_id)
        news.events.append((record.unit, _encounter_event(closed)))

    async def _handed_over(
        self, connection: Connection, record: StoredRecord, message: HandoverRequest, news: _News
    ) -> None:
        if not await store.is_known(connection, message.encounter_id):
            # its opening was in a journal that is gone; the patient is not
            await self._opened(
                connection, record, EncounterOpened(encounter_id=message.encounter_id), news
            )
        encounter = await store.find(connection, message.encounter_id)
        if encounter.unit != record.unit:
            log.warning("handover.of_another_unit", extra={"unit": record.unit})
            return
        asked = await handoffs.ask(
            connection,
            message.handover_id,
            encounter_id=encounter.encounter_id,
            unit=record.unit,
            hospital_id=message.hospital_id,
            signed_by=message.signed_by,
            asked_utc_us=message.at_utc_us,
            now_utc_us=self._clock.utc_us(),
        )
        if asked is not None:
            news.has_handover = True
            news.events.append((record.unit, handoff_event(asked)))

    async def _expire(self) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            expired = await store.expire_advice(connection, now_utc_us=self._clock.utc_us())
        self._tell(_News(events=[(advice.unit, advice_event(advice)) for advice in expired]))

    def _tell(self, news: _News) -> None:
        for unit, event in news.events:
            self._feed.event(event, unit)
        if news.has_handover:
            self._handover_asked.set()

    async def _show_open(self, unit: UnitId) -> None:
        standing = await store.open_of(self._pool, unit)
        self._fleet.encounter(unit, standing.encounter_id if standing else None)


def advice_event(advice: Advice) -> AdviceChanged:
    """Return what screens are told of an advice."""
    return AdviceChanged(
        unit=advice.unit,
        encounter_id=advice.encounter_id,
        advice_id=advice.advice_id,
        text=advice.text,
        by=advice.given_by,
        state=advice.state,
        given_utc_us=advice.given_utc_us,
        expires_utc_us=advice.expires_utc_us,
        answered_utc_us=advice.answered_utc_us,
        answered_by=advice.answered_by,
        reason=advice.reason,
    )


def handoff_event(row: HandoffRow) -> HandoffChanged:
    """Return what screens are told of a hand-over."""
    return HandoffChanged(
        unit=row.unit,
        encounter_id=row.encounter_id,
        handover_id=row.handover_id,
        hospital_id=row.hospital_id,
        state=row.state,
        attempts=row.attempts,
        detail=row.detail,
        updated_utc_us=row.updated_utc_us,
    )


def _encounter_event(encounter: Encounter) -> EncounterChanged:
    return EncounterChanged(
        unit=encounter.unit,
        encounter_id=encounter.encounter_id,
        state=encounter.state,
        opened_utc_us=encounter.opened_utc_us,
        closed_utc_us=encounter.closed_utc_us,
    )
