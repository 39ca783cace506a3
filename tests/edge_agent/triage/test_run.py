"""The run on the vehicle: each press durable and stamped, taken back in time, found again."""

from itertools import pairwise
from pathlib import Path

import pytest

from protocols.dispatch.unit_status import NEXT_EVENT, STAMPS, CrewEvent, UnitStatus
from protocols.errors import ConflictError
from protocols.link import Stream
from protocols.messages import (
    EncounterClosed,
    EncounterOpened,
    HandoverRequest,
    PatientNote,
    StatusChange,
    TimeNodeStamp,
)
from tests.edge_agent.cab import ENCOUNTER, Cab, cab
from tests.fakes.clock import FakeClock

WHOLE_RUN = (
    CrewEvent.ROLL, CrewEvent.ARRIVE, CrewEvent.CONTACT, CrewEvent.LOAD, CrewEvent.ARRIVE_HOSPITAL,
    CrewEvent.HAND_OVER, CrewEvent.CLEAR,
)  # fmt: skip


async def press(vehicle: Cab, *events: CrewEvent) -> None:
    for event in events:
        await vehicle.run.press(event)
        await vehicle.clock.advance(60)


async def test_the_big_button_leads_once_round_and_stamps_each_node(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        for event in WHOLE_RUN:
            assert NEXT_EVENT[vehicle.run.state.status] is event
            await press(vehicle, event)
        assert vehicle.run.state.status is UnitStatus.AVAILABLE
        said = await vehicle.said(Stream.STATUS)
    stamps = [message for message in said if isinstance(message, TimeNodeStamp)]
    assert [stamp.node for stamp in stamps] == [STAMPS[event] for event in WHOLE_RUN]
    assert len({stamp.run_id for stamp in stamps}) == 1
    times = [stamp.at_utc_us for stamp in stamps]
    assert [b - a for a, b in pairwise(times)] == [60_000_000] * 6


@pytest.mark.parametrize("status", UnitStatus)
async def test_a_move_that_the_status_does_not_have_is_refused_and_changes_nothing(
    tmp_path: Path, status: UnitStatus
) -> None:
    async with cab(tmp_path) as vehicle:
        for event in WHOLE_RUN:
            if vehicle.run.state.status is status:
                break
            await press(vehicle, event)
        before, said = vehicle.run.state, await vehicle.said(Stream.STATUS)
        wrong = CrewEvent.LOAD if status is not UnitStatus.WITH_PATIENT else CrewEvent.ROLL
        with pytest.raises(ConflictError) as refused:
            await vehicle.run.press(wrong)
        assert refused.value.facts["status"] == status.value
        assert (vehicle.run.state, await vehicle.said(Stream.STATUS)) == (before, said)


async def test_a_press_is_taken_back_within_ten_seconds_and_not_after(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        await vehicle.run.press(CrewEvent.ROLL)
        await vehicle.clock.advance(9)
        await vehicle.run.undo()
        assert vehicle.run.state.status is UnitStatus.AVAILABLE
        assert vehicle.run.nodes == []
        with pytest.raises(ConflictError):
            await vehicle.run.undo()
        await vehicle.run.press(CrewEvent.ROLL)
        await vehicle.clock.advance(11)
        with pytest.raises(ConflictError):
            await vehicle.run.undo()
        said = await vehicle.said(Stream.STATUS)
    assert [message.undone for message in said if isinstance(message, TimeNodeStamp)] == [
        False, True, False,
    ]  # fmt: skip


async def test_the_run_is_found_again_after_a_restart_in_its_middle(tmp_path: Path) -> None:
    clock = FakeClock()
    async with cab(tmp_path, clock) as vehicle:
        await press(vehicle, CrewEvent.ROLL, CrewEvent.ARRIVE, CrewEvent.CONTACT)
        before = vehicle.run
    async with cab(tmp_path, clock) as again:
        assert again.run.state.status is UnitStatus.WITH_PATIENT
        assert again.run.nodes == before.nodes
        assert again.run.state.encounter_id == before.state.encounter_id
        assert again.run.state.run_id == before.state.run_id
        stated = (await again.said(Stream.STATUS))[-1]
    assert isinstance(stated, StatusChange)
    assert (stated.event, stated.status) == (None, UnitStatus.WITH_PATIENT)


async def test_contact_opens_the_encounter_and_clearing_closes_it_once_it_stands(
    tmp_path: Path,
) -> None:
    async with cab(tmp_path) as vehicle:
        await press(vehicle, *WHOLE_RUN[:3])
        opened = vehicle.run.state.encounter_id
        await press(vehicle, *WHOLE_RUN[3:6])
        await vehicle.run.press(CrewEvent.CLEAR)
        assert vehicle.run.state.encounter_id == opened
        await vehicle.clock.advance(11)
        await vehicle.until(lambda: vehicle.run.state.encounter_id is None)
        chart = await vehicle.said(Stream.CHART)
    assert [type(message) for message in chart] == [EncounterOpened, EncounterClosed]
    assert isinstance(chart[1], EncounterClosed)
    assert chart[1].encounter_id == opened


async def test_a_contact_taken_back_leaves_no_open_encounter(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        await press(vehicle, *WHOLE_RUN[:2])
        await vehicle.run.press(CrewEvent.CONTACT)
        await vehicle.run.undo()
        assert vehicle.run.state.encounter_id is None
        assert vehicle.run.state.status is UnitStatus.ON_SCENE


async def test_without_a_patient_nothing_is_noted_and_nobody_handed_over(tmp_path: Path) -> None:
    note = PatientNote(encounter_id=ENCOUNTER, by="Chen", age_years=61)
    async with cab(tmp_path) as vehicle:
        with pytest.raises(ConflictError):
            await vehicle.run.note_patient(note)
        with pytest.raises(ConflictError):
            await vehicle.run.hand_over("first", by="Chen")
        await press(vehicle, *WHOLE_RUN[:3])
        await vehicle.run.note_patient(note)
        handover = await vehicle.run.hand_over("first", by="Chen")
        chart = await vehicle.said(Stream.CHART)
        encounter = vehicle.run.state.encounter_id
    assert isinstance(chart[1], PatientNote)
    assert chart[1].encounter_id == encounter
    assert isinstance(chart[2], HandoverRequest)
    assert (chart[2].handover_id, chart[2].encounter_id) == (handover, encounter)
