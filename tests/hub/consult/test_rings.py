"""Rings over a real database: whom they reach, when the next is rung, what a restart leaves."""

import dataclasses

import pytest

from hub.access.rights import Principal, Role
from hub.consult import Consult
from hub.consult.record import record_of
from hub.store import Pool, accounts, rings, teams
from hub.store.teams import Team
from protocols.errors import ConflictError, NotFoundError
from protocols.ids import EncounterId
from protocols.live import Watch
from protocols.messages import (
    DirectoryOrder,
    EncounterClosed,
    EncounterOpened,
    PatientNote,
    RingCancelled,
    RingRequest,
    RoomOrder,
)
from tests.hub.consult.clinic import A1, DOCTOR, Clinic, new_id
from tests.hub.vehicle import NOON_US, presence

STEP_S = 30


async def people(clinic: Clinic, *usernames: str, organisation: str = "First Hospital") -> None:
    for name in usernames:
        account = accounts.Account(
            username=name, display_name=f"Dr {name}", role=Role.DOCTOR,
            organisation=organisation, password_argon2="-",  # noqa: S106 -- nobody signs in
        )  # fmt: skip
        await accounts.add(clinic.pool, account, replace=True, now_utc_us=NOON_US)


async def team(clinic: Clinic, *steps: str) -> None:
    await people(clinic, *(name for step in steps for name in step.split()))
    await teams.put(
        clinic.pool,
        Team(
            team_id="chest", name="Chest pain", kind="chest_pain", organisation="First Hospital",
            steps=tuple(tuple(step.split()) for step in steps),
        ),
    )  # fmt: skip


def ring(encounter_id: str, **target: str) -> RingRequest:
    return RingRequest.model_validate(
        {"ring_id": new_id(), "encounter_id": encounter_id, "by": "Li Lei"}
        | (target or {"team_id": "chest"})
    )


async def rung(clinic: Clinic, *steps: str) -> RingRequest:
    """An encounter whose crew has rung a team of these steps."""
    await team(clinic, *steps)
    opened = EncounterOpened(encounter_id=new_id())
    await clinic.hear(opened)
    request = ring(opened.encounter_id)
    await clinic.hear(request)
    return request


async def calls(pool: Pool, ring_id: str) -> dict[str, str]:
    found = await rings.find(pool, ring_id)
    return {call.username: call.state.value for call in found.ringing.calls}


def named(username: str) -> Principal:
    return dataclasses.replace(DOCTOR, username=username, display_name=f"Dr {username}")


async def test_a_ring_escalates_step_by_step_and_the_crew_is_told_of_each(clinic: Clinic) -> None:
    request = await rung(clinic, "ann bo", "cy")
    assert await calls(clinic.pool, request.ring_id) == {
        "ann": "ringing", "bo": "ringing", "cy": "waiting",
    }  # fmt: skip
    await clinic.clock.advance(STEP_S)
    await clinic.consult.turn()
    assert (await calls(clinic.pool, request.ring_id))["cy"] == "ringing"
    await clinic.clock.advance(STEP_S)
    await clinic.consult.turn()
    await clinic.consult.turn()
    told = [one for one in await clinic.ordered() if isinstance(one, RoomOrder)]
    assert [one.rings[0].state for one in told][-1] == "unanswered"
    assert {call.name: call.state for call in told[-1].rings[0].calls} == {
        "Dr ann": "timed_out", "Dr bo": "timed_out", "Dr cy": "timed_out",
    }  # fmt: skip
    kinds = [one.kind for one in await record_of(clinic.pool, EncounterId(told[-1].encounter_id))]
    assert kinds == [
        "ring", "rung", "rung", "timed_out", "timed_out", "rung", "timed_out", "ring_unanswered",
    ]  # fmt: skip


async def test_a_hub_that_starts_again_goes_on_with_the_ring(clinic: Clinic) -> None:
    request = await rung(clinic, "ann", "bo")
    await clinic.clock.advance(STEP_S + 300)  # it was down for five minutes
    again = Consult(
        clinic.pool, clinic.clock, orders=clinic.orders, feed=clinic.feed, fleet=clinic.fleet
    )
    await again.restore()
    await again.turn()
    assert await calls(clinic.pool, request.ring_id) == {"ann": "timed_out", "bo": "ringing"}


async def test_who_comes_into_the_room_has_answered_and_others_are_let_go(clinic: Clinic) -> None:
    request = await rung(clinic, "ann bo", "cy")
    viewer = clinic.feed.join(named("ann"))
    viewer.follow(Watch(units=[A1]))
    await clinic.consult.rooms.enter(viewer, request.encounter_id)
    assert await calls(clinic.pool, request.ring_id) == {
        "ann": "answered", "bo": "not_needed", "cy": "not_needed",
    }  # fmt: skip
    assert await clinic.consult.rings.of(named("bo")) == []


async def test_a_doctor_is_shown_the_one_line_that_matters(clinic: Clinic) -> None:
    request = await rung(clinic, "ann")
    note = PatientNote(
        encounter_id=request.encounter_id, sex="female", age_years=62, complaint="胸痛", by="Li"
    )
    await clinic.hear(note, at_s=1)
    [line] = await clinic.consult.rings.of(named("ann"))
    assert (line.call_sign, line.complaint, line.sex, line.age_years) == (
        "Yuexiu 1", "胸痛", "female", 62,
    )  # fmt: skip
    assert (line.target, line.call, line.asked_utc_us) == ("Chest pain", "ringing", NOON_US)
    assert await clinic.consult.rings.of(named("stranger")) == []


async def test_declining_rings_the_next_at_once_and_a_stranger_cannot(clinic: Clinic) -> None:
    request = await rung(clinic, "ann", "bo")
    with pytest.raises(NotFoundError):
        await clinic.consult.rings.decline(request.ring_id, named("stranger"))
    await clinic.consult.rings.decline(request.ring_id, named("ann"))
    assert await calls(clinic.pool, request.ring_id) == {"ann": "declined", "bo": "ringing"}
    with pytest.raises(ConflictError):
        await clinic.consult.rings.decline(request.ring_id, named("ann"))


async def test_the_same_request_twice_rings_once_and_cancelling_ends_it(clinic: Clinic) -> None:
    request = await rung(clinic, "ann")
    await clinic.hear(request)
    assert len(await clinic.consult.rings.of(named("ann"))) == 1
    await clinic.hear(RingCancelled(ring_id=request.ring_id, by="Li Lei"))
    assert await calls(clinic.pool, request.ring_id) == {"ann": "not_needed"}
    found = await rings.find(clinic.pool, request.ring_id)
    assert found.ringing.state == "cancelled"


async def test_a_ring_that_an_outage_held_up_too_long_rings_nobody_and_says_so(
    clinic: Clinic,
) -> None:
    await team(clinic, "ann")
    opened = EncounterOpened(encounter_id=new_id())
    await clinic.clock.advance(700)
    await clinic.hear(opened)
    request = ring(opened.encounter_id)
    await clinic.hear(request)  # captured at noon, 700 s ago
    assert await clinic.consult.rings.of(named("ann")) == []
    await clinic.consult.turn()
    told = [one for one in await clinic.ordered() if isinstance(one, RoomOrder)]
    assert told[-1].rings[0].state == "expired"


async def test_the_end_of_the_encounter_ends_its_rings(clinic: Clinic) -> None:
    request = await rung(clinic, "ann")
    await clinic.hear(EncounterClosed(encounter_id=request.encounter_id), at_s=5)
    assert await calls(clinic.pool, request.ring_id) == {"ann": "not_needed"}


async def test_a_person_a_hospital_and_a_team_that_is_gone(clinic: Clinic) -> None:
    await people(clinic, "ann", "bo")
    await people(clinic, "dee", organisation="Second Hospital")
    opened = EncounterOpened(encounter_id=new_id())
    await clinic.hear(opened)
    for target, reached in (
        ({"username": "bo"}, {"bo"}),
        ({"organisation": "First Hospital"}, {"ann", "bo"}),
        ({"team_id": "no-such-team"}, set()),
        ({"username": "nobody"}, set()),
    ):
        request = ring(opened.encounter_id, **target)
        await clinic.hear(request)
        assert set(await calls(clinic.pool, request.ring_id)) == reached


async def test_a_crew_gone_wild_is_bounded(clinic: Clinic) -> None:
    request = await rung(clinic, "ann")
    for _ in range(40):
        await clinic.say(ring(request.encounter_id))
    await clinic.hear(ring(request.encounter_id))
    assert await clinic.pool.fetchval("SELECT count(*) FROM ring") == 30


async def test_a_vehicle_is_told_whom_it_may_ring_once_and_again_after_a_change(
    clinic: Clinic,
) -> None:
    await team(clinic, "ann", "bo")
    directory = clinic.consult.directory
    for _ in range(2):
        directory.heard_presence(A1, presence(clinic.journal))
        await clinic.consult.turn()
    [told] = [one for one in await clinic.ordered() if isinstance(one, DirectoryOrder)]
    assert [one.team_id for one in told.teams] == ["chest"]
    assert {one.username for one in told.people} == {"ann", "bo"}
    await teams.remove(clinic.pool, "chest")
    await clinic.clock.advance(31)
    await clinic.consult.turn()
    told = [one for one in await clinic.ordered() if isinstance(one, DirectoryOrder)][-1]
    assert told.teams == ()


async def test_a_team_takes_doctors_alone(clinic: Clinic) -> None:
    await team(clinic, "ann")
    with pytest.raises(NotFoundError):
        await teams.put(
            clinic.pool,
            Team(
                team_id="chest", name="x", kind="other", organisation="y",
                steps=(("ann", "nobody"),),
            ),
        )  # fmt: skip
    [kept] = await teams.listed(clinic.pool)
    assert (kept.name, kept.steps) == ("Chest pain", (("ann",),))
