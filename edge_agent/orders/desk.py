"""What the hub asks of the vehicle: read from the journal's inbox, taken once each.

What became of each is a record of the stream `ack`. Law: an order is taken once.
"""

import asyncio
import json
import logging
from typing import Final

from edge_agent.hub_time import HubTime
from edge_agent.journal import Journal
from edge_agent.orders.advice import AdviceDesk
from edge_agent.orders.answers import Answers
from edge_agent.orders.pictures import Pictures
from edge_agent.room import RoomDesk
from edge_agent.triage.run import Run
from edge_agent.vehicle_clock import VehicleClock
from protocols.errors import RemoteProtocolError, StorageError
from protocols.ids import UnitId
from protocols.link import Stream
from protocols.live import HandoffChanged
from protocols.messages import (
    AdviceOrder,
    DirectoryOrder,
    EncounterOrder,
    HandoffReceipt,
    HospitalEntry,
    HospitalsOrder,
    Message,
    OrderAnswer,
    RoomOrder,
    SaidOrder,
    TaskOrder,
    WithdrawOrder,
    parse_body,
)

log = logging.getLogger(__name__)

REMEMBERED_US: Final = 24 * 3600 * 1_000_000
_LOOK_S: Final = 1.0
_KEPT_HOSPITALS: Final = "hospitals"


class OrderDesk:
    """Knows every order of the last day and its state."""

    def __init__(  # noqa: PLR0913 -- what it stands on
        self,
        journal: Journal,
        run: Run,
        clock: VehicleClock,
        *,
        unit: UnitId,
        hub_time: HubTime,
        pictures: Pictures,
    ) -> None:
        self.hospitals: tuple[HospitalEntry, ...] = ()
        self._unit = unit
        self._journal = journal
        self._run = run
        self._clock = clock
        self._hub_time = hub_time
        self._orders: dict[str, Message] = {}
        self._answers = Answers(journal, clock, hub_time)
        self.advice = AdviceDesk(self._answers, clock, hub_time, unit=unit, pictures=pictures)
        self.room = RoomDesk(journal, run, clock, hub_time)
        self._wake = asyncio.Event()

    def nudge(self) -> None:
        """Look at the inbox now."""
        self._wake.set()

    async def restore(self) -> None:
        """Take in the orders of the last day and what was said to them."""
        await self._answers.restore(since_utc_us=self._clock.utc_us() - REMEMBERED_US)
        hospitals = await self._journal.kept(_KEPT_HOSPITALS)
        if hospitals is not None:
            self.hospitals = tuple(
                HospitalEntry.model_validate(entry) for entry in json.loads(hospitals)
            )
        await self.room.restore(since_utc_us=self._clock.utc_us() - REMEMBERED_US)
        await self._read_inbox()

    async def run(self) -> None:
        """Say that orders were delivered, and that they expired, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            if self._wake.is_set():
                self._wake.clear()
                try:
                    await self._read_inbox()
                except StorageError as err:
                    log.warning("orders.not_read", extra={"error": err.code})
                    await self._clock.sleep(_LOOK_S)
                    self._wake.set()
            await self.advice.look()

    # -- what the tablet shows ------------------------------------------------------------------

    @property
    def task(self) -> TaskOrder | None:
        """The newest task, while it is valid."""
        now_us = self._now_utc_us()
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
                await self._take(order_id, order)
                self._orders[order_id] = order
        self._forget(since_us)

    async def _take(self, order_id: str, order: Message) -> None:
        is_old = self._answers.get(order_id) is not None
        if not is_old:  # before it is shown: what the crew says to it comes after this
            await self._answers.say(OrderAnswer(order_id=order_id, state="delivered"))
        match order:
            case AdviceOrder():
                self.advice.take(order)
            case WithdrawOrder():
                self.advice.withdraw(order)
            case DirectoryOrder() | RoomOrder() | SaidOrder():
                await self.room.take(order)
            case HospitalsOrder():
                self.hospitals = order.hospitals
                text = json.dumps([entry.model_dump() for entry in order.hospitals])
                await self._journal.keep(_KEPT_HOSPITALS, text)
            case EncounterOrder() if not is_old and order.expires_utc_us > self._now_utc_us():
                await self._run.join(order.encounter_id)
            case _:
                pass

    def _now_utc_us(self) -> int:
        """Return the hub's time, by which an order expires; the vehicle's while it is not known."""
        now_us = self._hub_time.now_utc_us()
        return self._clock.utc_us() if now_us is None else now_us

    def _forget(self, since_us: int) -> None:
        for order_id in self._answers.forget(before_utc_us=since_us):
            self._orders.pop(order_id, None)
            self.advice.forget(order_id)

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
