"""The outbox towards hospitals. Law: a hand-over waits here until the hospital has it.

Every attempt builds the document afresh, so that a late one holds what has come since; its ids are
the same, so that the hospital has it once. Hospitals are tried side by side: a slow one keeps
nobody waiting.
"""

import asyncio
import logging
import random
from typing import Final

from hub.api.feed import Feed
from hub.consult.consult import Consult, handoff_event
from hub.dispatch import Orders, new_order_id
from hub.handoff import metrics
from hub.handoff.case import case_of
from hub.handoff.client import Outcome, send
from hub.handoff.document import document_of
from hub.handoff.hospitals import Hospitals, digest_of
from hub.store import encounters
from hub.store import handoffs as store
from hub.store.database import Pool
from hub.store.handoffs import HandoffRow, HandoffState
from protocols.clock import Clock
from protocols.errors import NotFoundError
from protocols.ids import HospitalId, UnitId
from protocols.messages import HandoffReceipt, HospitalEntry, HospitalsOrder, Presence

log = logging.getLogger(__name__)

BASE_S: Final = 2.0
CAP_S: Final = 300.0
GIVE_UP_US: Final = 24 * 3600 * 1_000_000
"""After a day without success people must telephone; the hand-over is called failed."""

LIST_VALID_US: Final = 365 * 24 * 3600 * 1_000_000
_LOOK_S: Final = 1.0
_MOST_AT_ONCE: Final = 16


class Handoff:
    """Sends hand-overs, and tells vehicles to which hospitals they can."""

    def __init__(  # noqa: PLR0913 -- what it joins
        self,
        pool: Pool,
        clock: Clock,
        *,
        orders: Orders,
        feed: Feed,
        consult: Consult,
        hospitals: Hospitals,
        rng: random.Random,
    ) -> None:
        self.hospitals = hospitals
        self._pool = pool
        self._clock = clock
        self._orders = orders
        self._feed = feed
        self._asked = consult.handover_asked
        self._rng = rng
        self._sending: set[str] = set()
        self._to_tell: set[UnitId] = set()

    def heard_presence(self, unit: UnitId, presence: Presence) -> None:
        """Have a unit that has come online told the list of hospitals, if it lacks it."""
        if presence.online and not presence.light:
            self._to_tell.add(unit)

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    async with asyncio.timeout(_LOOK_S):
                        await self._asked.wait()
                except TimeoutError:
                    pass
                self._asked.clear()
                while self._to_tell:
                    await self._tell_hospitals(self._to_tell.pop())
                for row in await store.due(self._pool, now_utc_us=self._clock.utc_us()):
                    if row.handover_id in self._sending or len(self._sending) >= _MOST_AT_ONCE:
                        continue
                    self._sending.add(row.handover_id)
                    group.create_task(self._attempt(row), name="handoff.attempt")

    async def _attempt(self, row: HandoffRow) -> None:
        try:
            outcome = await self._try(row)
            await self._note(row, outcome)
        finally:
            self._sending.discard(row.handover_id)

    async def _try(self, row: HandoffRow) -> Outcome:
        hospital = self.hospitals.get(HospitalId(row.hospital_id))
        if hospital is None:
            return Outcome("refused", "no such hospital is configured")
        encounter = await encounters.find(self._pool, row.encounter_id)
        try:
            case = await case_of(self._pool, encounter)
        except NotFoundError:
            return Outcome("refused", "the unit is no longer enrolled")
        bundle = document_of(case, row, hospital, now_utc_us=self._clock.utc_us())
        return await send(hospital, bundle)

    async def _note(self, row: HandoffRow, outcome: Outcome) -> None:
        metrics.ATTEMPTS.labels(outcome.verdict).inc()
        now_us = self._clock.utc_us()
        too_late = now_us - row.asked_utc_us > GIVE_UP_US
        state: HandoffState = "queued"
        if outcome.verdict == "accepted":
            state = "accepted"
        elif outcome.verdict == "refused" or too_late:
            state = "failed"
        wait_s = min(CAP_S, BASE_S * 2.0 ** min(row.attempts, 16)) * self._rng.uniform(0.5, 1.0)
        is_news = state != row.state or (row.attempts == 0 and outcome.detail is not None)
        async with self._pool.acquire() as connection, connection.transaction():
            now = await store.tried(
                connection,
                row.handover_id,
                state=state,
                detail=outcome.detail,
                next_try_utc_us=now_us + int(wait_s * 1e6),
                now_utc_us=now_us,
            )
            if is_news:
                receipt = HandoffReceipt(
                    order_id=new_order_id(),
                    handover_id=row.handover_id,
                    hospital_id=row.hospital_id,
                    state=state,
                    detail=outcome.detail,
                    given_utc_us=now_us,
                    expires_utc_us=now_us + GIVE_UP_US,
                )
                await self._orders.put(connection, row.unit, receipt)
        self._orders.nudge(row.unit)
        self._feed.event(handoff_event(now), row.unit)
        if is_news:
            facts = {"handover": row.handover_id, "hospital": row.hospital_id, "state": state}
            log.info("handoff.state", extra=facts | {"attempts": now.attempts})

    async def _tell_hospitals(self, unit: UnitId) -> None:
        """Put the list into the unit's outbox, unless it was told this very list."""
        if not self.hospitals:
            return
        digest, now_us = digest_of(self.hospitals), self._clock.utc_us()
        async with self._pool.acquire() as connection, connection.transaction():
            if await store.told_digest(connection, unit) == digest:
                return
            order = HospitalsOrder(
                order_id=new_order_id(),
                hospitals=tuple(
                    HospitalEntry(hospital_id=one.hospital_id, name=one.name)
                    for one in self.hospitals.values()
                ),
                given_utc_us=now_us,
                expires_utc_us=now_us + LIST_VALID_US,
            )
            await self._orders.put(connection, unit, order)
            await store.note_told(connection, unit, digest)
        self._orders.nudge(unit)
