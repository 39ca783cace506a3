"""Advice and orders of drugs: given and taken back, each sent in the transaction that notes it."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Final

from hub.access.rights import Principal
from hub.consult.events import advice_event
from hub.consult.formulary import Formulary, Wanted, checked, in_words
from hub.consult.news import News
from hub.consult.patient import newest_patient
from hub.dispatch import Orders, new_order_id
from hub.store import advice, encounters, pictures
from hub.store.advice import Advice
from hub.store.database import Pool
from protocols.clock import Clock
from protocols.consult import AdviceState
from protocols.errors import ConflictError, LocalProtocolError, NotFoundError, RequestError
from protocols.ids import OrderId
from protocols.jpeg import read_jpeg
from protocols.messages import (
    MAX_PICTURE_BYTES,
    AdviceOrder,
    Medication,
    Picture,
    WithdrawOrder,
)

MOST_OPEN: Final = 20
"""Of one encounter: more at once is a fault of a client, and no crew could answer them."""

MOST_PICTURES: Final = 50
"""Of one encounter: some 2 MiB in the database."""

_OVER: Final = frozenset(
    {
        AdviceState.ADMINISTERED,
        AdviceState.DECLINED,
        AdviceState.EXPIRED,
        AdviceState.LAPSED,
        AdviceState.WITHDRAWN,
    }
)


_AHEAD_US: Final = 3600 * 1_000_000
"""So far a vehicle's clock, by which a picture was captured, may be ahead of the hub's."""


class Advising:
    """What doctors tell crews to do."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        *,
        orders: Orders,
        formulary: Formulary,
        tell: Callable[[News], Awaitable[None]],
    ) -> None:
        self.formulary = formulary
        self._pool = pool
        self._clock = clock
        self._orders = orders
        self._tell = tell

    async def give(
        self, encounter_id: str, text: str, *, valid_for_s: float, who: Principal
    ) -> Advice:
        """Give advice; it is on its way when this returns, and rings when it arrives.

        Raises:
            NotFoundError: no such encounter.
            ConflictError: the patient is no longer in the unit's care, or 20 are unanswered.
        """
        return await self._give(encounter_id, text, valid_for_s=valid_for_s, who=who)

    async def order(
        self, encounter_id: str, wanted: Wanted, *, valid_for_s: float, who: Principal
    ) -> Advice:
        """Order a drug; the crew reads it back before it confirms.

        Raises: as `give`, and DoseError: the formulary does not allow it; nothing was sent.
        """
        encounter = await encounters.find(self._pool, encounter_id)
        patient = await newest_patient(self._pool, encounter)
        age_years = patient.age_years if patient else None
        drug = checked(self.formulary, wanted, age_years=age_years)
        return await self._give(
            encounter_id, in_words(drug), drug=drug, valid_for_s=valid_for_s, who=who
        )

    async def show(  # noqa: PLR0913 -- what is shown
        self,
        encounter_id: str,
        data: bytes,
        text: str,
        *,
        source: str,
        captured_utc_us: int,
        valid_for_s: float,
        who: Principal,
    ) -> Advice:
        """Show the crew a picture, with `text` beside it; the vehicle fetches it.

        Raises: as `give`, and RequestError: it is not a JPEG that may travel; nothing was sent.
        """
        if len(data) > MAX_PICTURE_BYTES:
            raise RequestError(reason="too-large", most_bytes=MAX_PICTURE_BYTES)
        if captured_utc_us > self._clock.utc_us() + _AHEAD_US:
            raise RequestError(reason="clock")
        try:
            jpeg = read_jpeg(data)
        except LocalProtocolError as err:
            raise RequestError(**err.facts) from err
        picture = Picture(
            sha256=hashlib.sha256(jpeg.data).hexdigest(),
            size_bytes=len(jpeg.data),
            width_px=jpeg.width_px,
            height_px=jpeg.height_px,
            captured_utc_us=captured_utc_us,
            source=source,
        )
        shown = (picture, jpeg.data)
        return await self._give(encounter_id, text, shown=shown, valid_for_s=valid_for_s, who=who)

    async def withdraw(self, encounter_id: str, advice_id: str, *, who: Principal) -> Advice:
        """Take an advice back; the vehicle says whether that came in time.

        Raises:
            NotFoundError: no such advice in this encounter.
            ConflictError: it is over already.
        """
        now_us = self._clock.utc_us()
        encounter = await encounters.find(self._pool, encounter_id)
        async with self._pool.acquire() as connection, connection.transaction():
            await encounters.lock(connection, encounter.unit)
            found = await advice.find(connection, advice_id)
            if found.encounter_id != encounter.encounter_id:
                raise NotFoundError(what="advice", advice_id=advice_id)
            is_done = found.medication is None and found.state is AdviceState.CONFIRMED
            if found.state in _OVER or is_done:
                raise ConflictError(reason="it is over already", state=found.state.value)
            asked = await advice.ask_withdrawal(
                connection, advice_id, by=who.display_name, now_utc_us=now_us
            )
            if asked is None:
                return found
            order = WithdrawOrder(
                order_id=new_order_id(),
                withdrawn_order_id=found.advice_id,
                by=who.display_name,
                given_utc_us=now_us,
                expires_utc_us=max(found.expires_utc_us, now_us) + 86_400_000_000,
            )
            await self._orders.put(connection, found.unit, order)
        news = News(events=[(found.unit, advice_event(asked))], orders_for={found.unit})
        await self._tell(news)
        return asked

    async def _give(  # noqa: PLR0913 -- what is told
        self,
        encounter_id: str,
        text: str,
        *,
        drug: Medication | None = None,
        shown: tuple[Picture, bytes] | None = None,
        valid_for_s: float,
        who: Principal,
    ) -> Advice:
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
            medication=drug,
            picture=shown[0] if shown else None,
        )
        async with self._pool.acquire() as connection, connection.transaction():
            await encounters.lock(connection, unit)
            now = await encounters.find(connection, encounter.encounter_id)
            if now.closed_utc_us is not None:
                raise ConflictError(reason="the encounter is closed", encounter_id=encounter_id)
            if await advice.count_open(connection, encounter.encounter_id) >= MOST_OPEN:
                raise ConflictError(reason="too many are unanswered", most=MOST_OPEN)
            given = await advice.insert(
                connection,
                Advice(
                    advice_id=OrderId(order.order_id),
                    encounter_id=encounter.encounter_id,
                    unit=unit,
                    text=text,
                    given_by=who.display_name,
                    given_utc_us=now_us,
                    expires_utc_us=order.expires_utc_us,
                    medication=drug,
                    picture=order.picture,
                ),
            )
            if shown:
                if await pictures.count(connection, encounter.encounter_id) >= MOST_PICTURES:
                    raise ConflictError(reason="too many pictures", most=MOST_PICTURES)
                await pictures.insert(connection, given, shown[1])
            await self._orders.put(connection, unit, order)
        await self._tell(News(events=[(unit, advice_event(given))], orders_for={unit}))
        return given
