"""Rings at the hub: whom a crew's ring reaches, step by step, and who is told.

The machine is pure (`protocols.consult.ringing`), its state is in the database, so a hub that is
started again goes on where it was. Each change of a ring and its note in the room's record are one
transaction; doctors, room and vehicle are told after it.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from hub.access.rights import Principal
from hub.consult import metrics
from hub.consult.news import News
from hub.consult.patient import newest_patient
from hub.fleet import FleetPicture
from hub.store import encounters, rings, rooms, teams
from hub.store.database import Connection, Pool
from hub.store.encounters import Encounter
from hub.store.rings import Ring
from hub.store.teams import Doctor
from protocols.clock import Clock
from protocols.consult import ringing
from protocols.consult.ringing import Call, CallState, Ringing, RingState
from protocols.errors import ConflictError, LocalProtocolError, NotFoundError
from protocols.live.room import RingChanged
from protocols.messages import RingCancelled, RingRequest

LATE_US: Final = 10 * 60 * 1_000_000
"""A ring that an outage held up for longer rings nobody: the crew is told, and may ring again."""

MOST_RINGS: Final = 30
"""Of one encounter."""

_LASTING: Final = frozenset({CallState.RINGING, CallState.TIMED_OUT})
_NOTED: Final = {
    CallState.RINGING: "rung",
    CallState.DECLINED: "declined",
    CallState.TIMED_OUT: "timed_out",
    CallState.ANSWERED: "answered",
}


class Rings:
    """Every ring that lasts."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        *,
        fleet: FleetPicture,
        step_s: float,
        tell: Callable[[News], Awaitable[None]],
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._fleet = fleet
        self._step_us = int(step_s * 1e6)
        self._tell = tell

    # -- what the crew says; inside the transaction of who follows the records ---------------------

    async def asked(
        self, connection: Connection, encounter: Encounter, request: RingRequest, at_us: int
    ) -> News:
        """Begin to ring; a ring that is known, or one too many, changes nothing."""
        news, now_us = News(), self._clock.utc_us()
        if len(await rings.of_encounter(connection, encounter.encounter_id)) >= MOST_RINGS:
            metrics.REFUSED.labels("too-many-rings").inc()
            return news
        target, people = await self._reached(connection, request)
        calls = [
            Call(username=one.username, name=one.name, organisation=one.organisation, step=one.step)
            for one in people
        ]
        state = ringing.begun(calls, now_utc_us=now_us, step_us=self._step_us)
        is_late = now_us - at_us > LATE_US or encounter.closed_utc_us is not None
        if is_late:
            state = Ringing(state=RingState.EXPIRED, step=0, step_until_utc_us=now_us, calls=())
        ring = Ring(
            ring_id=request.ring_id,
            encounter_id=encounter.encounter_id,
            unit=encounter.unit,
            target=target,
            asked_by=request.by,
            asked_utc_us=at_us,
            eta_utc_us=request.eta_utc_us,
            ringing=state,
        )
        if not await rings.insert(connection, ring):
            return news
        event = await rooms.note(
            connection, ring.encounter_id, "ring", at_utc_us=at_us, by=request.by, target=target
        )
        news.happened(encounter.unit, ring.encounter_id, event)
        before = Ringing(state=RingState.RINGING, step=-1, step_until_utc_us=0, calls=())
        await self._note(connection, ring, before, news)
        return news

    async def cancelled(self, connection: Connection, message: RingCancelled, unit: str) -> News:
        """End a ring for the crew."""
        news = News()
        try:
            ring = await rings.find(connection, message.ring_id, lock=True)
        except NotFoundError:
            return news  # refused before, or of a database that was lost
        if ring.unit == unit:
            after = ringing.cancelled(ring.ringing, now_utc_us=self._clock.utc_us())
            await self._change(connection, ring, after, news)
        return news

    # -- what doctors do ------------------------------------------------------------------------

    async def of(self, who: Principal) -> list[RingChanged]:
        """Return the rings that last for somebody, oldest first."""
        found = await rings.of_person(self._pool, who.username)
        views = [await self.view(ring, who.username) for ring in found]
        return [view for view in views if view is not None]

    async def decline(self, ring_id: str, who: Principal) -> None:
        """Take somebody out of a ring.

        Raises:
            NotFoundError: no such ring, or it does not ring for them.
            ConflictError: it is over.
        """
        news = News()
        async with self._pool.acquire() as connection, connection.transaction():
            ring = await rings.find(connection, ring_id, lock=True)
            if who.username not in {call.username for call in ring.ringing.calls}:
                raise NotFoundError(what="ring", ring_id=ring_id)
            try:
                after = ringing.declined(
                    ring.ringing, who.username, now_utc_us=self._clock.utc_us(),
                    step_us=self._step_us,
                )  # fmt: skip
            except LocalProtocolError as err:
                state = str(err.facts["state"])
                raise ConflictError(reason="it does not ring any more", state=state) from err
            await self._change(connection, ring, after, news)
        await self._tell(news)

    async def encounter_of(self, ring_id: str, who: Principal) -> Encounter:
        """Return the encounter that a ring for somebody is about.

        Raises:
            NotFoundError: no such ring, or it does not ring for them.
        """
        ring = await rings.find(self._pool, ring_id)
        if who.username not in {call.username for call in ring.ringing.calls}:
            raise NotFoundError(what="ring", ring_id=ring_id)
        return await encounters.find(self._pool, ring.encounter_id)

    async def joined(self, connection: Connection, encounter: Encounter, username: str) -> News:
        """Let the encounter's rings know that somebody came into the room."""
        news, now_us = News(), self._clock.utc_us()
        for known in await rings.of_encounter(connection, encounter.encounter_id):
            ring = await rings.find(connection, known.ring_id, lock=True)
            after = ringing.joined(ring.ringing, username, now_utc_us=now_us)
            await self._change(connection, ring, after, news)
        return news

    # -- what time does -------------------------------------------------------------------------

    async def turn(self) -> None:
        """Go on with every ring whose step is over, and end those of closed encounters."""
        now_us = self._clock.utc_us()
        for ring_id in await rings.due(self._pool, now_utc_us=now_us):
            news = News()
            async with self._pool.acquire() as connection, connection.transaction():
                ring = await rings.find(connection, ring_id, lock=True)
                after = ringing.ticked(ring.ringing, now_utc_us=now_us, step_us=self._step_us)
                await self._change(connection, ring, after, news)
            await self._tell(news)

    async def ended(self, connection: Connection, encounter: Encounter) -> News:
        """End the rings of an encounter that is closed."""
        news, now_us = News(), self._clock.utc_us()
        for known in await rings.of_encounter(connection, encounter.encounter_id):
            ring = await rings.find(connection, known.ring_id, lock=True)
            after = ringing.cancelled(ring.ringing, now_utc_us=now_us)
            await self._change(connection, ring, after, news)
        return news

    async def view(self, ring: Ring, username: str) -> RingChanged | None:
        """Return the line that matters, for one of those who are rung."""
        call = next((one for one in ring.ringing.calls if one.username == username), None)
        if call is None:
            return None
        encounter = await encounters.find(self._pool, ring.encounter_id)
        patient = await newest_patient(self._pool, encounter)
        unit = self._fleet.view(ring.unit, now_utc_us=self._clock.utc_us())
        return RingChanged(
            ring_id=ring.ring_id,
            encounter_id=ring.encounter_id,
            unit=ring.unit,
            call_sign=unit.call_sign if unit else ring.unit,
            target=ring.target,
            state=ring.ringing.state.value,
            call=call.state.value,
            asked_by=ring.asked_by,
            asked_utc_us=ring.asked_utc_us,
            complaint=patient.complaint if patient else None,
            sex=patient.sex if patient else None,
            age_years=patient.age_years if patient else None,
            news2=unit.news2 if unit else None,
            eta_utc_us=ring.eta_utc_us,
        )

    # -- inside ---------------------------------------------------------------------------------

    async def _reached(
        self, connection: Connection, request: RingRequest
    ) -> tuple[str, list[Doctor]]:
        """Return what is rung, by name, and who that is."""
        if request.team_id is not None:
            try:
                return await teams.of_team(connection, request.team_id)
            except NotFoundError:
                return request.team_id, []  # a team that was taken away meanwhile
        if request.username is not None:
            found = await teams.doctor(connection, request.username)
            return (found[0].name if found else request.username), found
        organisation = request.organisation or "-"
        return organisation, (await teams.doctors(connection, organisation=organisation))[:60]

    async def _change(self, connection: Connection, ring: Ring, after: Ringing, news: News) -> None:
        if after == ring.ringing:
            return
        await rings.save(connection, ring.ring_id, after)
        changed = await rings.find(connection, ring.ring_id)
        await self._note(connection, changed, ring.ringing, news)

    async def _note(self, connection: Connection, ring: Ring, before: Ringing, news: News) -> None:
        """Put on record whose call has changed, and have everybody told."""
        now_us = self._clock.utc_us()
        known = {call.username: call.state for call in before.calls}
        for call in ring.ringing.calls:
            kind = _NOTED.get(call.state)
            if kind is None or known.get(call.username) is call.state:
                continue
            event = await rooms.note(
                connection, ring.encounter_id, kind, at_utc_us=now_us, by=call.name,
                organisation=call.organisation, target=ring.target,
            )  # fmt: skip
            news.happened(ring.unit, ring.encounter_id, event)
        if ring.ringing.state is not RingState.RINGING:
            metrics.RINGS.labels(ring.ringing.state.value).inc()
            event = await rooms.note(
                connection, ring.encounter_id, f"ring_{ring.ringing.state.value}",
                at_utc_us=now_us, target=ring.target,
            )  # fmt: skip
            news.happened(ring.unit, ring.encounter_id, event)
        news.rings.add(ring.ring_id)
        news.rooms[ring.encounter_id] = ring.unit
