"""Advice on the vehicle: what the crew says to it, by the one table. Law: nothing after its time.

Whether an advice still holds is judged by the hub's time (see `hub_time`), so that a vehicle whose
clock jumps neither takes a late one nor refuses a good one. While that time is not known, nothing
is confirmed.
"""

import asyncio
import logging
from collections import Counter
from typing import Final

from edge_agent.hub_time import HubTime
from edge_agent.orders.answers import Answered, Answers
from edge_agent.orders.pictures import Pictures
from edge_agent.vehicle_clock import VehicleClock
from protocols.consult import OPEN, AdviceEvent, AdviceKind, AdviceState, advance
from protocols.errors import ConflictError, LocalProtocolError, NotFoundError, StorageError
from protocols.ids import UnitId
from protocols.live import AdviceChanged
from protocols.live.advice import AdviceStep, MedicationView, PictureView
from protocols.messages import AdviceOrder, Medication, OrderAnswer, WithdrawOrder

log = logging.getLogger(__name__)

_SHOWN: Final = 50
_SECOND_US: Final = 1_000_000
_DIFFERS_US: Final = 2 * _SECOND_US
"""Less than this between the two clocks is not shown."""

_LOOKS: Final = frozenset({AdviceEvent.SEE, AdviceEvent.CONFIRM})

_LONGEST_AGO_US: Final = 24 * 3600 * _SECOND_US


class AdviceDesk:
    """Every advice of the last day and its state."""

    def __init__(
        self,
        answers: Answers,
        clock: VehicleClock,
        hub_time: HubTime,
        *,
        unit: UnitId,
        pictures: Pictures,
    ) -> None:
        self.pictures = pictures
        self.misread: Counter[str] = Counter()
        self._answers = answers
        self._clock = clock
        self._hub_time = hub_time
        self._unit = unit
        self._orders: dict[str, AdviceOrder] = {}
        self._withdrawn: dict[str, WithdrawOrder] = {}
        self._turn = asyncio.Lock()

    def take(self, order: AdviceOrder) -> None:
        """Know of an advice."""
        self._orders[order.order_id] = order
        if order.picture is not None:
            self.pictures.want(order.order_id, order.picture)

    def withdraw(self, order: WithdrawOrder) -> None:
        """Know that an advice was taken back; it may come before the advice itself."""
        self._withdrawn[order.withdrawn_order_id] = order

    def forget(self, order_id: str) -> None:
        """Drop what concerns an order."""
        self._orders.pop(order_id, None)
        self._withdrawn.pop(order_id, None)
        self.pictures.forget(order_id)

    @property
    def shown(self) -> list[AdviceChanged]:
        """Every advice of the last day, newest last, with its state."""
        newest = sorted(self._orders.values(), key=lambda order: order.given_utc_us)[-_SHOWN:]
        return [self._view(order) for order in newest]

    # -- what the crew says ---------------------------------------------------------------------

    async def answer(
        self, order_id: str, event: AdviceEvent, *, by: str, reason: str | None = None
    ) -> None:
        """Record that the crew saw, confirmed or declined; the same again changes nothing.

        Raises:
            NotFoundError: no such advice.
            ConflictError: it has expired, was withdrawn or answered otherwise, or is a drug that
                has not been read back, or a picture that is not here yet.
            StorageError: the disk refused; nothing has changed.
        """
        async with self._turn:
            order = self._find(order_id)
            known = self._answers.get(order_id)
            if known is not None and _says_nothing_new(known.state, event):
                return
            if event in _LOOKS and self._picture_standing(order) == "coming":
                raise ConflictError(reason="the picture is not here yet", state="-")
            state = self._next(order, event)
            if known is None or known.state in OPEN:
                self._check_holds(order)
            await self._say(order, state, by=by, reason=reason)

    async def read_back(
        self, order_id: str, *, dose: float, unit: str, route: str, by: str
    ) -> None:
        """Record what the crew read back; the dose must be the one ordered, to the digit.

        Raises:
            NotFoundError: no such order of a drug.
            ConflictError: it is not the dose, unit and way that was ordered (which is on record),
                or the order no longer holds.
            StorageError: the disk refused; nothing has changed.
        """
        async with self._turn:
            order = self._find(order_id)
            drug = order.medication
            if drug is None:
                raise NotFoundError(what="order of a drug", order_id=order_id[:64])
            known = self._answers.get(order_id)
            said = f"{drug.name_en} {dose:g} {unit} {route}"
            is_right = (dose, unit, route) == (drug.dose, drug.unit, drug.route)
            if is_right and known is not None and known.state is AdviceState.READ_BACK:
                return
            state = self._next(order, AdviceEvent.READ_BACK if is_right else AdviceEvent.MISREAD)
            self._check_holds(order)
            if not is_right:
                self.misread[drug.drug] += 1
                await self._answers.say(
                    OrderAnswer(order_id=order_id, state="misread", by=by, read_back=said)
                )
                raise ConflictError(reason="that is not what was ordered", state="misread")
            await self._say(order, state, by=by, read_back=said)

    async def administered(
        self, order_id: str, *, by: str, ago_s: float = 0, dose: float | None = None
    ) -> None:
        """Record that the drug was given `ago_s` ago, and how much where it was not the dose.

        Raises:
            NotFoundError: no such order of a drug.
            ConflictError: it was not confirmed, or is over otherwise.
            StorageError: the disk refused; nothing has changed.
        """
        async with self._turn:
            order = self._find(order_id)
            known = self._answers.get(order_id)
            if known is not None and known.state is AdviceState.ADMINISTERED:
                return
            state = self._next(order, AdviceEvent.ADMINISTER)
            ago_us = min(round(ago_s * _SECOND_US), _LONGEST_AGO_US)
            given_us = max(0, self._clock.utc_us() - ago_us)
            medication = order.medication
            ordered = medication.dose if medication else None
            await self._say(
                order,
                state,
                by=by,
                administered_utc_us=given_us,
                administered_dose=ordered if dose is None else dose,
            )

    async def fetched(self, order_id: str) -> None:
        """Record that the picture of an order has arrived, once.

        Raises:
            StorageError: the disk refused; nothing has changed.
        """
        async with self._turn:
            known = self._answers.get(order_id)
            if known is None or any(step.said == "fetched" for step in known.steps):
                return
            await self._answers.say(OrderAnswer(order_id=order_id, state="fetched"))

    # -- what time and the doctor do ------------------------------------------------------------

    async def look(self) -> None:
        """Let expire what is over, and take back what the doctor took back."""
        now_us = self._hub_time.now_utc_us()
        async with self._turn:
            for order in list(self._orders.values()):
                known = self._answers.get(order.order_id)
                if known is None:
                    continue  # not yet said to be delivered
                try:
                    if order.order_id in self._withdrawn:
                        await self._let(order, AdviceEvent.WITHDRAW, known)
                    elif now_us is not None and order.expires_utc_us <= now_us:
                        await self._let(order, AdviceEvent.EXPIRE, known)
                except StorageError as err:
                    log.warning("orders.not_stored", extra={"error": err.code})
                    return

    # -- inside ---------------------------------------------------------------------------------

    async def _let(self, order: AdviceOrder, event: AdviceEvent, known: Answered) -> None:
        try:
            state = advance(_kind(order), known.state, event)
        except LocalProtocolError:
            return  # it was over already
        withdrawal = self._withdrawn.get(order.order_id)
        by = withdrawal.by if withdrawal and event is AdviceEvent.WITHDRAW else None
        await self._say(order, state, by=by)

    def _find(self, order_id: str) -> AdviceOrder:
        order = self._orders.get(order_id)
        if order is None:
            raise NotFoundError(what="advice", order_id=order_id[:64])
        return order

    def _next(self, order: AdviceOrder, event: AdviceEvent) -> AdviceState:
        known = self._answers.get(order.order_id)
        state = known.state if known else AdviceState.SENT
        try:
            return advance(_kind(order), state, event)
        except LocalProtocolError:
            raise ConflictError(
                reason="the advice does not allow this", state=state.value, event=event.value
            ) from None

    def _check_holds(self, order: AdviceOrder) -> None:
        now_us = self._hub_time.now_utc_us()
        if now_us is None:
            raise ConflictError(reason="the time is not known, so it may be too late", state="-")
        if order.expires_utc_us <= now_us:
            raise ConflictError(reason="it has expired", state=AdviceState.EXPIRED.value)
        if order.order_id in self._withdrawn:
            raise ConflictError(reason="it was withdrawn", state=AdviceState.WITHDRAWN.value)

    async def _say(  # noqa: PLR0913 -- what an answer says
        self,
        order: AdviceOrder,
        state: AdviceState,
        *,
        by: str | None = None,
        reason: str | None = None,
        read_back: str | None = None,
        administered_utc_us: int | None = None,
        administered_dose: float | None = None,
    ) -> None:
        await self._answers.say(
            OrderAnswer.model_validate(
                {
                    "order_id": order.order_id,
                    "state": state.value,
                    "by": by,
                    "reason": reason,
                    "read_back": read_back,
                    "administered_utc_us": administered_utc_us,
                    "administered_dose": administered_dose,
                }
            )
        )

    def _view(self, order: AdviceOrder) -> AdviceChanged:
        known = self._answers.get(order.order_id)
        ahead_us = self._hub_ahead_us()
        is_answer = known is not None and known.state is not AdviceState.DELIVERED
        withdrawal = self._withdrawn.get(order.order_id)
        return AdviceChanged(
            unit=self._unit,
            encounter_id=order.encounter_id,
            advice_id=order.order_id,
            text=order.text,
            by=order.by,
            state=known.state.value if known else "sent",
            given_utc_us=max(0, order.given_utc_us - ahead_us),
            expires_utc_us=max(0, order.expires_utc_us - ahead_us),
            answered_utc_us=known.at_utc_us if known and is_answer else None,
            answered_by=known.by if known else None,
            reason=known.reason if known else None,
            read_back=known.read_back if known else None,
            administered_utc_us=known.administered_utc_us if known else None,
            administered_dose=known.administered_dose if known else None,
            withdraw_asked_utc_us=withdrawal.given_utc_us if withdrawal else None,
            medication=view_of(order.medication),
            picture=self._picture_view(order),
            steps=[
                AdviceStep(said=step.said, at_utc_us=step.at_utc_us, by=step.by, detail=step.detail)
                for step in (known.steps if known else ())
            ],
        )

    def _picture_standing(self, order: AdviceOrder) -> str | None:
        return None if order.picture is None else self.pictures.standing(order.order_id)

    def _picture_view(self, order: AdviceOrder) -> PictureView | None:
        picture = order.picture
        if picture is None:
            return None
        return PictureView(
            width_px=picture.width_px,
            height_px=picture.height_px,
            captured_utc_us=picture.captured_utc_us,
            source=picture.source,
            standing=self.pictures.standing(order.order_id),
        )

    def _hub_ahead_us(self) -> int:
        """Return by how much the hub's clock is ahead of ours, in whole seconds."""
        hub_us = self._hub_time.now_utc_us()
        ahead_us = 0 if hub_us is None else hub_us - self._clock.utc_us()
        return 0 if abs(ahead_us) < _DIFFERS_US else round(ahead_us / _SECOND_US) * _SECOND_US


def view_of(medication: Medication | None) -> MedicationView | None:
    """Return a drug as screens are told of it."""
    if medication is None:
        return None
    return MedicationView.model_validate(medication.model_dump(exclude={"kind"}))


def _kind(order: AdviceOrder) -> AdviceKind:
    return AdviceKind.ADVICE if order.medication is None else AdviceKind.MEDICATION


def _says_nothing_new(state: AdviceState, event: AdviceEvent) -> bool:
    """Say whether this was said before: the same tap again, or a look at what was answered."""
    same: dict[AdviceEvent, set[AdviceState]] = {
        AdviceEvent.SEE: {s for s in AdviceState if s is not AdviceState.DELIVERED},
        AdviceEvent.CONFIRM: {AdviceState.CONFIRMED},
        AdviceEvent.DECLINE: {AdviceState.DECLINED},
    }
    return state in same.get(event, set()) and state is not AdviceState.SENT
