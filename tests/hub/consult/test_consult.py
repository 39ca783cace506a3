"""Encounters and advice: who opens them, what the crew says, and what a restart leaves."""

import asyncio

import pytest

from hub.store import Pool, encounters
from hub.store import advice as advice_store
from hub.store.encounters import Encounter
from protocols.errors import ConflictError, NotFoundError
from protocols.ids import UnitId
from protocols.link import Stream
from protocols.messages import (
    AdviceOrder,
    EncounterClosed,
    EncounterOpened,
    EncounterOrder,
    OrderAnswer,
)
from tests.hub.room import A1, DOCTOR, Room, new_id, room
from tests.until import until


async def standing(pool: Pool) -> Encounter | None:
    return await encounters.open_of(pool, A1)


async def state_of(pool: Pool, advice_id: str) -> str:
    return str(await pool.fetchval("SELECT state FROM advice WHERE advice_id = $1", advice_id))


async def becomes(pool: Pool, advice_id: str, state: str) -> None:
    async def is_so() -> bool:
        return await state_of(pool, advice_id) == state

    await until(is_so)


async def opened_by_crew(here: Room, pool: Pool) -> str:
    encounter_id = new_id()
    here.says(Stream.CHART, EncounterOpened(encounter_id=encounter_id, run_id="r1"))

    async def is_open() -> bool:
        return await standing(pool) is not None

    await until(is_open)
    return encounter_id


async def test_a_crew_opens_and_closes_an_encounter(pool: Pool) -> None:
    async with room(pool) as here:
        encounter_id = await opened_by_crew(here, pool)
        found = await standing(pool)
        assert found is not None
        assert (found.encounter_id, found.opened_by, found.run_id) == (
            encounter_id, "unit:A-001", "r1",
        )  # fmt: skip

        async def is_shown() -> bool:  # the picture is told after the commit
            view = here.fleet.view(A1, now_utc_us=here.clock.utc_us())
            return view is not None and view.encounter_id == encounter_id

        await until(is_shown)
        here.says(Stream.CHART, EncounterClosed(encounter_id=encounter_id))

        async def is_closed() -> bool:
            return await standing(pool) is None

        await until(is_closed)


async def test_a_doctor_opens_one_and_the_vehicle_is_told_once(pool: Pool) -> None:
    async with room(pool) as here:
        first, second = await asyncio.gather(
            here.consult.open(A1, DOCTOR), here.consult.open(A1, DOCTOR)
        )
        assert first[0] == second[0]
        assert sorted([first[1], second[1]]) == [False, True]
        told = [order for order in await here.told() if isinstance(order, EncounterOrder)]
        assert [order.encounter_id for order in told] == [first[0].encounter_id]


async def test_both_open_at_once_and_it_is_one_patient_under_two_names(pool: Pool) -> None:
    async with room(pool) as here:
        ours, _ = await here.consult.open(A1, DOCTOR)
        theirs = new_id()
        here.says(Stream.CHART, EncounterOpened(encounter_id=theirs))

        async def is_alias() -> bool:
            return bool(await pool.fetchval("SELECT count(*) FROM encounter_alias"))

        await until(is_alias)
        assert (await encounters.find(pool, theirs)).encounter_id == ours.encounter_id
        here.says(Stream.CHART, EncounterClosed(encounter_id=theirs))

        async def is_closed() -> bool:
            return await standing(pool) is None

        await until(is_closed)


async def test_one_that_was_over_before_the_doctor_opened_is_an_encounter_of_its_own(
    pool: Pool,
) -> None:
    async with room(pool) as here:
        ours, _ = await here.consult.open(A1, DOCTOR)
        theirs = new_id()
        before_us = ours.opened_utc_us - 600_000_000
        here.says(
            Stream.CHART,
            EncounterOpened(encounter_id=theirs),
            EncounterClosed(encounter_id=theirs),
            at_utc_us=before_us,
        )

        async def is_separate() -> bool:
            return bool(await pool.fetchval("SELECT count(*) FROM encounter") == 2)

        await until(is_separate)
        old = await encounters.find(pool, theirs)
        assert (old.encounter_id, old.state, old.opened_utc_us) == (theirs, "closed", before_us)
        assert await standing(pool) == ours


async def test_advice_goes_forward_only_whatever_order_the_answers_come_in(pool: Pool) -> None:
    async with room(pool) as here:
        await opened_by_crew(here, pool)
        encounter = await standing(pool)
        assert encounter is not None
        advice = await here.consult.advise(
            encounter.encounter_id, "Aspirin 300 mg", valid_for_s=60, who=DOCTOR
        )
        sent = [order for order in await here.told() if isinstance(order, AdviceOrder)]
        assert [(order.order_id, order.text) for order in sent] == [
            (advice.advice_id, "Aspirin 300 mg")
        ]
        answer = OrderAnswer(order_id=advice.advice_id, state="delivered")
        here.says(Stream.ACK, answer)
        await becomes(pool, advice.advice_id, "delivered")
        here.says(
            Stream.ACK,
            answer.model_copy(update={"state": "confirmed", "by": "Li Lei", "read_back": "300 mg"}),
        )
        await becomes(pool, advice.advice_id, "confirmed")
        here.says(Stream.ACK, answer.model_copy(update={"state": "seen"}))
        here.says(Stream.ACK, answer.model_copy(update={"state": "declined", "reason": "no"}))

        async def all_noted() -> bool:
            return bool(await pool.fetchval("SELECT count(*) FROM advice_change") == 5)

        await until(all_noted)
        assert await state_of(pool, advice.advice_id) == "confirmed"
        [kept] = await advice_store.of_encounter(pool, encounter.encounter_id)
        assert (kept.answered_by, kept.read_back, kept.reason) == ("Li Lei", "300 mg", None)


async def test_what_nobody_answers_expires_and_a_word_given_in_time_still_counts(
    pool: Pool,
) -> None:
    async with room(pool) as here:
        await opened_by_crew(here, pool)
        encounter = await standing(pool)
        assert encounter is not None
        advice = await here.consult.advise(
            encounter.encounter_id, "Oxygen", valid_for_s=0.2, who=DOCTOR
        )
        await becomes(pool, advice.advice_id, "expired")
        too_late = OrderAnswer(order_id=advice.advice_id, state="confirmed", by="Li Lei")
        here.says(Stream.ACK, too_late, at_utc_us=advice.expires_utc_us + 1)

        async def is_noted() -> bool:
            return bool(await pool.fetchval("SELECT count(*) FROM advice_change") == 3)

        await until(is_noted)
        assert await state_of(pool, advice.advice_id) == "expired"
        here.says(Stream.ACK, too_late, at_utc_us=advice.expires_utc_us - 1)
        await becomes(pool, advice.advice_id, "confirmed")


async def test_another_unit_cannot_answer_or_close(pool: Pool) -> None:
    other = UnitId("A-002")
    async with room(pool) as here:
        encounter_id = await opened_by_crew(here, pool)
        advice = await here.consult.advise(encounter_id, "x", valid_for_s=60, who=DOCTOR)
        confirmed = OrderAnswer(order_id=advice.advice_id, state="confirmed", by="Eve")
        here.says(Stream.ACK, confirmed, unit=other)
        here.says(Stream.CHART, EncounterClosed(encounter_id=encounter_id), unit=other)
        here.says(Stream.ACK, confirmed.model_copy(update={"state": "seen", "by": "Li Lei"}))
        await becomes(pool, advice.advice_id, "seen")
        assert await standing(pool) is not None


async def test_advice_needs_an_open_encounter(pool: Pool) -> None:
    async with room(pool) as here:
        with pytest.raises(NotFoundError):
            await here.consult.advise(new_id(), "x", valid_for_s=60, who=DOCTOR)
        encounter_id = await opened_by_crew(here, pool)
        here.says(Stream.CHART, EncounterClosed(encounter_id=encounter_id))

        async def is_closed() -> bool:
            return await standing(pool) is None

        await until(is_closed)
        with pytest.raises(ConflictError):
            await here.consult.advise(encounter_id, "x", valid_for_s=60, who=DOCTOR)
        assert await here.told() == []


async def test_a_restarted_hub_misses_nothing_and_acts_on_nothing_twice(pool: Pool) -> None:
    async with room(pool) as here:
        encounter_id = await opened_by_crew(here, pool)
        journal = here.journal
        advice = await here.consult.advise(encounter_id, "x", valid_for_s=60, who=DOCTOR)
    async with room(pool) as after:
        after.journal = journal
        await after.consult.restore()
        view = after.fleet.view(A1, now_utc_us=after.clock.utc_us())
        assert view is not None
        assert view.encounter_id == encounter_id
        after.says(Stream.ACK, OrderAnswer(order_id=advice.advice_id, state="seen"))
        await becomes(pool, advice.advice_id, "seen")
        assert await pool.fetchval("SELECT count(*) FROM encounter") == 1
        assert len(await after.told()) == 1
