"""Orders of drugs at the hub: what is sent, what the vehicle says, and what is taken back."""

import itertools
from typing import Any

import pytest

from hub.consult.formulary import Wanted
from hub.store import advice as store
from hub.store.advice import Advice
from protocols.errors import ConflictError, DoseError, NotFoundError
from protocols.messages import AdviceOrder, OrderAnswer, PatientNote, WithdrawOrder
from tests.hub.consult.clinic import A1, A2, DOCTOR, SECOND_US, Clinic
from tests.hub.vehicle import NOON_US

ASPIRIN = Wanted(drug="aspirin", dose=300, unit="mg", route="oral", patient_class="adult")


async def ordered(clinic: Clinic, **changes: Any) -> Advice:
    encounter, _ = await clinic.consult.open(A1, DOCTOR)
    wanted = ASPIRIN.model_copy(update=changes)
    return await clinic.consult.advising.order(
        encounter.encounter_id, wanted, valid_for_s=600, who=DOCTOR
    )


def answer(order: Advice, state: str, **fields: Any) -> OrderAnswer:
    return OrderAnswer.model_validate({"order_id": order.advice_id, "state": state, **fields})


async def now(clinic: Clinic, order: Advice) -> Advice:
    return await store.find(clinic.pool, order.advice_id)


async def test_an_order_leaves_whole_and_each_step_comes_back_with_its_time(
    clinic: Clinic,
) -> None:
    order = await ordered(clinic)
    [sent] = [one for one in await clinic.ordered() if isinstance(one, AdviceOrder)]
    assert sent.medication is not None
    assert (sent.medication.dose, sent.medication.unit) == (300.0, "mg")
    steps = ("delivered", "seen", "misread", "read_back", "confirmed", "administered")
    for at_s, state in enumerate(steps, 1):
        given = {"administered_utc_us": NOON_US + 7, "administered_dose": 300.0}
        extra = given if state == "administered" else {}
        await clinic.hear(answer(order, state, by="Li Lei", **extra), at_s=at_s)
    found = await now(clinic, order)
    assert (found.state, found.administered_utc_us) == ("administered", NOON_US + 7)
    assert [(step.said, step.at_utc_us - NOON_US) for step in found.steps] == [
        ("sent", 0), *((state, at * SECOND_US) for at, state in enumerate(steps, 1)),
    ]  # fmt: skip
    told = clinic.seen
    await clinic.until(lambda: [e["state"] for e in told("advice")][-1:] == ["administered"])
    states = [event["state"] for event in told("advice")]
    assert states == ["sent", "delivered", "seen", "seen", "read_back", "confirmed", "administered"]


ANSWERS = ("delivered", "read_back", "confirmed", "administered")


@pytest.mark.parametrize("sequence", list(itertools.permutations(range(4)))[::3])
async def test_answers_in_any_order_and_doubled_come_to_the_same(
    clinic: Clinic, sequence: tuple[int, ...]
) -> None:
    order = await ordered(clinic)
    for index in (*sequence, *sequence):
        said = answer(order, ANSWERS[index], by="Li Lei", read_back="x" if index == 1 else None)
        await clinic.hear(said, at_s=index)
    found = await now(clinic, order)
    assert (found.state, found.answered_by, found.read_back) == ("administered", "Li Lei", "x")
    assert [step.said for step in found.steps][1:] == list(ANSWERS)


async def test_when_it_was_confirmed_is_judged_by_the_hub_s_time_not_the_vehicle_s_clock(
    clinic: Clinic,
) -> None:
    order = await ordered(clinic)
    await clinic.clock.advance(601)
    await clinic.consult.turn()
    assert (await now(clinic, order)).state == "expired"
    in_time = answer(order, "confirmed", by="Li Lei", hub_utc_us=order.given_utc_us + SECOND_US)
    await clinic.hear(in_time, at_s=86_400)  # its own clock is a day ahead
    assert (await now(clinic, order)).state == "confirmed"


async def test_a_word_given_too_late_does_not_count_whatever_it_claims_by_its_own_clock(
    clinic: Clinic,
) -> None:
    order = await ordered(clinic)
    late = answer(order, "confirmed", by="Li", hub_utc_us=order.expires_utc_us + 1)
    await clinic.hear(late, at_s=1)
    found = await now(clinic, order)
    assert (found.state, found.answered_by) == ("expired", None)


async def test_what_the_formulary_refuses_is_not_sent(clinic: Clinic) -> None:
    encounter, _ = await clinic.consult.open(A1, DOCTOR)
    await clinic.hear(
        PatientNote(encounter_id=encounter.encounter_id, age_years=9, by="Li Lei"), at_s=1
    )
    with pytest.raises(DoseError):
        await ordered(clinic)  # an adult's, and the crew has noted a child
    assert [one for one in await clinic.ordered() if isinstance(one, AdviceOrder)] == []


async def test_a_withdrawal_goes_out_once_and_the_vehicle_has_the_last_word(
    clinic: Clinic,
) -> None:
    order = await ordered(clinic)
    advising = clinic.consult.advising
    for _ in range(2):
        asked = await advising.withdraw(order.encounter_id, order.advice_id, who=DOCTOR)
        assert (asked.state, asked.withdraw_asked_utc_us) == ("sent", clinic.clock.utc_us())
    [sent] = [one for one in await clinic.ordered() if isinstance(one, WithdrawOrder)]
    assert sent.withdrawn_order_id == order.advice_id
    await clinic.hear(answer(order, "withdrawn", by="Dr Li"), at_s=2)
    assert (await now(clinic, order)).state == "withdrawn"
    with pytest.raises(ConflictError):
        await advising.withdraw(order.encounter_id, order.advice_id, who=DOCTOR)


async def test_an_order_of_another_encounter_cannot_be_taken_back_by_this_one(
    clinic: Clinic,
) -> None:
    order = await ordered(clinic)
    other, _ = await clinic.consult.open(A2, DOCTOR)
    with pytest.raises(NotFoundError):
        await clinic.consult.advising.withdraw(other.encounter_id, order.advice_id, who=DOCTOR)


async def test_a_client_gone_wild_cannot_bury_a_crew(clinic: Clinic) -> None:
    order = await ordered(clinic)
    for _ in range(19):
        await ordered(clinic)
    with pytest.raises(ConflictError):
        await ordered(clinic)
    await clinic.hear(answer(order, "declined", by="Li", reason="no"), at_s=1)
    await ordered(clinic)


async def test_a_vehicle_that_repeats_itself_for_ever_is_kept_a_bounded_record_of(
    clinic: Clinic,
) -> None:
    order = await ordered(clinic)
    for at_s in range(300):
        await clinic.say(answer(order, "misread", by="Li"), at_s=at_s)
    await clinic.hear(answer(order, "seen", by="Li"), at_s=400)
    kept = await clinic.pool.fetchval("SELECT count(*) FROM advice_change")
    assert kept == 256
    found = await now(clinic, order)
    assert (found.state, len(found.steps)) == ("seen", 64)
