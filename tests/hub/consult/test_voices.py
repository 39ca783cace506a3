"""Who may talk in a room, who is put out of the conversation, and what the screens are told."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from hub.access.rights import Principal
from hub.consult.voices import CREW, GRACE_S, Voices
from hub.media import SourceId, TalkerView, TalksView, TalkView
from hub.store import encounters
from protocols.errors import AccessError, ConflictError, NotFoundError
from protocols.ids import CameraId, EncounterId
from protocols.live.room import VoiceView
from protocols.messages import EncounterClosed
from tests.hub.consult.clinic import A1, A2, DOCTOR, Clinic
from tests.hub.consult.test_rooms import ANN, came, opened

UNIT = Principal(username="", display_name=A1, role=None, organisation="", unit=A1)


class Process:
    """Stands in for the media process: says what it is told to, notes whom it is to put out."""

    def __init__(self) -> None:
        self.version = 1
        self.talking: list[TalkView] = []
        self.ended: list[str] = []
        self._changed = asyncio.Event()

    def tell(self, encounter_id: str, *talkers: TalkerView) -> None:
        self.talking = [TalkView(unit=A1, encounter_id=encounter_id, talkers=list(talkers))]
        self.version += 1
        self._changed.set()

    async def talks(self, since: int) -> TalksView:
        while self.version == since:
            self._changed.clear()
            await self._changed.wait()
        return TalksView(version=self.version, talks=self.talking)

    async def end(self, session: str, source: SourceId) -> None:
        assert source.unit == A1
        self.ended.append(session)


@asynccontextmanager
async def followed(clinic: Clinic) -> AsyncIterator[tuple[Voices, Process]]:
    process = Process()
    voices = Voices(
        clinic.pool, clinic.clock, media=process, feed=clinic.feed, rooms=clinic.consult.rooms
    )
    running = asyncio.create_task(voices.run())
    try:
        yield voices, process
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def talker(subject: str, *, is_on: bool = True, is_speaking: bool = False) -> TalkerView:
    return TalkerView(
        session=f"session of {subject}", subject=subject, is_on=is_on, is_speaking=is_speaking
    )


def place(encounter_id: str) -> SourceId:
    return SourceId(A1, CameraId(encounter_id))


async def test_only_who_has_a_seat_may_talk(clinic: Clinic) -> None:
    encounter_id = await opened(clinic)
    voices = clinic.consult.voices
    with pytest.raises(ConflictError, match="join the room first"):
        await voices.admit(ANN, place(encounter_id))
    await came(clinic, encounter_id)
    assert await voices.admit(ANN, place(encounter_id)) == place(encounter_id)
    with pytest.raises(AccessError):
        await voices.admit(dataclasses.replace(DOCTOR, role=None), place(encounter_id))


async def test_a_vehicle_talks_in_its_own_encounter_alone_while_that_is_open(
    clinic: Clinic,
) -> None:
    encounter_id = await opened(clinic)
    voices = clinic.consult.voices
    assert await voices.admit(UNIT, place(encounter_id)) == place(encounter_id)
    with pytest.raises(AccessError):
        await voices.admit(dataclasses.replace(UNIT, unit=A2), place(encounter_id))
    with pytest.raises(NotFoundError):
        await voices.admit(UNIT, SourceId(A2, CameraId(encounter_id)))
    await clinic.hear(EncounterClosed(encounter_id=encounter_id), at_s=5)
    assert (await encounters.find(clinic.pool, encounter_id)).closed_utc_us is not None
    with pytest.raises(ConflictError):
        await voices.admit(UNIT, place(encounter_id))


async def test_screens_are_told_who_is_heard_and_who_speaks(clinic: Clinic) -> None:
    encounter_id = await opened(clinic)
    await came(clinic, encounter_id)
    seat = clinic.consult.rooms.seat_of(encounter_id, "ann")
    assert seat is not None
    async with followed(clinic) as (voices, process):
        process.tell(encounter_id, talker(f"unit:{A1}"), talker("ann", is_speaking=True))
        told = await voices.next_view(encounter_id, A1, since=0, crew_bps=None)
        assert told.voices == [
            VoiceView(who=CREW, is_on=True, is_speaking=False),
            VoiceView(who=seat.who, is_on=True, is_speaking=True),
        ]
        await clinic.until(lambda: [len(one["voices"]) for one in clinic.seen("voices")] == [2])
        view = await clinic.consult.rooms.view(encounter_id, A1)
        assert [person.who for person in view.people] == [seat.who]


async def test_what_the_vehicle_s_link_carries_is_told_to_everybody(clinic: Clinic) -> None:
    encounter_id = await opened(clinic)
    async with followed(clinic) as (voices, process):
        process.tell(encounter_id, talker(f"unit:{A1}"))
        await clinic.until(lambda: bool(voices.view(encounter_id, A1).voices))
        version = voices.view(encounter_id, A1).version
        told = await voices.next_view(encounter_id, A1, since=version, crew_bps=6_000)
        assert (told.crew_bps, told.version) == (6_000, version + 1)
        await clinic.until(
            lambda: [one["crew_bps"] for one in clinic.seen("voices")][-1:] == [6000]
        )


async def test_who_has_no_seat_is_put_out_after_a_moment(clinic: Clinic) -> None:
    encounter_id = await opened(clinic)
    viewer = await came(clinic, encounter_id)
    async with followed(clinic) as (voices, process):
        process.tell(encounter_id, talker("ann"), talker(f"unit:{A1}"))
        await clinic.until(lambda: len(voices.view(encounter_id, A1).voices) == 2)
        await clinic.clock.advance(2 * GRACE_S)
        assert process.ended == []
        await clinic.consult.rooms.leave(viewer)
        for _ in range(6):
            await clinic.clock.advance(GRACE_S / 3)
        assert set(process.ended) == {"session of ann"}


async def test_the_conversation_ends_with_the_encounter(clinic: Clinic) -> None:
    encounter_id = await opened(clinic)
    await came(clinic, encounter_id)
    async with followed(clinic) as (voices, process):
        process.tell(encounter_id, talker("ann"), talker(f"unit:{A1}"))
        await clinic.until(lambda: len(voices.view(encounter_id, A1).voices) == 2)
        voices.over(EncounterId(encounter_id))
        await clinic.clock.advance(1.1)
        assert set(process.ended) == {"session of ann", f"session of unit:{A1}"}
