"""The crew's side of one vehicle over a real journal: run, scores, orders, and a clock of ours."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from edge_agent.backoff import Backoff
from edge_agent.hub_time import HubTime
from edge_agent.journal import Journal, JournalSettings, open_journal
from edge_agent.orders import OrderDesk, Pictures
from edge_agent.triage import Alarms, AlarmSettings, Around, Run, Scores
from edge_agent.vehicle_clock import VehicleClock
from protocols.clock import ClockSource
from protocols.ids import JournalId, UnitId
from protocols.link import Held, Stream
from protocols.messages import AdviceOrder, DeviceHealth, Medication, Message, parse_body
from tests.fakes.clock import FakeClock
from tests.until import until

UNIT: Final = UnitId("A-001")
HUB: Final = JournalId("0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b")
ENCOUNTER: Final = "5d3c0a52-90f1-4f5e-8a4e-6a1d0c9b7e21"


class Cab:
    """What the crew works with."""

    def __init__(
        self, journal: Journal, clock: FakeClock, alarm_settings: AlarmSettings | None = None
    ) -> None:
        self.journal, self.clock = journal, clock
        self.vehicle_clock = VehicleClock(clock)
        self.run = Run(journal, self.vehicle_clock)
        self.scores = Scores(journal, self.vehicle_clock)
        self.devices: list[DeviceHealth] = []
        self.is_linked = True
        self.alarms = Alarms(
            journal,
            self.vehicle_clock,
            alarm_settings or AlarmSettings(),
            run=self.run,
            around=Around(
                devices=lambda: self.devices, cameras=list, is_linked=lambda: self.is_linked
            ),
        )
        self.hub_time = HubTime(self.vehicle_clock)
        self.pictures = Pictures(
            journal.path.parent / "pictures",
            clock=self.vehicle_clock,
            backoff=Backoff(rng=random.Random(1)),
        )
        self.orders = OrderDesk(
            journal,
            self.run,
            self.vehicle_clock,
            unit=UNIT,
            hub_time=self.hub_time,
            pictures=self.pictures,
        )
        self._orders = 0

    def devices_of(self, *health: Callable[[], DeviceHealth]) -> None:
        """Have the alarms look at real drivers."""
        self.alarms._around = replace(  # the cab is the vehicle's composition here
            self.alarms._around, devices=lambda: [one() for one in health]
        )

    async def measured(self, message: Message, *, stream: Stream = Stream.VITALS) -> None:
        """Have a device or the crew say `message` now."""
        await self.journal.append(
            stream,
            message,
            captured_utc_us=self.clock.utc_us(),
            clock=ClockSource.GNSS,
            clock_error_us=100,
        )

    async def said(self, stream: Stream) -> list[Message]:
        """Return every record of `stream`."""
        return [
            parse_body(stream, row.body) for row in await self.journal.span(stream, 1, 1_000_000)
        ]

    async def ordered(self, order: Message) -> None:
        """Have the hub send `order`."""
        self._orders += 1
        body, order_id = order.to_body(), str(getattr(order, "order_id", self._orders))
        held = Held(watermark=self._orders)
        await self.journal.receive_orders(HUB, [(self._orders, order_id, body)], held)
        self.orders.nudge()

    def drug(self, *, valid_s: float = 600) -> AdviceOrder:
        aspirin = Medication(
            drug="aspirin", name_en="Aspirin", name_zh="阿司匹林", dose=300.0, unit="mg",
            route="oral", patient_class="adult", usual="150-300 mg", source="ESC 2023",
        )  # fmt: skip
        return self.advice("chewed", valid_s=valid_s).model_copy(update={"medication": aspirin})

    def advice(self, text: str = "Oxygen 4 l/min", *, valid_s: float = 600) -> AdviceOrder:
        now_us = self.clock.utc_us()
        return AdviceOrder(
            order_id=str(uuid.uuid4()),
            encounter_id=ENCOUNTER,
            text=text,
            by="Dr Li",
            by_role="doctor",
            given_utc_us=now_us,
            expires_utc_us=now_us + int(valid_s * 1e6),
        )

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait, for services that act by themselves, until `holds`."""
        await until(holds)


@contextlib.asynccontextmanager
async def cab(
    folder: Path, clock: FakeClock | None = None, *, alarms: AlarmSettings | None = None
) -> AsyncIterator[Cab]:
    """A vehicle with its journal in `folder`, its services running; alarms look when told."""
    clock = clock or FakeClock()
    async with open_journal(folder / "journal.db", JournalSettings(), clock) as journal:
        writer = asyncio.create_task(journal.run())
        made = Cab(journal, clock, alarms)
        for part in (made.run, made.scores, made.orders, made.alarms):
            await part.restore()
        services = [
            asyncio.create_task(part.run()) for part in (made.run, made.scores, made.orders)
        ]
        try:
            yield made
        finally:
            for task in (*services, writer):
                task.cancel()
            await asyncio.gather(*services, writer, return_exceptions=True)
