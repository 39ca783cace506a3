"""The room in the vehicle: rings and words are records first, and outlast a restart."""

import uuid
from pathlib import Path

import pytest

from protocols.errors import ConflictError, NotFoundError
from protocols.link import Stream
from protocols.messages import (
    Called,
    DirectoryOrder,
    EncounterOpened,
    PersonEntry,
    Present,
    RingCancelled,
    RingRequest,
    RingSeen,
    RoomOrder,
    Said,
    SaidOrder,
    TeamEntry,
)
from tests.edge_agent.cab import ENCOUNTER, Cab, cab
from tests.fakes.clock import FakeClock


def new_id() -> str:
    return str(uuid.uuid4())


async def directory(vehicle: Cab) -> None:
    now_us = vehicle.clock.utc_us()
    await vehicle.ordered(
        DirectoryOrder(
            order_id=new_id(),
            teams=(
                TeamEntry(
                    team_id="chest", name="Chest pain", team_kind="chest_pain", organisation="H1"
                ),
            ),
            people=(PersonEntry(username="ann", name="Dr Ann", organisation="H1"),),
            given_utc_us=now_us,
            expires_utc_us=now_us + 10**12,
        )
    )
    await vehicle.until(lambda: vehicle.orders.room.directory is not None)


def told(vehicle: Cab, encounter_id: str, *ring_ids: str, also: tuple[str, ...] = ()) -> RoomOrder:
    now_us = vehicle.clock.utc_us()
    call = Called(name="Dr Ann", organisation="H1", step=0, state="ringing")
    return RoomOrder(
        order_id=new_id(),
        encounter_id=encounter_id,
        also_known_as=also,
        rings=tuple(
            RingSeen(ring_id=one, target="Chest pain", state="ringing", calls=(call,))
            for one in ring_ids
        ),
        people=(Present(name="Dr Ann", organisation="H1", role="doctor", joined_utc_us=now_us),),
        given_utc_us=now_us,
        expires_utc_us=now_us + 10**12,
    )


async def test_a_ring_opens_an_encounter_and_waits_until_the_hub_has_it(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        await directory(vehicle)
        desk = vehicle.orders.room
        ring_id = await desk.ring(by="Chen", team_id="chest", eta_s=600)
        chart = await vehicle.said(Stream.CHART)
        assert [type(one) for one in chart] == [EncounterOpened, RingRequest]
        assert [(one.ring_id, one.target) for one in desk.waiting] == [(ring_id, "Chest pain")]
        encounter_id = vehicle.run.state.encounter_id or ""
        await vehicle.ordered(told(vehicle, encounter_id, ring_id))
        await vehicle.until(lambda: desk.room is not None)
        assert desk.waiting == []
        assert desk.room is not None
        assert [one.name for one in desk.room.people] == ["Dr Ann"]


async def test_whom_the_directory_does_not_have_cannot_be_rung(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        with pytest.raises(NotFoundError):
            await vehicle.orders.room.ring(by="Chen", team_id="chest")
        await directory(vehicle)
        desk = vehicle.orders.room
        for asked in (
            desk.ring(by="Chen", team_id="x"),
            desk.ring(by="Chen", username="bob"),
            desk.ring(by="Chen", organisation="H9"),
        ):
            with pytest.raises(NotFoundError):
                await asked
        assert await vehicle.said(Stream.CHART) == []
        assert vehicle.run.state.encounter_id is None


async def test_rings_on_their_way_are_bounded_and_can_be_cancelled(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        await directory(vehicle)
        desk = vehicle.orders.room
        ids = [await desk.ring(by="Chen", username="ann") for _ in range(8)]
        with pytest.raises(ConflictError):
            await desk.ring(by="Chen", organisation="H1")
        await desk.cancel(ids[0], by="Chen")
        with pytest.raises(NotFoundError):
            await desk.cancel(ids[0], by="Chen")
        assert isinstance((await vehicle.said(Stream.CHART))[-1], RingCancelled)
        assert len(desk.waiting) == 7


async def test_words_of_both_sides_are_shown_in_their_order(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        desk = vehicle.orders.room
        with pytest.raises(ConflictError):
            await desk.say("hello", by="Chen")
        await vehicle.run.encounter()
        await desk.say("青霉素过敏", by="Chen")
        await vehicle.clock.advance(2)
        now_us = vehicle.clock.utc_us()
        for encounter_id in (vehicle.run.state.encounter_id or "", ENCOUNTER):
            await vehicle.ordered(
                SaidOrder(
                    order_id=new_id(), encounter_id=encounter_id, text="Understood", by="Dr Ann",
                    given_utc_us=now_us, expires_utc_us=now_us + 10**12,
                )
            )  # fmt: skip
        await vehicle.until(lambda: len(desk.lines) == 2)
        assert [(line.by, line.is_crew) for line in desk.lines] == [
            ("Chen", True), ("Dr Ann", False),
        ]  # fmt: skip
        assert [type(one) for one in await vehicle.said(Stream.CHART)][-1] is Said


async def test_a_room_under_the_doctor_s_name_for_the_encounter_is_the_crew_s_too(
    tmp_path: Path,
) -> None:
    async with cab(tmp_path) as vehicle:
        mine = await vehicle.run.encounter()
        await vehicle.ordered(told(vehicle, ENCOUNTER, also=(mine,)))
        await vehicle.until(lambda: vehicle.orders.room.room is not None)


async def test_after_a_restart_rings_words_and_directory_are_there(tmp_path: Path) -> None:
    clock = FakeClock()
    async with cab(tmp_path, clock) as vehicle:
        await directory(vehicle)
        ring_id = await vehicle.orders.room.ring(by="Chen", team_id="chest")
        await vehicle.orders.room.say("hello", by="Chen")
    async with cab(tmp_path, clock) as again:
        desk = again.orders.room
        assert desk.directory is not None
        assert [one.ring_id for one in desk.waiting] == [ring_id]
        assert [line.text for line in desk.lines] == ["hello"]


async def test_an_older_word_of_the_hub_does_not_set_the_room_back(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        encounter_id = await vehicle.run.encounter()
        old = told(vehicle, encounter_id)
        await vehicle.clock.advance(5)
        new = told(vehicle, encounter_id, new_id())
        for order in (new, old):
            await vehicle.ordered(order)
        await vehicle.until(lambda: vehicle.orders.room.room == new)
        await vehicle.clock.advance(2)
        assert vehicle.orders.room.room == new
