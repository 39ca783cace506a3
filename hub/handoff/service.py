"""The outbox towards hospitals. Law: a hand-over waits here until the hospital has it.

Every attempt builds the document afresh, so that a late one holds what has come since; its ids are
the same, so that the hospital has it once. Hospitals are tried side by side: a slow one keeps
nobody waiting.
"""

import asyncio
import logging
import random
from collections import Counter
from typing import Final

from hub.api.feed import Feed
from hub.consult.consult import Consult
from hub.consult.events import handoff_event
from hub.dispatch import Orders, new_order_id
from hub.handoff import metrics
from hub.handoff.case import case_of
from hub.handoff.client import Outcome, send
from hub.handoff.document import document_of
from hub.handoff.hospitals import Hospitals, digest_of, told_of
from hub.store import encounters, ledgers, units
from hub.store import handoffs as store
from hub.store.database import Pool
from hub.store.handoffs import HandoffRow, HandoffState
from protocols.clock import Clock
from protocols.errors import NotFoundError
from protocols.ids import HospitalId, UnitId
from protocols.link import Stream
from protocols.messages import HandoffReceipt, HospitalsOrder, Presence

log = logging.getLogger(__name__)

BASE_S: Final = 2.0
CAP_S: Final = 300.0
GIVE_UP_US: Final = 24 * 3600 * 1_000_000
"""After a day without success people must telephone; the hand-over is called failed."""

BACKLOG_US: Final = 120 * 1_000_000
"""So long a hand-over waits for records that the vehicle still has to send, and no longer."""

LIST_VALID_US: Final = 365 * 24 * 3600 * 1_000_000
_LOOK_S: Final = 1.0
_MOST_AT_ONCE: Final = 32
_MOST_AT_ONE: Final = 4
_HOLD_US: Final = 1_000_000
_CLINICAL: Final = frozenset({Stream.CHART, Stream.TRIAGE, Stream.VITALS, Stream.STATUS})


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
        self._wake = consult.handover_asked
        self._rng = rng
        self._sending: dict[str, str] = {}  # hand-over → hospital
        self._to_tell: set[UnitId] = set()

    def heard_presence(self, unit: UnitId, presence: Presence) -> None:
        """Have a unit that has come online told the list of hospitals, if it lacks it."""
        if presence.online and not presence.light:
            self._to_tell.add(unit)
            self._wake.set()

    def nudge(self) -> None:
        """Look at what is due now."""
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    async with asyncio.timeout(_LOOK_S):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                self._wake.clear()
                for unit in [*self._to_tell]:
                    await self._tell_hospitals(unit)
                    self._to_tell.discard(unit)
                while row := await self._next():
                    self._sending[row.handover_id] = row.hospital_id
                    group.create_task(self._attempt(row), name="handoff.attempt")
                metrics.WAITING.set(await store.waiting(self._pool))

    async def _next(self) -> HandoffRow | None:
        """Return the longest due that may be sent beside what is being sent."""
        if len(self._sending) >= _MOST_AT_ONCE:
            return None
        at_once = Counter(self._sending.values())
        found = await store.due(
            self._pool,
            now_utc_us=self._clock.utc_us(),
            besides=self._sending,
            not_to=[hospital for hospital, busy in at_once.items() if busy >= _MOST_AT_ONE],
            limit=1,
        )
        return found[0] if found else None

    async def _attempt(self, row: HandoffRow) -> None:
        try:
            if await self._must_wait(row):
                next_us = self._clock.utc_us() + _HOLD_US
                await store.hold(self._pool, row.handover_id, next_try_utc_us=next_us)
                return
            with metrics.ATTEMPT.time():
                outcome = await self._try(row)
            await self._note(row, outcome)
        finally:
            del self._sending[row.handover_id]
            self._wake.set()

    async def _must_wait(self, row: HandoffRow) -> bool:
        """Say whether the vehicle is just now sending older records that belong in the document.

        After an outage the newest records come first, this request among them.
        """
        since_us = self._clock.utc_us() - BACKLOG_US
        if row.attempts or row.queued_utc_us < since_us:
            return False
        return any(
            ledger.held.ranges
            and ledger.stream in _CLINICAL
            and ledger.last_received_utc_us >= since_us
            for ledger in await ledgers.streams_of(self._pool, row.unit)
        )

    async def _try(self, row: HandoffRow) -> Outcome:
        hospital = self.hospitals.get(HospitalId(row.hospital_id))
        if hospital is None:
            return Outcome("refused", "no such hospital is configured")
        encounter = await encounters.find(self._pool, row.encounter_id)
        try:
            case = await case_of(self._pool, encounter)
        except NotFoundError:
            return Outcome("refused", "the unit is no longer enrolled")
        now_us = self._clock.utc_us()
        try:
            bundle = await asyncio.to_thread(document_of, case, row, hospital, now_utc_us=now_us)
        except Exception as err:
            # what a vehicle recorded must not keep the other hand-overs from being sent
            log.exception("handoff.no_document", extra={"handover": row.handover_id})
            return Outcome("again", f"the document could not be made: {type(err).__name__}")
        return await send(hospital, bundle)

    async def _note(self, row: HandoffRow, outcome: Outcome) -> None:
        metrics.ATTEMPTS.labels(outcome.verdict).inc()
        now_us = self._clock.utc_us()
        too_late = now_us - row.queued_utc_us > GIVE_UP_US
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
        try:
            await units.find(self._pool, unit)
        except NotFoundError:
            return
        digest, now_us = digest_of(self.hospitals), self._clock.utc_us()
        async with self._pool.acquire() as connection, connection.transaction():
            told = await store.told_digest(connection, unit)
            if told == digest or (told is None and not self.hospitals):
                return
            order = HospitalsOrder(
                order_id=new_order_id(),
                hospitals=told_of(self.hospitals),
                given_utc_us=now_us,
                expires_utc_us=now_us + LIST_VALID_US,
            )
            await self._orders.put(connection, unit, order)
            await store.note_told(connection, unit, digest)
        self._orders.nudge(unit)
