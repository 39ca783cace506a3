"""Rooms over a real database: who is there, what is said, and that all of it is on record."""

import dataclasses

import pytest

from hub.access.rights import Principal
from hub.api.feed import Viewer
from hub.consult import Consult
from hub.consult.record import Entry, record_of
from hub.store import rooms as store
from protocols.consult.seats import GRACE_US, Left
from protocols.errors import AccessError, ConflictError, NotFoundError
from protocols.ids import EncounterId
from protocols.messages import (
    EncounterClosed,
    EncounterOpened,
    OrderAnswer,
    RoomOrder,
    Said,
    SaidOrder,
)
from tests.hub.consult.clinic import A1, DOCTOR, Clinic, new_id

ANN = dataclasses.replace(DOCTOR, username="ann", display_name="Dr Ann")


async def opened(clinic: Clinic) -> EncounterId:
    message = EncounterOpened(encounter_id=new_id())
    await clinic.hear(message)
    return EncounterId(message.encounter_id)


async def came(clinic: Clinic, encounter_id: str, who: Principal = ANN) -> Viewer:
    viewer = clinic.feed.join(who)
    await clinic.consult.rooms.enter(viewer, encounter_id)
    return viewer


async def kinds(clinic: Clinic, encounter_id: EncounterId) -> list[str]:
    return [one.kind for one in await record_of(clinic.pool, encounter_id)]


async def last(clinic: Clinic, encounter_id: EncounterId) -> Entry:
    return (await record_of(clinic.pool, encounter_id))[-1]


async def there(clinic: Clinic, encounter_id: EncounterId) -> list[str]:
    view = await clinic.consult.rooms.view(encounter_id, A1)
    return [seat.name for seat in view.people]


async def test_who_comes_and_goes_is_seen_by_all_and_told_to_the_vehicle(clinic: Clinic) -> None:
    encounter_id = await opened(clinic)
    viewer = await came(clinic, encounter_id)
    assert await there(clinic, encounter_id) == ["Dr Ann"]
    await clinic.consult.turn()
    told = [one for one in await clinic.ordered() if isinstance(one, RoomOrder)]
    assert [person.name for person in told[-1].people] == ["Dr Ann"]
    await clinic.consult.rooms.leave(viewer)
    await clinic.consult.turn()
    told = [one for one in await clinic.ordered() if isinstance(one, RoomOrder)]
    assert told[-1].people == ()
    gone = await last(clinic, encounter_id)
    assert (gone.kind, gone.by, gone.facts) == ("left", "Dr Ann", {"why": "closed"})
    await clinic.until(lambda: [e["people"] for e in clinic.seen("room")][-1:] == [[]])


@pytest.mark.parametrize(("going", "why"), [(Left.LOST, "lost"), (Left.CLOSED, "closed")])
async def test_a_connection_that_ended_keeps_its_seat_for_a_while(
    clinic: Clinic, going: Left, why: str
) -> None:
    encounter_id = await opened(clinic)
    viewer = await came(clinic, encounter_id)
    await clinic.consult.rooms.screen_gone(viewer, going=going)
    await clinic.consult.turn()
    assert await there(clinic, encounter_id) == ["Dr Ann"]
    await came(clinic, encounter_id)  # the page was loaded again
    await clinic.clock.advance(GRACE_US / 1e6 + 1)
    await clinic.consult.turn()
    assert await kinds(clinic, encounter_id) == ["joined"]
    viewer = await came(clinic, encounter_id)
    await clinic.consult.rooms.screen_gone(viewer, going=going)
    await clinic.clock.advance(GRACE_US / 1e6 + 1)
    await clinic.consult.turn()
    assert (await last(clinic, encounter_id)).facts == {"why": why}


async def test_a_newer_screen_takes_the_seat_over(clinic: Clinic) -> None:
    encounter_id = await opened(clinic)
    first = await came(clinic, encounter_id)
    await came(clinic, encounter_id)
    await clinic.consult.rooms.leave(first)  # the older screen goes; the person stays
    assert await there(clinic, encounter_id) == ["Dr Ann"]
    assert await kinds(clinic, encounter_id) == ["joined", "replaced"]


async def test_after_a_hub_s_restart_who_does_not_come_back_has_left(clinic: Clinic) -> None:
    encounter_id = await opened(clinic)
    await came(clinic, encounter_id)
    await came(clinic, encounter_id, DOCTOR)
    again = Consult(
        clinic.pool, clinic.clock, orders=clinic.orders, feed=clinic.feed, fleet=clinic.fleet
    )
    await again.restore()
    await again.rooms.enter(clinic.feed.join(ANN), encounter_id)
    await clinic.clock.advance(GRACE_US / 1e6 + 1)
    await again.turn()
    view = await again.rooms.view(encounter_id, A1)
    assert [seat.name for seat in view.people] == ["Dr Ann"]
    assert (await last(clinic, encounter_id)).facts == {"why": "lost"}
    assert [seat.name for _, seat in await store.held(clinic.pool)] == ["Dr Ann"]


async def test_the_end_of_the_encounter_empties_the_room_and_shuts_it(clinic: Clinic) -> None:
    encounter_id = await opened(clinic)
    await came(clinic, encounter_id)
    await clinic.hear(EncounterClosed(encounter_id=encounter_id), at_s=5)
    assert (await last(clinic, encounter_id)).facts == {"why": "ended"}
    with pytest.raises(ConflictError):
        await came(clinic, encounter_id)
    with pytest.raises(ConflictError):
        await clinic.consult.rooms.say(encounter_id, "hello?", ANN)


async def test_who_has_no_right_and_a_room_that_is_not(clinic: Clinic) -> None:
    encounter_id = await opened(clinic)
    operator = dataclasses.replace(DOCTOR, role=None)
    with pytest.raises(AccessError):
        await came(clinic, encounter_id, operator)
    with pytest.raises(NotFoundError):
        await came(clinic, new_id())
    assert await kinds(clinic, encounter_id) == []


async def test_words_go_both_ways_once_and_stand_on_record(clinic: Clinic) -> None:
    encounter_id = await opened(clinic)
    await clinic.consult.rooms.say(encounter_id, "Any allergies?", ANN)
    said = Said(said_id=new_id(), encounter_id=encounter_id, text="青霉素", by="Li Lei")
    for _ in range(2):
        await clinic.hear(said, at_s=3)
    [down] = [one for one in await clinic.ordered() if isinstance(one, SaidOrder)]
    assert (down.text, down.by) == ("Any allergies?", "Dr Ann")
    words = [
        (one.by, one.facts["text"])
        for one in await record_of(clinic.pool, encounter_id)
        if one.kind == "said"
    ]
    assert words == [("Dr Ann", "Any allergies?"), ("Li Lei", "青霉素")]
    await clinic.until(lambda: len(clinic.seen("room_event")) >= 2)


async def test_a_room_and_its_record_are_bounded(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    encounter_id = await opened(clinic)
    for number in range(40):
        await came(clinic, encounter_id, dataclasses.replace(ANN, username=f"d{number}"))
    with pytest.raises(ConflictError):
        await came(clinic, encounter_id)
    monkeypatch.setattr(store, "MOST_EVENTS", 41)
    await clinic.consult.rooms.say(encounter_id, "one more", ANN)
    with pytest.raises(ConflictError):
        await clinic.consult.rooms.say(encounter_id, "one too many", ANN)


async def test_every_step_of_an_advice_stands_in_the_record_in_its_place(clinic: Clinic) -> None:
    encounter_id = await opened(clinic)
    given = await clinic.consult.advise(encounter_id, "Oxygen", valid_for_s=600, who=ANN)
    for at_s, state in ((1, "delivered"), (2, "confirmed")):
        answer = OrderAnswer.model_validate(
            {"order_id": given.advice_id, "state": state, "by": "Li Lei"}
        )
        await clinic.hear(answer, at_s=at_s)
    await clinic.clock.advance(5)
    await clinic.consult.rooms.say(encounter_id, "thanks", ANN)
    found = await record_of(clinic.pool, encounter_id)
    assert [one.kind for one in found] == [
        "advice.sent", "advice.delivered", "advice.confirmed", "said",
    ]  # fmt: skip
    assert found[2].by == "Li Lei"
