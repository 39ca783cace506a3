"""What a vehicle's records change at the hub. Law: the outcome depends on what was captured when.

After an outage the newest records arrive before the older ones, so an encounter may close before
it opened, and the next may open before the last has closed. Theory of operation: what the crew
opens is a patient of its own, and ends the one before; what a doctor opened is the same patient as
the crew's next or present one, whose id becomes an alias. A close splits off whatever alias turns
out to have begun after it. A close that comes too early waits for its opening.
"""

from typing import Final

from hub.consult.events import advice_event, handoff_event
from hub.consult.news import News
from hub.consult.rings import Rings
from hub.consult.rooms import Rooms
from hub.dispatch import Orders, new_order_id
from hub.store import advice, encounters, handoffs
from hub.store.database import Connection
from hub.store.encounters import Encounter
from hub.store.stored import StoredRecord
from protocols.clock import Clock, ClockSource
from protocols.errors import RemoteProtocolError
from protocols.ids import EncounterId, UnitId
from protocols.messages import (
    EncounterClosed,
    EncounterOpened,
    HandoffReceipt,
    HandoverRequest,
    OrderAnswer,
    RingCancelled,
    RingRequest,
    Said,
    parse_body,
)

DAY_US: Final = 24 * 3600 * 1_000_000


class Following:
    """Takes one record at a time into the caller's transaction."""

    def __init__(self, orders: Orders, clock: Clock, *, rings: Rings, rooms: Rooms) -> None:
        self._orders = orders
        self._clock = clock
        self._rings = rings
        self._rooms = rooms

    async def apply(self, connection: Connection, record: StoredRecord) -> News:
        """Take one record in; taking it in again changes nothing.

        Raises:
            RemoteProtocolError: what it says cannot be; nothing of it stays if the caller rolls
                its savepoint back.
        """
        news, at_us = News(), _at(record)
        match parse_body(record.stream, record.body):
            case EncounterOpened() as opened:
                await self._opened(connection, record.unit, opened, at_us, news)
            case EncounterClosed() as closed:
                await self._closed(connection, record.unit, closed.encounter_id, at_us, news)
            case HandoverRequest() as request:
                await self._handed_over(connection, record.unit, request, at_us, news)
            case OrderAnswer() as answer:
                await self._answered(connection, record.unit, answer, at_us, news)
            case RingRequest() as request:
                encounter = await self._room_of(connection, record.unit, request, at_us, news)
                news.add(await self._rings.asked(connection, encounter, request, at_us))
            case RingCancelled() as cancelled:
                news.add(await self._rings.cancelled(connection, cancelled, record.unit))
            case Said() as said:
                encounter = await self._room_of(connection, record.unit, said, at_us, news)
                news.add(await self._rooms.heard(connection, encounter, said, at_us))
            case _:
                pass
        return news

    async def _opened(
        self,
        connection: Connection,
        unit: UnitId,
        message: EncounterOpened,
        at_us: int,
        news: News,
    ) -> None:
        await encounters.lock(connection, unit)
        encounter_id = EncounterId(message.encounter_id)
        if await encounters.is_known(connection, encounter_id):
            await encounters.note_earlier(connection, encounter_id, unit, opened_utc_us=at_us)
            return
        standing = await encounters.open_of(connection, unit)
        if standing is not None and not standing.is_by_crew:
            await encounters.add_alias(
                connection, encounter_id, standing.encounter_id, opened_utc_us=at_us
            )
        else:
            if standing is not None and standing.opened_utc_us <= at_us:
                await encounters.close(
                    connection, standing.encounter_id, at_utc_us=at_us, is_implied=True
                )
                news.encounters[standing.encounter_id] = unit
            await encounters.insert(
                connection,
                encounter_id,
                unit,
                opened_utc_us=at_us,
                opened_by=encounters.crew_of(unit),
                run_id=message.run_id,
                implied_close_utc_us=await encounters.next_opening(
                    connection, unit, after_utc_us=at_us
                ),
            )
            news.encounters[encounter_id] = unit
        early_us = await encounters.take_early_close(connection, encounter_id, unit)
        if early_us is not None:
            await self._closed(connection, unit, encounter_id, early_us, news)

    async def _closed(
        self, connection: Connection, unit: UnitId, encounter_id: str, at_us: int, news: News
    ) -> None:
        await encounters.lock(connection, unit)
        if not await encounters.is_known(connection, encounter_id):
            await encounters.note_early_close(connection, encounter_id, unit, at_utc_us=at_us)
            return
        encounter = await encounters.find(connection, encounter_id)
        if encounter.unit != unit:
            raise RemoteProtocolError(reason="another unit's encounter", unit=unit)
        began_us = await encounters.alias_opened(connection, encounter_id)
        if began_us is not None and at_us < encounter.opened_utc_us:
            await self._split_ended(connection, encounter, encounter_id, began_us, at_us)
            news.encounters[encounter_id] = unit
            return
        await encounters.close(connection, encounter.encounter_id, at_utc_us=at_us)
        news.encounters[encounter.encounter_id] = unit
        later = await encounters.aliases_after(
            connection, encounter.encounter_id, after_utc_us=at_us
        )
        for alias, opened_us in later:  # the next patient, whose opening arrived before this close
            await encounters.drop_alias(connection, alias)
            again = EncounterOpened(encounter_id=alias)
            await self._opened(connection, unit, again, opened_us, news)
            await handoffs.move(
                connection, encounter.encounter_id, EncounterId(alias), from_utc_us=opened_us
            )

    async def _split_ended(
        self,
        connection: Connection,
        encounter: Encounter,
        alias: str,
        began_us: int,
        ended_us: int,
    ) -> None:
        """Make of `alias`, over before a doctor opened `encounter`, an encounter of its own."""
        await encounters.drop_alias(connection, alias)
        own_id = EncounterId(alias)
        await encounters.insert(
            connection,
            own_id,
            encounter.unit,
            opened_utc_us=began_us,
            opened_by=encounters.crew_of(encounter.unit),
            run_id=None,
            implied_close_utc_us=ended_us,
        )
        await encounters.close(connection, own_id, at_utc_us=ended_us)
        await handoffs.move(
            connection,
            encounter.encounter_id,
            own_id,
            from_utc_us=began_us,
            to_utc_us=ended_us,
        )

    async def _room_of(
        self,
        connection: Connection,
        unit: UnitId,
        message: HandoverRequest | RingRequest | Said,
        at_us: int,
        news: News,
    ) -> Encounter:
        """Return the encounter that a vehicle speaks of."""
        await encounters.lock(connection, unit)
        if not await encounters.is_known(connection, message.encounter_id):
            # its opening is still to come, or was in a journal that is gone; the patient is not
            opened = EncounterOpened(encounter_id=message.encounter_id)
            await self._opened(connection, unit, opened, at_us, news)
        encounter = await encounters.find(connection, message.encounter_id)
        if encounter.unit != unit:
            raise RemoteProtocolError(reason="another unit's encounter", unit=unit)
        return encounter

    async def _handed_over(
        self,
        connection: Connection,
        unit: UnitId,
        message: HandoverRequest,
        at_us: int,
        news: News,
    ) -> None:
        encounter = await self._room_of(connection, unit, message, at_us, news)
        now_us = self._clock.utc_us()
        asked = await handoffs.ask(
            connection,
            message.handover_id,
            encounter_id=encounter.encounter_id,
            unit=unit,
            hospital_id=message.hospital_id,
            signed_by=message.signed_by,
            asked_utc_us=at_us,
            now_utc_us=now_us,
        )
        if asked is None:
            return
        receipt = HandoffReceipt(
            order_id=new_order_id(),
            handover_id=asked.handover_id,
            hospital_id=asked.hospital_id,
            state="queued",
            given_utc_us=now_us,
            expires_utc_us=now_us + DAY_US,
        )
        await self._orders.put(connection, unit, receipt)
        news.orders_for.add(unit)
        news.has_handover = True
        news.events.append((unit, handoff_event(asked)))

    async def _answered(
        self,
        connection: Connection,
        unit: UnitId,
        message: OrderAnswer,
        at_us: int,
        news: News,
    ) -> None:
        changed = await advice.answer(connection, message, unit=unit, at_utc_us=at_us)
        if changed is not None:
            news.events.append((unit, advice_event(changed)))


def _at(record: StoredRecord) -> int:
    """Return when it happened: by the vehicle's clock, or by the hub's if that is known wrong."""
    if record.clock == ClockSource.UNSET.value:
        return record.received_utc_us
    return record.captured_utc_us
