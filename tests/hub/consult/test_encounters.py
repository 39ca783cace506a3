"""Encounters: one open a unit, whoever opens it, in whatever order the records arrive."""

import asyncio
import itertools
from collections.abc import Sequence

import pytest

from hub.consult.patient import newest_patient, nodes_of
from hub.store import Pool, encounters
from hub.store.encounters import Encounter
from protocols.errors import NotFoundError
from protocols.ids import UnitId
from protocols.link import Stream
from protocols.messages import (
    EncounterClosed,
    EncounterOpened,
    EncounterOrder,
    HandoverRequest,
    Message,
    PatientNote,
    TimeNodeStamp,
)
from tests.hub.consult.clinic import A1, A2, DOCTOR, SECOND_US, Clinic, cancelled, new_id
from tests.hub.vehicle import NOON_US

Y, Z = new_id(), new_id()


def opens(encounter_id: str) -> EncounterOpened:
    return EncounterOpened(encounter_id=encounter_id, run_id="run-1")


def closes(encounter_id: str) -> EncounterClosed:
    return EncounterClosed(encounter_id=encounter_id)


def asks(encounter_id: str, handover_id: str) -> HandoverRequest:
    return HandoverRequest(
        handover_id=handover_id,
        encounter_id=encounter_id,
        hospital_id="first",
        signed_by="Chen",
        at_utc_us=NOON_US,
    )


async def everything(clinic: Clinic) -> dict[str, tuple[str, int, int | None]]:
    """Each encounter: who opened it, and when it opened and closed, seconds after noon."""
    found = await encounters.listed(clinic.pool, state="all", unit=None)
    return {one.encounter_id: (one.opened_by, _s(one.opened_utc_us), _end(one)) for one in found}


def _s(utc_us: int) -> int:
    return (utc_us - NOON_US) // SECOND_US


def _end(one: Encounter) -> int | None:
    return None if one.closed_utc_us is None else _s(one.closed_utc_us)


async def test_the_crew_opens_and_closes_an_encounter_and_screens_are_told(clinic: Clinic) -> None:
    await clinic.hear(opens(Y), at_s=1)
    view = clinic.fleet.view(A1, now_utc_us=NOON_US)
    assert view is not None
    assert view.encounter_id == Y
    await clinic.hear(closes(Y), at_s=61)
    assert await everything(clinic) == {Y: ("unit:A-001", 1, 61)}
    view = clinic.fleet.view(A1, now_utc_us=NOON_US)
    assert view is not None
    assert view.encounter_id is None
    await clinic.until(lambda: len(clinic.seen("encounter")) == 2)
    assert [event["state"] for event in clinic.seen("encounter")] == ["open", "closed"]


async def test_a_doctor_opens_one_and_the_vehicle_is_asked_to_join(clinic: Clinic) -> None:
    encounter, is_new = await clinic.consult.open(A1, DOCTOR)
    again, is_new_again = await clinic.consult.open(A1, DOCTOR)
    assert (is_new, is_new_again, again) == (True, False, encounter)
    (order,) = await clinic.ordered()
    assert isinstance(order, EncounterOrder)
    assert (order.encounter_id, order.opened_by) == (encounter.encounter_id, DOCTOR.display_name)
    assert await clinic.ordered(A2) == []


async def test_two_doctors_at_the_same_moment_share_one(clinic: Clinic) -> None:
    both = await asyncio.gather(*(clinic.consult.open(A1, DOCTOR) for _ in range(6)))
    assert len({encounter.encounter_id for encounter, _ in both}) == 1
    assert sum(is_new for _, is_new in both) == 1
    assert len(await clinic.ordered()) == 1


async def test_a_unit_that_is_not_enrolled_has_no_encounter(clinic: Clinic) -> None:
    with pytest.raises(NotFoundError):
        await clinic.consult.open(UnitId("A-999"), DOCTOR)


async def test_crew_and_doctor_both_open_and_it_is_one_patient_since_the_earlier(
    clinic: Clinic,
) -> None:
    await clinic.clock.advance(30)
    encounter, _ = await clinic.consult.open(A1, DOCTOR)
    await clinic.hear(opens(Y), at_s=10)
    found = await encounters.find(clinic.pool, Y)
    assert found.encounter_id == encounter.encounter_id
    assert (_s(found.opened_utc_us), _s(found.since_utc_us)) == (30, 10)
    await clinic.hear(closes(Y), at_s=90)
    assert await everything(clinic) == {encounter.encounter_id: (DOCTOR.display_name, 30, 90)}


async def test_a_patient_that_was_gone_before_the_doctor_opened_is_another(clinic: Clinic) -> None:
    """The vehicle was in a tunnel: opened and closed before the doctor clicked."""
    await clinic.clock.advance(300)
    encounter, _ = await clinic.consult.open(A1, DOCTOR)
    handover_id = new_id()
    await clinic.hear(opens(Y), at_s=10)
    await clinic.hear(asks(Y, handover_id), at_s=80)
    await clinic.hear(closes(Y), at_s=90)
    assert await everything(clinic) == {
        encounter.encounter_id: (DOCTOR.display_name, 300, None),
        Y: ("unit:A-001", 10, 90),
    }
    assert str(await clinic.pool.fetchval("SELECT encounter_id FROM handoff")) == Y


ORDERS: Sequence[tuple[int, Message]] = [
    (10, opens(Y)),
    (60, closes(Y)),
    (70, opens(Z)),
    (130, closes(Z)),
]


async def test_two_patients_are_two_whatever_arrives_first(clinic: Clinic) -> None:
    for order in itertools.permutations(ORDERS):
        for at_s, message in order:
            await clinic.hear(message, at_s=at_s)
        two = {Y: ("unit:A-001", 10, 60), Z: ("unit:A-001", 70, 130)}
        assert await everything(clinic) == two, order
        await clinic.pool.execute("TRUNCATE encounter CASCADE")


async def test_a_doctor_s_encounter_takes_one_patient_whatever_arrives_first(
    clinic: Clinic,
) -> None:
    """A doctor opened at 30 what the crew opened at 10; the next patient came at 70."""
    await clinic.clock.advance(30)
    for order in itertools.permutations(ORDERS[:3]):
        encounter, _ = await clinic.consult.open(A1, DOCTOR)
        for at_s, message in order:
            await clinic.hear(message, at_s=at_s)
        found = await everything(clinic)
        assert found.pop(Z) == ("unit:A-001", 70, None), order
        assert found == {encounter.encounter_id: (DOCTOR.display_name, 30, 60)}, order
        await clinic.pool.execute("TRUNCATE encounter CASCADE")


async def test_the_next_patient_ends_the_one_before_whose_close_was_lost(clinic: Clinic) -> None:
    await clinic.hear(opens(Y), at_s=10)
    await clinic.hear(opens(Z), at_s=70)
    assert await everything(clinic) == {Y: ("unit:A-001", 10, 70), Z: ("unit:A-001", 70, None)}


async def test_records_taken_in_twice_change_nothing(clinic: Clinic) -> None:
    handover_id = new_id()
    for message in (opens(Y), asks(Y, handover_id), closes(Y)):
        await clinic.hear(message, at_s=5)
    before = await everything(clinic), len(await clinic.ordered())
    await clinic.pool.execute("DELETE FROM follower")
    await clinic.consult.turn()
    assert (await everything(clinic), len(await clinic.ordered())) == before
    assert await clinic.pool.fetchval("SELECT count(*) FROM handoff") == 1


async def test_a_restarted_hub_acts_on_what_came_meanwhile_and_shows_what_is_open(
    clinic: Clinic, pool: Pool
) -> None:
    await clinic.hear(opens(Y), at_s=1, unit=A2)
    await clinic.say(opens(Z), at_s=2)
    after = Clinic(pool, clinic.clock)
    after.fleet.enrolled([])
    await after.consult.restore()
    await after.consult.turn()
    assert (await everything(after)).keys() == {Y, Z}


async def test_the_mark_and_what_was_done_are_committed_together(clinic: Clinic) -> None:
    """The database refuses the mark: nothing was done, and everything is done the next time."""
    await clinic.pool.execute("ALTER TABLE follower ADD CONSTRAINT never CHECK (name <> 'consult')")
    await clinic.say(opens(Y))
    with pytest.raises(Exception, match="never"):
        await clinic.consult.turn()
    assert await everything(clinic) == {}
    await clinic.pool.execute("ALTER TABLE follower DROP CONSTRAINT never")
    await clinic.consult.turn()
    assert Y in await everything(clinic)


async def test_a_record_that_the_database_cannot_hold_stops_no_other_unit(clinic: Clinic) -> None:
    """PostgreSQL's text holds no NUL; a vehicle may say anything."""
    bad = HandoverRequest(
        handover_id=new_id(),
        encounter_id=Y,
        hospital_id="first",
        signed_by="a\x00b",
        at_utc_us=NOON_US,
    )
    await clinic.say(bad)
    await clinic.say(b"\xa1dkindhhandover", stream=Stream.CHART)
    await clinic.say(opens(Z), unit=A2)
    await clinic.say(opens(Z), unit=UnitId("A-999"))
    await clinic.consult.turn()
    assert (await everything(clinic)).keys() == {Z}


async def test_a_unit_closes_and_hands_over_its_own_patients_only(clinic: Clinic) -> None:
    await clinic.hear(opens(Y), at_s=1)
    await clinic.hear(closes(Y), at_s=2, unit=A2)
    await clinic.hear(asks(Y, new_id()), at_s=3, unit=A2)
    assert await everything(clinic) == {Y: ("unit:A-001", 1, None)}
    assert await clinic.pool.fetchval("SELECT count(*) FROM handoff") == 0


async def test_a_hand_over_counts_though_its_encounter_was_never_heard_to_open(
    clinic: Clinic,
) -> None:
    await clinic.hear(asks(Y, new_id()), at_s=50)
    assert await clinic.pool.fetchval("SELECT count(*) FROM handoff") == 1
    await clinic.hear(opens(Y), at_s=10)
    assert await everything(clinic) == {Y: ("unit:A-001", 10, None)}


async def test_with_a_clock_known_to_be_wrong_the_hub_s_time_counts(clinic: Clinic) -> None:
    await clinic.hear(opens(Z), at_s=-600)
    await clinic.say(opens(Y), at_s=-1_000_000, clock="unset")
    await clinic.consult.turn()
    assert await everything(clinic) == {
        Z: ("unit:A-001", -600, 0),
        Y: ("unit:A-001", 0, None),
    }


async def test_the_service_follows_by_itself_when_the_ingest_has_committed(clinic: Clinic) -> None:
    task = asyncio.create_task(clinic.consult.run())
    await clinic.say(opens(Y))
    await clinic.until(lambda: bool(clinic.seen("encounter")))
    await cancelled(task)


async def test_the_newest_note_of_this_patient_counts_and_no_other_patient_s(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.store.records._PAGE_RECORDS", 2)  # and what stands beyond a page
    await clinic.hear(opens(Y), at_s=10)
    for name, about, at_s in (("Wang", Y, 20), ("Li", Z, 30), ("Wong", Y, 25)):
        note = PatientNote(encounter_id=about, family_name=name, by="Chen")
        await clinic.hear(note, at_s=at_s)
    note_ = await newest_patient(clinic.pool, await encounters.find(clinic.pool, Y))
    assert note_ is not None
    assert note_.family_name == "Wong"


async def test_time_nodes_of_the_run_without_those_taken_back(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.store.records._PAGE_RECORDS", 2)
    await clinic.hear(opens(Y), at_s=100)
    for node, run_id, at_s, undone in (
        ("rolling", "run-0", -900, False),
        ("rolling", "run-1", -300, False),
        ("on_scene", "run-1", 50, False),
        ("first_medical_contact", "run-1", 100, False),
        ("first_medical_contact", "run-1", 105, True),
    ):
        stamp = TimeNodeStamp.model_validate(
            {
                "node": node,
                "source": "button",
                "run_id": run_id,
                "at_utc_us": NOON_US + at_s * SECOND_US,
                "undone": undone,
            }
        )
        await clinic.say(stamp, at_s=at_s)
    nodes = await nodes_of(clinic.pool, await encounters.find(clinic.pool, Y))
    assert [node.node.value for node in nodes] == ["rolling", "on_scene"]
