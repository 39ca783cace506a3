"""What the hub asks of the vehicle, and what the crew says to it.

Orders are in the journal's inbox; what became of each is a record of the stream `ack`. Law: an
order is answered once; one that has expired is never confirmed, so it is never carried out late.
"""

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Final, Literal

from edge_agent.journal import Journal
from edge_agent.triage.run import Run
from edge_agent.vehicle_clock import VehicleClock
from protocols.errors import ConflictError, NotFoundError, RemoteProtocolError, StorageError
from protocols.ids import UnitId
from protocols.link import Stream
from protocols.live import AdviceChanged, HandoffChanged
from protocols.messages import (
    AdviceOrder,
    EncounterOrder,
    HandoffReceipt,
    HospitalEntry,
    HospitalsOrder,
    Message,
    OrderAnswer,
    TaskOrder,
    parse_body,
)

log = logging.getLogger(__name__)

REMEMBERED_US: Final = 24 * 3600 * 1_000_000
_LOOK_S: Final = 1.0
_SHOWN: Final = 50
_MOST_ANSWERS: Final = 1_000
_KEPT: Final = "answers"
_KEPT_HOSPITALS: Final = "hospitals"

State = Literal["sent", "delivered", "seen", "confirmed", "declined", "expired"]
_FINAL: Final = frozenset({"confirmed", "declined", "expired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The newest answer to one order."""

    state: State
    at_utc_us: int
    by: str | None = None
    reason: str | None = None


class OrderDesk:
    """Knows every order of the last day and its state."""

    def __init__(self, journal: Journal, run: Run, clock: VehicleClock, *, unit: UnitId) -> None:
        self._unit = unit
        self.hospitals: tuple[HospitalEntry, ...] = ()
        self._journal = journal
        self._run = run
        self._clock = clock
        self._orders: dict[str, Message] = {}
        self._answers: dict[str, Answered] = {}
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()

    def nudge(self) -> None:
        """Look at the inbox now."""
        self._wake.set()

    async def restore(self) -> None:
        """Take in the orders of the last day and what was said to them."""
        kept = await self._journal.kept(_KEPT)
        if kept is not None:
            self._answers = {key: Answered(**value) for key, value in json.loads(kept).items()}
        since_us = self._clock.utc_us() - REMEMBERED_US
        for row in await self._journal.newest(Stream.ACK, since_utc_us=since_us, limit=1_000):
            answer = parse_body(Stream.ACK, row.body)
            if isinstance(answer, OrderAnswer):
                self._take_answer(answer, row.captured_utc_us)
        hospitals = await self._journal.kept(_KEPT_HOSPITALS)
        if hospitals is not None:
            self.hospitals = tuple(
                HospitalEntry.model_validate(entry) for entry in json.loads(hospitals)
            )
        await self._read_inbox()

    async def run(self) -> None:
        """Say that orders were delivered, and that they expired, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()
                    self._wake.clear()
                    await self._read_inbox()
            except TimeoutError:
                pass
            except StorageError as err:
                log.warning("orders.not_read", extra={"error": err.code})
            await self._expire()

    # -- what the tablet shows ------------------------------------------------------------------

    @property
    def advice(self) -> list[AdviceChanged]:
        """Every advice of the last day, newest last, with its state."""
        found = [
            self._advice_view(order)
            for order in self._orders.values()
            if isinstance(order, AdviceOrder)
        ]
        return sorted(found, key=lambda advice: advice.given_utc_us)[-_SHOWN:]

    @property
    def task(self) -> TaskOrder | None:
        """The newest task, while it is valid."""
        now_us = self._clock.utc_us()
        tasks = [order for order in self._orders.values() if isinstance(order, TaskOrder)]
        valid = [task for task in tasks if task.expires_utc_us > now_us]
        return max(valid, key=lambda task: task.given_utc_us, default=None)

    @property
    def handoffs(self) -> list[HandoffChanged]:
        """This patient's hand-overs, oldest first; queued until the hub says otherwise."""
        newest: dict[str, HandoffReceipt] = {}
        for order in self._orders.values():
            if isinstance(order, HandoffReceipt):
                known = newest.get(order.handover_id)
                if known is None or known.given_utc_us <= order.given_utc_us:
                    newest[order.handover_id] = order
        return [
            self._handoff_view(handover_id, hospital_id, at_utc_us, newest.get(handover_id))
            for handover_id, (hospital_id, at_utc_us) in self._run.state.handovers.items()
        ]

    # -- what the crew says ---------------------------------------------------------------------

    async def answer(
        self,
        order_id: str,
        state: Literal["seen", "confirmed", "declined"],
        *,
        by: str,
        reason: str | None = None,
        read_back: str | None = None,
    ) -> None:
        """Record what the crew says to an advice; saying the same again changes nothing.

        Raises:
            NotFoundError: no such advice.
            ConflictError: it has expired, or was answered otherwise; or it would be confirmed, and
                nobody can tell whether it has expired.
            StorageError: the disk refused; nothing has changed.
        """
        async with self._turn:
            order = self._orders.get(order_id)
            if not isinstance(order, AdviceOrder):
                raise NotFoundError(what="advice", order_id=order_id[:64])
            known = self._answers.get(order_id)
            if known is not None and (known.state == state or known.state in _FINAL):
                if state in {known.state, "seen"}:
                    return
                raise ConflictError(reason="it was answered already", state=known.state)
            if state == "confirmed" and not self._clock.is_time_known:
                raise ConflictError(reason="the vehicle does not know the time yet", state="unset")
            if order.expires_utc_us <= self._clock.utc_us():
                raise ConflictError(reason="it has expired", state="expired")
            await self._say(order_id, state, by=by, reason=reason, read_back=read_back)

    # -- inside ---------------------------------------------------------------------------------

    async def _read_inbox(self) -> None:
        since_us = self._clock.utc_us() - REMEMBERED_US
        for _received_us, body in await self._journal.orders(since_utc_us=since_us):
            try:
                order = parse_body(Stream.ORDER, body)
            except RemoteProtocolError as err:  # a newer hub's: kept, and not to be shown
                log.warning("orders.unknown", extra={"reason": str(err.facts["reason"])})
                continue
            order_id = str(getattr(order, "order_id", ""))
            if order_id and order_id not in self._orders:
                self._orders[order_id] = order
                await self._take(order_id, order)
        self._forget(since_us)

    async def _take(self, order_id: str, order: Message) -> None:
        is_old = order_id in self._answers
        match order:
            case HospitalsOrder():
                self.hospitals = order.hospitals
                text = json.dumps([entry.model_dump() for entry in order.hospitals])
                await self._journal.keep(_KEPT_HOSPITALS, text)
            case EncounterOrder() if not is_old and order.expires_utc_us > self._clock.utc_us():
                await self._run.join(order.encounter_id)
            case _:
                pass
        if not is_old:
            await self._say(order_id, "delivered")

    async def _expire(self) -> None:
        now_us = self._clock.utc_us()
        async with self._turn:
            for order_id, order in list(self._orders.items()):
                if not isinstance(order, AdviceOrder) or order.expires_utc_us > now_us:
                    continue
                known = self._answers.get(order_id)
                if known is None or known.state not in _FINAL:
                    try:
                        await self._say(order_id, "expired")
                    except StorageError as err:
                        log.warning("orders.not_stored", extra={"error": err.code})
                        return

    async def _say(
        self,
        order_id: str,
        state: Literal["delivered", "seen", "confirmed", "declined", "expired"],
        *,
        by: str | None = None,
        reason: str | None = None,
        read_back: str | None = None,
    ) -> None:
        answer = OrderAnswer(
            order_id=order_id, state=state, by=by, reason=reason, read_back=read_back
        )
        stamp = self._clock.stamp()
        await self._journal.append(
            Stream.ACK,
            answer,
            captured_utc_us=stamp.utc_us,
            clock=stamp.source,
            clock_error_us=stamp.error_us,
        )
        self._take_answer(answer, stamp.utc_us)
        await self._keep()

    def _take_answer(self, answer: OrderAnswer, at_utc_us: int) -> None:
        known = self._answers.get(answer.order_id)
        # they come by seq: the clock may have been set back between two of them
        if known is None or known.state not in _FINAL:
            self._answers[answer.order_id] = Answered(
                state=answer.state, at_utc_us=at_utc_us, by=answer.by, reason=answer.reason
            )

    async def _keep(self) -> None:
        plain = {
            key: {
                "state": value.state,
                "at_utc_us": value.at_utc_us,
                "by": value.by,
                "reason": value.reason,
            }
            for key, value in self._answers.items()
        }
        await self._journal.keep(_KEPT, json.dumps(plain))

    def _forget(self, since_us: int) -> None:
        if self._clock.learnt is None and len(self._answers) <= _MOST_ANSWERS:
            return  # a clock that runs ahead makes nothing old
        for order_id in [k for k, v in self._answers.items() if v.at_utc_us < since_us]:
            del self._answers[order_id]
            self._orders.pop(order_id, None)

    def _advice_view(self, order: AdviceOrder) -> AdviceChanged:
        known = self._answers.get(order.order_id)
        is_answered = known is not None and known.state in _FINAL
        return AdviceChanged(
            unit=self._unit,
            encounter_id=order.encounter_id,
            advice_id=order.order_id,
            text=order.text,
            by=order.by,
            state=known.state if known else "sent",
            given_utc_us=order.given_utc_us,
            expires_utc_us=order.expires_utc_us,
            answered_utc_us=known.at_utc_us if known and is_answered else None,
            answered_by=known.by if known else None,
            reason=known.reason if known else None,
        )

    def _handoff_view(
        self, handover_id: str, hospital_id: str, at_utc_us: int, receipt: HandoffReceipt | None
    ) -> HandoffChanged:
        return HandoffChanged(
            unit=self._unit,
            encounter_id=self._run.state.encounter_id or "",
            handover_id=handover_id,
            hospital_id=hospital_id,
            state=receipt.state if receipt else "queued",
            attempts=0,
            detail=receipt.detail if receipt else None,
            updated_utc_us=receipt.given_utc_us if receipt else at_utc_us,
        )
