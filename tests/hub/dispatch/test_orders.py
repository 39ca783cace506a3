"""Orders down: durable first, each received once and in order, whoever was away in between."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from hub.access.desk import Desk
from hub.dispatch import Orders, new_order_id
from hub.store import Pool, orders
from protocols.clock import Clock
from protocols.errors import NotFoundError
from protocols.ids import UnitId
from protocols.link import Receiver, Stream, decode_frame
from protocols.link.topics import down_order
from protocols.messages import AdviceOrder, Presence, parse_body
from protocols.runtime.clock import SystemClock
from tests.fakes.clock import FakeClock
from tests.hub.vehicle import new_journal
from tests.until import until

A1 = UnitId("A-001")


def advice(text: str) -> AdviceOrder:
    return AdviceOrder(
        order_id=new_order_id(), encounter_id=str(uuid.uuid4()), text=text, by="Dr Chen",
        by_role="doctor", given_utc_us=1, expires_utc_us=2**52,
    )  # fmt: skip


def presence(*, online: bool = True) -> Presence:
    return Presence(
        online=online, connection=str(uuid.uuid4()), journal=new_journal(), profile="ambulance",
        call_sign="x", software="x", since_utc_us=1,
    )  # fmt: skip


@dataclass
class Vehicle:
    """What the vehicle does with frames of orders; `loses` says which frames never arrive."""

    loses: Callable[[], bool] = lambda: False
    hub: Orders | None = None
    texts: list[str] = field(default_factory=list)
    frames: int = 0
    _receiver: Receiver | None = None

    def publish(self, topic: str, payload: bytes) -> None:
        assert topic == down_order(A1)
        self.frames += 1
        if self.loses():
            return
        frame = decode_frame(payload)
        self._receiver = self._receiver or Receiver(journal=frame.journal)
        spans = self._receiver.offer(frame, now_s=0)
        for first, last in spans:
            for seq in range(first, last + 1):
                order = parse_body(Stream.ORDER, frame.records[seq - frame.first_seq].body)
                assert isinstance(order, AdviceOrder)
                self.texts.append(order.text)
        self._receiver.committed(Stream.ORDER, spans, now_s=0)
        ack = self._receiver.take_ack(now_utc_us=1)
        if ack is not None and self.hub is not None and not self.loses():
            self.hub.heard_ack(A1, ack)

    async def has(self, *texts: str) -> None:
        await until(lambda: sorted(self.texts) == sorted(texts))


@contextlib.asynccontextmanager
async def running(
    pool: Pool, vehicle: Vehicle, clock: Clock | None = None
) -> AsyncIterator[Orders]:
    hub = Orders(pool, clock or SystemClock(), publish=vehicle.publish)
    vehicle.hub = hub
    task = asyncio.create_task(hub.run())
    yield hub
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture(autouse=True)
async def _enrolled(pool: Pool) -> None:
    desk = Desk(pool, SystemClock(), session_s=1)
    await desk.enrol(A1, call_sign="x", profile="ambulance", organisation="y")


async def undelivered(pool: Pool) -> int:
    return int(
        await pool.fetchval("SELECT count(*) FROM order_outbox WHERE delivered_utc_us IS NULL")
    )


async def all_delivered(pool: Pool) -> None:
    async def is_so() -> bool:
        return await undelivered(pool) == 0

    await until(is_so)


async def test_an_order_to_a_vehicle_that_is_off_waits_and_arrives_in_order(pool: Pool) -> None:
    vehicle = Vehicle()
    async with running(pool, vehicle) as hub:
        for number in range(5):
            await hub.send(A1, advice(str(number)))
        assert vehicle.frames == 0
        hub.heard_presence(A1, presence())
        await vehicle.has(*"01234")
        assert vehicle.texts == list("01234")
        await all_delivered(pool)


async def test_a_vehicle_that_was_off_for_a_day_gets_each_once_in_order_from_a_restarted_hub(
    pool: Pool,
) -> None:
    clock, vehicle = FakeClock(), Vehicle()
    for hour in range(3):
        async with running(pool, vehicle, clock) as hub:  # each time the hub just started
            await hub.send(A1, advice(f"{8 * hour} h"))
            await clock.advance(8 * 3600)
    assert vehicle.frames == 0
    async with running(pool, vehicle, clock) as hub:
        hub.heard_presence(A1, presence())
        while await undelivered(pool):
            await clock.advance(0.5)
        hub.heard_presence(A1, presence())  # and the vehicle's agent, too
        await clock.advance(5)
    assert vehicle.texts == ["0 h", "8 h", "16 h"]


async def test_a_restarted_hub_sends_what_was_not_acknowledged_and_nothing_else(
    pool: Pool,
) -> None:
    vehicle = Vehicle()
    async with running(pool, vehicle) as hub:
        hub.heard_presence(A1, presence())
        await hub.send(A1, advice("before"))
        await vehicle.has("before")
        await all_delivered(pool)
        hub.heard_presence(A1, presence())
    async with running(pool, vehicle) as hub:
        await hub.send(A1, advice("between"))
        frames = vehicle.frames
        hub.heard_presence(A1, presence())
        await vehicle.has("before", "between")
        await all_delivered(pool)
        assert vehicle.frames == frames + 1


@pytest.mark.parametrize("seed", range(5))
async def test_frames_and_acks_that_are_lost_are_made_good_in_order_and_nothing_is_doubled(
    pool: Pool, seed: int
) -> None:
    rng = random.Random(seed)
    vehicle = Vehicle(loses=lambda: vehicle.frames == 1 or rng.random() < 0.4)
    texts = [str(number) for number in range(8)]
    clock = FakeClock()
    async with running(pool, vehicle, clock) as hub:
        hub.heard_presence(A1, presence())
        for text in texts:  # some while an earlier one is on its way, or lost
            await hub.send(A1, advice(text))
            await clock.advance(rng.choice((0.0, 0.5, 2.0)))

        async def is_done() -> bool:
            await clock.advance(60)  # past any timeout
            return await undelivered(pool) == 0

        await until(is_done)
    assert vehicle.texts == texts
    assert vehicle.frames > 1


async def test_orders_given_at_the_same_moment_take_seqs_without_holes(pool: Pool) -> None:
    hub = Orders(pool, SystemClock(), publish=lambda *_: None)
    await asyncio.gather(*(hub.send(A1, advice(str(number))) for number in range(20)))
    rows = await orders.span(pool, A1, 1, 100)
    assert [row.seq for row in rows] == list(range(1, 21))


async def test_nobody_can_be_given_orders_who_is_not_enrolled(pool: Pool) -> None:
    hub = Orders(pool, SystemClock(), publish=lambda *_: None)
    with pytest.raises(NotFoundError):
        await hub.send(UnitId("B-1"), advice("x"))
