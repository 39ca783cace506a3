"""Orders on the vehicle: answered once, never carried out late, known after a restart."""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from edge_agent.journal import Salvage
from edge_agent.journal.schema import files_set_aside
from protocols.consult import AdviceEvent as E
from protocols.errors import ConflictError, NotFoundError
from protocols.jpeg import read_jpeg
from protocols.link import Stream
from protocols.messages import (
    EncounterOrder,
    HospitalEntry,
    HospitalsOrder,
    OrderAnswer,
    Picture,
)
from tests.drawing import drawn
from tests.edge_agent.cab import ENCOUNTER, Cab, cab
from tests.fakes.clock import FakeClock

ID = "1f0e2d3c-4b5a-4978-8695-a4b3c2d1e0f0"


async def answers(vehicle: Cab) -> list[str]:
    said = await vehicle.said(Stream.ACK)
    return [answer.state for answer in said if isinstance(answer, OrderAnswer)]


async def test_advice_is_delivered_seen_and_confirmed_each_once(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        advice = vehicle.advice()
        await vehicle.ordered(advice)
        await vehicle.until(lambda: bool(vehicle.orders.advice.shown))
        for event in (E.SEE, E.SEE, E.CONFIRM, E.CONFIRM, E.SEE):
            await vehicle.orders.advice.answer(advice.order_id, event, by="Chen")
        assert await answers(vehicle) == ["delivered", "seen", "confirmed"]
        with pytest.raises(ConflictError):
            await vehicle.orders.advice.answer(advice.order_id, E.DECLINE, by="Chen", reason="no")
        [shown] = vehicle.orders.advice.shown
    assert (shown.state, shown.answered_by) == ("confirmed", "Chen")
    assert [step.said for step in shown.steps] == ["delivered", "seen", "confirmed"]


async def test_advice_that_has_expired_is_never_confirmed_and_is_reported(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        advice = vehicle.advice(valid_s=60)
        await vehicle.ordered(advice)
        await vehicle.until(lambda: bool(vehicle.orders.advice.shown))
        await vehicle.clock.advance(61)
        with pytest.raises(ConflictError) as refused:
            await vehicle.orders.advice.answer(advice.order_id, E.CONFIRM, by="Chen")
        assert refused.value.facts["state"] == "expired"
        await vehicle.until(lambda: vehicle.orders.advice.shown[0].state == "expired")
        assert await answers(vehicle) == ["delivered", "expired"]


async def test_advice_that_expired_on_the_way_is_reported_as_expired(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        advice = vehicle.advice(valid_s=60)
        await vehicle.clock.advance(86_400)
        await vehicle.ordered(advice)
        await vehicle.until(
            lambda: (
                bool(vehicle.orders.advice.shown)
                and vehicle.orders.advice.shown[0].state == "expired"
            )
        )
        assert (await answers(vehicle))[-1] == "expired"


async def test_an_unknown_advice_is_no_advice(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        with pytest.raises(NotFoundError):
            await vehicle.orders.advice.answer("x" * 500, E.CONFIRM, by="Chen")


async def test_after_a_restart_an_answer_stands_and_is_not_said_again(tmp_path: Path) -> None:
    clock = FakeClock()
    async with cab(tmp_path, clock) as vehicle:
        advice = vehicle.advice()
        await vehicle.ordered(advice)
        await vehicle.until(lambda: bool(vehicle.orders.advice.shown))
        await vehicle.orders.advice.answer(advice.order_id, E.DECLINE, by="Chen", reason="allergy")
    async with cab(tmp_path, clock) as again:
        [shown] = again.orders.advice.shown
        assert (shown.state, shown.reason) == ("declined", "allergy")
        assert await answers(again) == ["delivered", "declined"]


async def test_a_journal_cut_off_takes_no_answer_away(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        advice = vehicle.advice()
        await vehicle.ordered(advice)
        await vehicle.until(lambda: bool(vehicle.orders.advice.shown))
        await vehicle.orders.advice.answer(advice.order_id, E.CONFIRM, by="Chen")
    journal = vehicle.journal.path
    os.truncate(journal, journal.stat().st_size // 2)
    async with cab(tmp_path) as vehicle:
        assert files_set_aside(journal)
        assert vehicle.orders.advice.shown[0].state == "confirmed"
        assert await answers(vehicle) == []
        await Salvage(vehicle.journal, vehicle.clock).run()
        assert await answers(vehicle) == ["delivered", "confirmed"]


async def test_an_encounter_opened_by_a_doctor_is_joined_unless_it_is_too_late(
    tmp_path: Path,
) -> None:
    async with cab(tmp_path) as vehicle:
        now_us = vehicle.clock.utc_us()
        late = EncounterOrder(
            order_id=ENCOUNTER, encounter_id=ID, opened_by="Dr Li",
            given_utc_us=now_us - 10, expires_utc_us=now_us - 1,
        )  # fmt: skip
        await vehicle.ordered(late)
        await vehicle.ordered(
            late.model_copy(
                update={
                    "order_id": ID,
                    "encounter_id": ENCOUNTER,
                    "expires_utc_us": now_us + 60_000_000,
                }
            )
        )
        await vehicle.until(lambda: vehicle.run.state.encounter_id is not None)
        assert vehicle.run.state.encounter_id == ENCOUNTER


async def test_the_list_of_hospitals_is_kept_for_when_the_hub_is_away(tmp_path: Path) -> None:
    clock = FakeClock()
    order = HospitalsOrder(
        order_id=ID,
        hospitals=(HospitalEntry(hospital_id="first", name="First Hospital"),),
        given_utc_us=clock.utc_us(),
        expires_utc_us=clock.utc_us() + 60_000_000,
    )
    async with cab(tmp_path, clock) as vehicle:
        await vehicle.ordered(order)
        await vehicle.until(lambda: bool(vehicle.orders.hospitals))
    async with cab(tmp_path, clock) as again:
        assert [one.hospital_id for one in again.orders.hospitals] == ["first"]


async def test_a_clock_that_is_set_back_takes_no_answer_away(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        advice = vehicle.advice()
        await vehicle.ordered(advice)
        await vehicle.until(lambda: bool(vehicle.orders.advice.shown))
        await vehicle.orders.advice.answer(advice.order_id, E.SEE, by="Chen")
        vehicle.clock.jump_utc(-3_600_000_000)
        for _ in range(2):
            await vehicle.orders.advice.answer(advice.order_id, E.CONFIRM, by="Chen")
        assert [one.state for one in vehicle.orders.advice.shown] == ["confirmed"]
        assert await answers(vehicle) == ["delivered", "seen", "confirmed"]


async def test_a_clock_that_ran_two_days_ahead_has_nothing_delivered_twice(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        first = vehicle.advice()
        await vehicle.ordered(first)
        await vehicle.until(lambda: bool(vehicle.orders.advice.shown))
        vehicle.clock.jump_utc(2 * 86_400_000_000)
        await vehicle.ordered(vehicle.advice("Second"))
        await vehicle.until(lambda: len(vehicle.orders.advice.shown) == 2)
        vehicle.clock.jump_utc(-2 * 86_400_000_000)
        await vehicle.ordered(vehicle.advice("Third"))
        await vehicle.until(lambda: len(vehicle.orders.advice.shown) == 3)
        assert (await answers(vehicle)).count("delivered") == 3


async def test_a_picture_is_confirmed_once_it_is_there_to_be_seen(tmp_path: Path) -> None:
    jpeg = read_jpeg(drawn()).data
    named = Picture(
        sha256=hashlib.sha256(jpeg).hexdigest(), size_bytes=len(jpeg), width_px=320,
        height_px=180, captured_utc_us=1, source="cabin",
    )  # fmt: skip

    async def fetch(_order_id: str, offset: int) -> bytes:
        return jpeg[offset : offset + 1000]

    async with cab(tmp_path) as vehicle:
        desk = vehicle.orders.advice
        order = vehicle.advice("Look here").model_copy(update={"picture": named})
        await vehicle.ordered(order)
        await vehicle.until(lambda: bool(desk.shown))
        for event in (E.SEE, E.CONFIRM):
            with pytest.raises(ConflictError):
                await desk.answer(order.order_id, event, by="Chen")
        fetching = asyncio.create_task(vehicle.pictures.run(fetch, desk.fetched))
        await vehicle.until(lambda: vehicle.pictures.standing(order.order_id) == "here")
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)
        await desk.fetched(order.order_id)  # a restart tells it again
        await desk.answer(order.order_id, E.CONFIRM, by="Chen")
        assert await answers(vehicle) == ["delivered", "fetched", "confirmed"]
        assert desk.pictures.jpeg(order.order_id) == jpeg
        desk.forget(order.order_id)
        assert not list((tmp_path / "pictures").iterdir())
