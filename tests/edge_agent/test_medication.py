"""A drug on the vehicle: read back to the digit, never after its time, on record once given."""

from pathlib import Path

import pytest

from protocols.consult import AdviceEvent as E
from protocols.errors import ConflictError, NotFoundError
from protocols.link import Stream
from protocols.live import AdviceChanged
from protocols.messages import AdviceOrder, OrderAnswer, WithdrawOrder
from tests.edge_agent.cab import ENCOUNTER, Cab, cab
from tests.fakes.clock import FakeClock

MINUTE_US = 60_000_000


async def arrived(vehicle: Cab, order: AdviceOrder) -> str:
    await vehicle.ordered(order)
    await vehicle.until(lambda: any(one.advice_id == order.order_id for one in shown(vehicle)))
    return order.order_id


def shown(vehicle: Cab) -> list[AdviceChanged]:
    return vehicle.orders.advice.shown


async def answers(vehicle: Cab) -> list[OrderAnswer]:
    return [one for one in await vehicle.said(Stream.ACK) if isinstance(one, OrderAnswer)]


async def read_back(vehicle: Cab, order_id: str, dose: float = 300.0) -> None:
    await vehicle.orders.advice.read_back(order_id, dose=dose, unit="mg", route="oral", by="Chen")


def withdrawal(vehicle: Cab, order_id: str) -> WithdrawOrder:
    now_us = vehicle.clock.utc_us()
    return WithdrawOrder(
        order_id=ENCOUNTER, withdrawn_order_id=order_id, by="Dr Li", given_utc_us=now_us,
        expires_utc_us=now_us + 60 * MINUTE_US,
    )  # fmt: skip


async def test_a_drug_is_read_back_confirmed_and_given_each_once(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        order_id = await arrived(vehicle, vehicle.drug())
        desk = vehicle.orders.advice
        with pytest.raises(ConflictError):  # a drug that nobody read back
            await desk.answer(order_id, E.CONFIRM, by="Chen")
        for _ in range(2):
            await read_back(vehicle, order_id)
        for _ in range(2):
            await desk.answer(order_id, E.CONFIRM, by="Chen")
        await vehicle.clock.advance(90)
        for _ in range(2):
            await desk.administered(order_id, by="Chen", ago_s=30)
        [one] = desk.shown
        said = await answers(vehicle)
    assert [step.said for step in one.steps] == [
        "delivered", "read_back", "confirmed", "administered",
    ]  # fmt: skip
    assert one.administered_utc_us == vehicle.clock.utc_us() - 30_000_000
    assert (one.administered_dose, one.read_back) == (300.0, "Aspirin 300 mg oral")
    assert [answer.state for answer in said] == [step.said for step in one.steps]


@pytest.mark.parametrize(
    ("dose", "unit", "route"), [(30.0, "mg", "oral"), (300.0, "g", "oral"), (300.0, "mg", "iv")]
)
async def test_what_was_not_ordered_is_refused_and_stands_on_record(
    tmp_path: Path, dose: float, unit: str, route: str
) -> None:
    async with cab(tmp_path) as vehicle:
        order_id = await arrived(vehicle, vehicle.drug())
        with pytest.raises(ConflictError) as refused:
            await vehicle.orders.advice.read_back(
                order_id, dose=dose, unit=unit, route=route, by="Chen"
            )
        assert refused.value.facts["state"] == "misread"
        assert vehicle.orders.advice.shown[0].state == "delivered"
        assert [one.state for one in await answers(vehicle)] == ["delivered", "misread"]
        assert vehicle.orders.advice.misread == {"aspirin": 1}


async def test_words_are_not_read_back_and_not_given(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        order_id = await arrived(vehicle, vehicle.advice())
        with pytest.raises(NotFoundError):
            await read_back(vehicle, order_id)
        await vehicle.orders.advice.answer(order_id, E.CONFIRM, by="Chen")
        with pytest.raises(ConflictError):
            await vehicle.orders.advice.administered(order_id, by="Chen")


@pytest.mark.parametrize("jump_s", [-86_400, 86_400, -1_700_000_000])
async def test_validity_runs_by_steady_time_wherever_the_vehicle_s_clock_jumps(
    tmp_path: Path, jump_s: int
) -> None:
    async with cab(tmp_path) as vehicle:
        in_time = await arrived(vehicle, vehicle.drug(valid_s=60))
        too_late = await arrived(vehicle, vehicle.advice(valid_s=60))
        vehicle.clock.jump_utc(jump_s * 1_000_000)
        await vehicle.clock.advance(59)
        await read_back(vehicle, in_time)
        await vehicle.clock.advance(2)
        with pytest.raises(ConflictError):
            await vehicle.orders.advice.answer(too_late, E.CONFIRM, by="Chen")
        with pytest.raises(ConflictError):  # read back in time, and still too late to confirm
            await vehicle.orders.advice.answer(in_time, E.CONFIRM, by="Chen")


async def test_the_hub_s_word_on_the_time_is_taken_before_the_vehicle_s_own(
    tmp_path: Path,
) -> None:
    async with cab(tmp_path) as vehicle:
        hub_us = vehicle.clock.utc_us()
        vehicle.clock.jump_utc(-3_600_000_000)  # an hour slow, and nobody on board knows
        vehicle.hub_time.heard(hub_us)
        order = vehicle.drug().model_copy(
            update={"given_utc_us": hub_us, "expires_utc_us": hub_us + MINUTE_US}
        )
        order_id = await arrived(vehicle, order)
        await read_back(vehicle, order_id)
        await vehicle.clock.advance(61)
        with pytest.raises(ConflictError):
            await vehicle.orders.advice.answer(order_id, E.CONFIRM, by="Chen")
        [one] = vehicle.orders.advice.shown
        # the countdown on the tablet is by its own clock
        assert abs(one.expires_utc_us - vehicle.vehicle_clock.utc_us()) < 2_000_000


async def test_while_the_time_is_not_known_nothing_is_confirmed(tmp_path: Path) -> None:
    clock = FakeClock(utc_us=1_000_000)  # 1970
    async with cab(tmp_path, clock) as vehicle:
        order_id = await arrived(vehicle, vehicle.advice())
        with pytest.raises(ConflictError):
            await vehicle.orders.advice.answer(order_id, E.CONFIRM, by="Chen")
        vehicle.hub_time.heard(clock.utc_us())
        await vehicle.orders.advice.answer(order_id, E.CONFIRM, by="Chen")


async def test_a_restart_with_a_clock_behind_does_not_lengthen_an_order(tmp_path: Path) -> None:
    clock = FakeClock()
    async with cab(tmp_path, clock) as vehicle:
        order_id = await arrived(vehicle, vehicle.advice(valid_s=600))
    clock.jump_utc(-3_600_000_000)
    async with cab(tmp_path, clock) as again:
        with pytest.raises(ConflictError):
            await again.orders.advice.answer(order_id, E.CONFIRM, by="Chen")


async def test_confirmed_and_not_given_in_time_lapses_and_can_be_put_on_record(
    tmp_path: Path,
) -> None:
    async with cab(tmp_path) as vehicle:
        order_id = await arrived(vehicle, vehicle.drug(valid_s=60))
        await read_back(vehicle, order_id)
        await vehicle.orders.advice.answer(order_id, E.CONFIRM, by="Chen")
        await vehicle.clock.advance(61)
        await vehicle.until(lambda: vehicle.orders.advice.shown[0].state == "lapsed")
        await vehicle.orders.advice.administered(order_id, by="Chen", ago_s=45, dose=150.0)
        [one] = vehicle.orders.advice.shown
        assert (one.state, one.administered_dose) == ("administered", 150.0)


@pytest.mark.parametrize("withdrawal_first", [True, False])
async def test_what_is_withdrawn_cannot_be_confirmed_whichever_came_first(
    tmp_path: Path, *, withdrawal_first: bool
) -> None:
    async with cab(tmp_path) as vehicle:
        order = vehicle.drug()
        both = [withdrawal(vehicle, order.order_id), order]
        for message in both if withdrawal_first else reversed(both):
            await vehicle.ordered(message)
        await vehicle.until(
            lambda: [one.state for one in vehicle.orders.advice.shown] == ["withdrawn"]
        )
        with pytest.raises(ConflictError):
            await read_back(vehicle, order.order_id)


async def test_what_was_given_before_the_withdrawal_came_stays_given(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        order_id = await arrived(vehicle, vehicle.drug())
        await read_back(vehicle, order_id)
        await vehicle.orders.advice.answer(order_id, E.CONFIRM, by="Chen")
        await vehicle.orders.advice.administered(order_id, by="Chen")
        await vehicle.ordered(withdrawal(vehicle, order_id))
        await vehicle.until(
            lambda: vehicle.orders.advice.shown[0].withdraw_asked_utc_us is not None
        )
        await vehicle.orders.advice.look()
        assert vehicle.orders.advice.shown[0].state == "administered"


async def test_after_a_restart_a_drug_is_not_asked_for_again(tmp_path: Path) -> None:
    clock = FakeClock()
    async with cab(tmp_path, clock) as vehicle:
        order_id = await arrived(vehicle, vehicle.drug())
        await read_back(vehicle, order_id)
        await vehicle.orders.advice.answer(order_id, E.CONFIRM, by="Chen")
        await vehicle.orders.advice.administered(order_id, by="Chen")
    async with cab(tmp_path, clock) as again:
        [one] = again.orders.advice.shown
        assert one.state == "administered"
        await again.orders.advice.administered(order_id, by="Chen")
        assert len(await answers(again)) == 4
