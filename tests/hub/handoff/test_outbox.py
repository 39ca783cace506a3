"""The outbox: when it sends, how long it waits, whom it keeps waiting, and when it gives up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import pytest

from hub.handoff import Handoff, Hospital, Hospitals
from hub.handoff.client import Outcome
from hub.handoff.fhir import Json
from hub.store import Pool, records
from protocols.ids import HospitalId, JournalId, UnitId
from protocols.link import Held, Stream
from protocols.messages import (
    EncounterOpened,
    HandoffReceipt,
    HandoverRequest,
    HospitalsOrder,
    Presence,
)
from tests.hub.consult.clinic import A1, A2, Clinic, cancelled, new_id, opened
from tests.hub.handoff.seeded import Fixed
from tests.hub.vehicle import NOON_US, new_journal

SECOND_US = 1_000_000
Y = new_id()
BOTH: Hospitals = {
    HospitalId(one): Hospital(hospital_id=one, name=one, fhir_url="http://127.0.0.1:1")
    for one in ("first", "second")
}


class Answers:
    """Stands for the hospitals: notes each attempt, and answers as it is told to."""

    def __init__(self) -> None:
        self.says = Outcome("accepted", None)
        self.holds: set[str] = set()  # hospitals that do not answer
        self.asked: list[tuple[str, str]] = []
        self.most_at_once = 0
        self._at_once = 0
        self._changed = asyncio.Event()

    async def send(self, hospital: Hospital, bundle: Json) -> Outcome:
        self.asked.append((hospital.hospital_id, bundle["id"]))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        self._changed.set()
        try:
            if hospital.hospital_id in self.holds:
                await asyncio.Event().wait()
            return self.says
        finally:
            self._at_once -= 1

    async def until_asked(self, times: int) -> None:
        async with asyncio.timeout(20):
            while len(self.asked) < times:
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    stands_in = Answers()
    monkeypatch.setattr("hub.handoff.service.send", stands_in.send)
    return stands_in


@pytest.fixture
async def clinic(pool: Pool) -> AsyncIterator[Clinic]:
    async with opened(pool) as ready:
        yield ready


def made(clinic: Clinic, hospitals: Hospitals) -> Handoff:
    return Handoff(
        clinic.pool,
        clinic.clock,
        orders=clinic.orders,
        feed=clinic.feed,
        consult=clinic.consult,
        hospitals=hospitals,
        rng=Fixed(),
    )


@contextlib.asynccontextmanager
async def sending(clinic: Clinic, hospitals: Hospitals = BOTH) -> AsyncIterator[Handoff]:
    handoff = made(clinic, hospitals)
    task = asyncio.create_task(handoff.run())
    try:
        yield handoff
    finally:
        await cancelled(task)


async def ask(
    clinic: Clinic, *, hospital_id: str = "first", unit: UnitId = A1, encounter_id: str = Y
) -> str:
    """Have the crew ask for a hand-over; return its id."""
    handover_id = new_id()
    await clinic.hear(
        HandoverRequest(
            handover_id=handover_id,
            encounter_id=encounter_id,
            hospital_id=hospital_id,
            signed_by="Chen",
            at_utc_us=NOON_US,
        ),
        unit=unit,
    )
    return handover_id


def last(clinic: Clinic, key: str) -> object:
    """What the screen was told last of a hand-over."""
    events = clinic.seen("handoff")
    return events[-1][key] if events else None


async def row_of(clinic: Clinic, handover_id: str) -> asyncpg.Record:
    row = await clinic.pool.fetchrow("SELECT * FROM handoff WHERE handover_id = $1", handover_id)
    assert row is not None
    return row


async def test_it_is_tried_again_after_ever_longer_waits_up_to_five_minutes(
    clinic: Clinic, answers: Answers
) -> None:
    answers.says = Outcome("again", "HTTP 503")
    waits: list[float] = []
    async with sending(clinic) as handoff:
        handover_id = await ask(clinic)
        for attempt in range(1, 12):
            handoff.nudge()
            await clinic.until(
                lambda attempt=attempt: any(  # type: ignore[misc]
                    one["attempts"] == attempt for one in clinic.seen("handoff")
                )
            )
            row = await row_of(clinic, handover_id)
            wait_us = row["next_try_utc_us"] - clinic.clock.utc_us()
            waits.append(wait_us / SECOND_US)
            await clinic.clock.advance(wait_us / SECOND_US)
    assert waits == [1.5, 3, 6, 12, 24, 48, 96, 192, 225, 225, 225]  # the middle of the jitter
    assert len(answers.asked) == 11


async def test_before_its_time_it_is_not_tried(clinic: Clinic, answers: Answers) -> None:
    answers.says = Outcome("again", "HTTP 503")
    async with sending(clinic) as handoff:
        await ask(clinic)
        await answers.until_asked(1)
        await clinic.until(lambda: len(clinic.seen("handoff")) == 2)
        handoff.nudge()
        other = await ask(clinic, hospital_id="second")  # which shows that it has looked
        await answers.until_asked(2)
        assert [bundle_id for _, bundle_id in answers.asked][1] == other


async def test_it_gives_up_a_day_after_the_hub_heard_of_it_and_not_after_the_crew_asked(
    clinic: Clinic, answers: Answers
) -> None:
    """The vehicle was out of reach for three days, and then the hospital was."""
    answers.says = Outcome("again", "HTTP 503")
    clinic.clock.jump_utc(3 * 86_400 * SECOND_US)
    async with sending(clinic) as handoff:
        handover_id = await ask(clinic)
        await clinic.until(lambda: last(clinic, "attempts") == 1)
        assert (await row_of(clinic, handover_id))["state"] == "queued"
        clinic.clock.jump_utc(86_400 * SECOND_US + 1)
        handoff.nudge()
        await clinic.until(lambda: last(clinic, "state") == "failed")
        handoff.nudge()
    told = [one for one in await clinic.ordered() if isinstance(one, HandoffReceipt)]
    assert [(one.state, one.detail) for one in told] == [
        ("queued", None),
        ("queued", "HTTP 503"),
        ("failed", "HTTP 503"),
    ]
    assert len(answers.asked) == 2


async def test_a_hospital_that_hangs_keeps_no_other_waiting_however_many_are_due(
    clinic: Clinic, answers: Answers
) -> None:
    answers.holds = {"first"}
    async with sending(clinic):
        for _ in range(40):
            await ask(clinic)
        other = await ask(clinic, hospital_id="second")
        async with asyncio.timeout(20):
            while ("second", other) not in answers.asked:
                await answers.until_asked(len(answers.asked) + 1)
    assert [hospital for hospital, _ in answers.asked].count("first") == 4


async def test_each_is_sent_once_at_a_time(clinic: Clinic, answers: Answers) -> None:
    answers.holds = {"first"}
    async with sending(clinic) as handoff:
        await ask(clinic)
        await answers.until_asked(1)
        for _ in range(3):
            handoff.nudge()
            await ask(clinic, hospital_id="second")
        await answers.until_asked(4)
    assert len({bundle_id for _, bundle_id in answers.asked}) == 4


async def hole(clinic: Clinic, journal: JournalId, held: Held) -> None:
    """Have the hub hold this much of the vital signs, received just now."""
    await records.commit_batch(
        clinic.pool,
        records=[],
        ledgers={(A1, journal, Stream.VITALS): held},
        gaps=[],
        now_utc_us=clinic.clock.utc_us(),
    )


async def test_it_waits_for_the_backlog_that_belongs_in_it(
    clinic: Clinic, answers: Answers
) -> None:
    """After an outage the newest records arrive first, the request among them."""
    journal = new_journal()
    await hole(clinic, journal, Held(100, ((900, 1000),)))
    async with sending(clinic) as handoff:
        handover_id = await ask(clinic)
        await ask(clinic, unit=A2, encounter_id=new_id())  # another unit's goes at once
        await answers.until_asked(1)
        await clinic.clock.advance(60)
        await ask(clinic, unit=A2, encounter_id=new_id())  # which shows that it has looked
        await answers.until_asked(2)
        assert handover_id not in [bundle_id for _, bundle_id in answers.asked]
        await hole(clinic, journal, Held(1000))
        await clinic.clock.advance(2)
        handoff.nudge()
        await answers.until_asked(3)
    assert answers.asked[2] == ("first", handover_id)


async def test_it_waits_two_minutes_and_no_longer(clinic: Clinic, answers: Answers) -> None:
    journal = new_journal()
    await hole(clinic, journal, Held(100, ((900, 1000),)))
    async with sending(clinic) as handoff:
        await ask(clinic)
        await clinic.clock.advance(121)
        await hole(clinic, journal, Held(101, ((900, 1000),)))  # it still drips in
        handoff.nudge()
        await answers.until_asked(1)


async def test_an_old_journal_s_hole_holds_nothing_up(clinic: Clinic, answers: Answers) -> None:
    await hole(clinic, new_journal(), Held(100, ((900, 1000),)))
    await clinic.clock.advance(600)
    async with sending(clinic):
        await ask(clinic)
        await answers.until_asked(1)


async def test_a_database_that_refuses_ends_the_service_and_the_next_one_goes_on(
    clinic: Clinic, answers: Answers
) -> None:
    await clinic.pool.execute("ALTER TABLE handoff ADD CONSTRAINT no CHECK (attempts < 1)")
    handover_id = await ask(clinic)
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(made(clinic, BOTH).run(), 20)
    assert caught.group_contains(asyncpg.CheckViolationError)
    await clinic.pool.execute("ALTER TABLE handoff DROP CONSTRAINT no")
    async with sending(clinic):
        await clinic.until(lambda: last(clinic, "state") == "accepted")
    assert answers.asked == [("first", handover_id)] * 2


async def test_the_list_is_told_to_who_shows_it_and_never_kills_the_service(
    clinic: Clinic, answers: Answers
) -> None:
    def born(*, light: bool) -> Presence:
        return Presence(
            online=True,
            connection=new_id(),
            journal=new_journal(),
            profile="ambulance",
            call_sign="Y1",
            light=light,
            software="x",
            since_utc_us=1,
        )

    async with sending(clinic) as handoff:
        handoff.heard_presence(UnitId("A-999"), born(light=False))  # revoked meanwhile
        handoff.heard_presence(A2, born(light=True))
        handoff.heard_presence(A1, born(light=False))
        await clinic.hear(EncounterOpened(encounter_id=Y))
        await ask(clinic)
        await answers.until_asked(1)
    lists = [one for one in await clinic.ordered() if isinstance(one, HospitalsOrder)]
    assert [[entry.hospital_id for entry in one.hospitals] for one in lists] == [
        ["first", "second"]
    ]
    assert await clinic.ordered(A2) == []
    async with sending(clinic, {}) as handoff:  # none is left: the tablet offers none
        handoff.heard_presence(A1, born(light=False))
        await ask(clinic, hospital_id="gone")
        await clinic.until(lambda: last(clinic, "state") == "failed")
    lists = [one for one in await clinic.ordered() if isinstance(one, HospitalsOrder)]
    assert [len(one.hospitals) for one in lists] == [2, 0]
