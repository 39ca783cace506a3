"""The conversation of each room: who may be in it, who is heard, who speaks.

Law: nobody hears a room who is not seen in it. The media process knows who sends and how loud; here
it becomes what the screens are told. Somebody whose seat is gone is put out, and everybody when the
encounter is over.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final, Protocol

from hub.access.rights import Action, Principal
from hub.api.feed import Feed
from hub.consult.rooms import Rooms
from hub.media import MediaDownError, SourceId, TalkerView, TalksView, TalkView
from hub.store import encounters
from hub.store.database import Pool
from protocols.clock import Clock
from protocols.errors import AccessError, ConflictError, NotFoundError
from protocols.ids import CameraId, EncounterId, UnitId
from protocols.live.room import VoicesChanged, VoiceView

log = logging.getLogger(__name__)

CREW: Final = "crew"
GRACE_S: Final = 3.0
"""A seat that is taken at the same time as the conversation is joined may come a little later."""

ASK_S: Final = 12.0
"""How long a vehicle's question for changes is held."""

_RETRY_S: Final = 1.0
_LOOK_S: Final = 1.0


class Conversations(Protocol):
    """What is used of `hub.media.MediaClient`."""

    async def talks(self, since: int) -> TalksView:
        """Return the conversations, once they are others than in version `since`."""
        ...

    async def end(self, session: str, source: SourceId) -> None:
        """End one session."""
        ...


@dataclass(slots=True)
class _Known:
    """One room's conversation, as it was told last."""

    told: VoicesChanged
    changed: asyncio.Event


class Voices:
    """Every conversation, followed by `run`."""

    def __init__(
        self, pool: Pool, clock: Clock, *, media: Conversations | None, feed: Feed, rooms: Rooms
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._media = media
        self._feed = feed
        self._rooms = rooms
        self._talks: dict[EncounterId, TalkView] = {}
        self._known: dict[EncounterId, _Known] = {}
        self._crew_bps: dict[EncounterId, int] = {}
        self._seatless_s: dict[str, float] = {}
        self._over: set[EncounterId] = set()

    async def admit(self, who: Principal, source: SourceId) -> SourceId:
        """Return the conversation that `who` may join, under its encounter's one id.

        Raises:
            NotFoundError: the unit has no such encounter.
            AccessError: they may not.
            ConflictError: they have no seat in the room, or the encounter is closed.
        """
        encounter = await encounters.find(self._pool, source.camera)
        key = encounter.encounter_id
        if encounter.unit != source.unit:
            raise NotFoundError(what="encounter", encounter_id=source.camera)
        if who.unit is None:
            who.require(Action.JOIN_ROOM, encounter_id=key)
            if self._rooms.seat_of(key, who.subject) is None:
                raise ConflictError(reason="join the room first", encounter_id=key)
        elif who.unit != encounter.unit:
            raise AccessError(action="room.talk", unit=encounter.unit)
        if encounter.closed_utc_us is not None:
            raise ConflictError(reason="the encounter is closed", encounter_id=key)
        return SourceId(encounter.unit, CameraId(key))

    async def run(self) -> None:
        """Follow the conversations, and put out who has no seat, until cancelled."""
        if self._media is None:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(self._media), name="voices-follow")
            group.create_task(self._keep_seated(self._media), name="voices-seated")

    def view(self, encounter_id: EncounterId, unit: UnitId) -> VoicesChanged:
        """Return a room's conversation as it is now."""
        known = self._known.get(encounter_id)
        return known.told if known is not None else self._made(encounter_id, unit, version=0)

    async def next_view(
        self, encounter_id: EncounterId, unit: UnitId, *, since: int, crew_bps: int | None
    ) -> VoicesChanged:
        """Return the conversation once it is another than in version `since`, or after a while.

        `crew_bps`: what the vehicle who asks says that its link carries of one voice.
        """
        known = self._known_of(encounter_id, unit)
        if crew_bps is not None and self._crew_bps.get(encounter_id) != crew_bps:
            self._crew_bps[encounter_id] = crew_bps
            self._tell(encounter_id, unit)
        try:
            async with asyncio.timeout(ASK_S):
                while known.told.version == since:
                    await known.changed.wait()
        except TimeoutError:
            pass
        if encounter_id not in self._talks:
            self._known.pop(encounter_id, None)
        return known.told

    def over(self, encounter_id: EncounterId) -> None:
        """Note that an encounter is closed: its conversation ends."""
        if encounter_id in self._talks:
            self._over.add(encounter_id)

    # -- inside ---------------------------------------------------------------------------------

    async def _follow(self, media: Conversations) -> None:
        version = -1
        while True:
            try:
                found = await media.talks(version)
            except MediaDownError:
                self._take([])
                await self._clock.sleep(_RETRY_S)
                continue
            version = found.version
            self._take(found.talks)

    def _take(self, talks: list[TalkView]) -> None:
        before = self._talks
        self._talks = {EncounterId(talk.encounter_id): talk for talk in talks}
        for key in before.keys() | self._talks.keys():
            now, then = self._talks.get(key), before.get(key)
            if now != then:
                talk = now or then
                if talk is not None:
                    self._tell(key, UnitId(talk.unit))
        for key in before.keys() - self._talks.keys():
            self._over.discard(key)
            self._crew_bps.pop(key, None)
            self._known.pop(key, None)

    def _tell(self, key: EncounterId, unit: UnitId) -> None:
        known = self._known_of(key, unit)
        made = self._made(key, unit, version=known.told.version)
        if made == known.told:
            return
        known.told = made.model_copy(update={"version": made.version + 1})
        known.changed.set()
        known.changed = asyncio.Event()
        self._feed.event(known.told, unit)

    def _known_of(self, key: EncounterId, unit: UnitId) -> _Known:
        """Return what was told last; of one that nobody was told of, that it is empty."""
        nobody = VoicesChanged(unit=unit, encounter_id=key, version=0, voices=[])
        return self._known.setdefault(key, _Known(nobody, asyncio.Event()))

    def _made(self, key: EncounterId, unit: UnitId, *, version: int) -> VoicesChanged:
        talk = self._talks.get(key)
        return VoicesChanged(
            unit=unit,
            encounter_id=key,
            version=version,
            voices=[] if talk is None else self._voices(key, talk),
            crew_bps=self._crew_bps.get(key),
        )

    def _voices(self, key: EncounterId, talk: TalkView) -> list[VoiceView]:
        found: dict[str, VoiceView] = {}
        for talker in talk.talkers:
            seat = self._rooms.seat_of(key, talker.subject)
            is_crew = talker.subject == f"unit:{talk.unit}"
            who = CREW if is_crew else (seat.who if seat else None)
            if who is not None:
                found[who] = VoiceView(who=who, is_on=talker.is_on, is_speaking=talker.is_speaking)
        return list(found.values())

    async def _keep_seated(self, media: Conversations) -> None:
        while True:
            await self._clock.sleep(_LOOK_S)
            now_s = self._clock.monotonic_s()
            unseated: dict[str, float] = {}
            for key, talk in list(self._talks.items()):
                for talker in talk.talkers:
                    if self._may_stay(key, talk, talker):
                        continue
                    since_s = self._seatless_s.get(talker.session, now_s)
                    unseated[talker.session] = since_s
                    if key in self._over or now_s - since_s >= GRACE_S:
                        await self._put_out(media, talk, talker)
            self._seatless_s = unseated

    def _may_stay(self, key: EncounterId, talk: TalkView, talker: TalkerView) -> bool:
        if key in self._over:
            return False
        is_crew = talker.subject == f"unit:{talk.unit}"
        return is_crew or self._rooms.seat_of(key, talker.subject) is not None

    async def _put_out(self, media: Conversations, talk: TalkView, talker: TalkerView) -> None:
        source = SourceId(UnitId(talk.unit), CameraId(talk.encounter_id))
        try:
            await media.end(talker.session, source)
        except (NotFoundError, MediaDownError):
            return
        log.info("voices.put_out", extra={"unit": talk.unit})
