"""Advice to a vehicle that is off: whoever gave it learns that it expired, once."""

from protocols.messages import AdviceOrder, OrderAnswer
from tests.hub.consult.clinic import A1, DOCTOR, Clinic

DAY_S = 86_400


async def test_advice_to_a_vehicle_that_is_off_for_a_day_is_reported_as_expired(
    clinic: Clinic,
) -> None:
    encounter, _ = await clinic.consult.open(A1, DOCTOR)
    advice = await clinic.consult.advise(
        encounter.encounter_id, "Oxygen", valid_for_s=600, who=DOCTOR
    )
    await clinic.clock.advance(601)
    await clinic.consult.turn()
    await clinic.clock.advance(DAY_S)
    [order] = [order for order in await clinic.ordered() if isinstance(order, AdviceOrder)]
    assert order.expires_utc_us == advice.expires_utc_us  # which the vehicle will hold it to
    answer = OrderAnswer(order_id=advice.advice_id, state="delivered")
    await clinic.hear(answer, at_s=DAY_S)
    await clinic.hear(answer.model_copy(update={"state": "expired"}), at_s=DAY_S + 1)
    other = await clinic.consult.advise(
        encounter.encounter_id, "Saline", valid_for_s=600, who=DOCTOR
    )
    told = clinic.seen
    await clinic.until(lambda: told("advice")[-1:] != [] and told("advice")[-1]["text"] == "Saline")
    states = [event["state"] for event in told("advice") if event["advice_id"] != other.advice_id]
    assert states == ["sent", "expired"]
