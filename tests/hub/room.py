"""A hub without a broker: real database and ingest, consultation and hand-off over them."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from hub.access.desk import Desk
from hub.access.rights import Principal, Role
from hub.api.feed import Feed, Viewer
from hub.consult import Consult
from hub.dispatch import Orders
from hub.fleet import FleetPicture
from hub.handoff import Handoff, Hospitals
from hub.ingest import Ingest, Taps
from hub.store import Pool, orders, units
from protocols.errors import ConflictError
from protocols.ids import JournalId, UnitId
from protocols.link import Stream
from protocols.link.topics import up
from protocols.messages import Message, parse_body
from protocols.runtime.clock import SystemClock
from tests.hub.vehicle import frame, new_journal

A1 = UnitId("A-001")
DOCTOR = Principal(
    username="chen", display_name="Dr Chen", role=Role.DOCTOR, organisation="First Hospital"
)


@dataclass
class Room:
    pool: Pool
    clock: SystemClock
    consult: Consult
    handoff: Handoff
    fleet: FleetPicture
    ingest: Ingest
    orders: Orders
    viewer: Viewer
    journal: JournalId = field(default_factory=new_journal)
    _seqs: dict[tuple[UnitId, Stream], int] = field(default_factory=dict)

    def says(
        self, stream: Stream, *messages: Message, at_utc_us: int | None = None, unit: UnitId = A1
    ) -> None:
        """Have the vehicle say `messages`, a microsecond-true second apart."""
        first = self._seqs.get((unit, stream), 0) + 1
        self._seqs[unit, stream] = first + len(messages) - 1
        at_utc_us = self.clock.utc_us() if at_utc_us is None else at_utc_us
        payload = frame(self.journal, stream, first, messages, captured_utc_us=at_utc_us)
        self.ingest.hear([(up(unit, stream), payload)])

    async def told(self, unit: UnitId = A1) -> list[Message]:
        """Return every order that was put for the unit."""
        rows = await orders.span(self.pool, unit, 1, 10_000)
        return [parse_body(Stream.ORDER, row.body) for row in rows]


@contextlib.asynccontextmanager
async def room(pool: Pool, hospitals: Hospitals | None = None) -> AsyncIterator[Room]:
    clock, taps = SystemClock(), Taps()
    desk = Desk(pool, clock, session_s=60)
    with contextlib.suppress(ConflictError):  # a second hub over the same database
        await desk.enrol(A1, call_sign="Y1", profile="ambulance", organisation="120 Centre")
    fleet = FleetPicture(on_change=lambda _unit: None)
    feed = Feed(fleet, clock)
    fleet.enrolled(await units.everyone(pool))
    sender = Orders(pool, clock, publish=lambda _topic, _payload: None)
    consult = Consult(pool, clock, orders=sender, feed=feed, fleet=fleet)
    handoff = Handoff(
        pool,
        clock,
        orders=sender,
        feed=feed,
        consult=consult,
        hospitals=hospitals or {},
        rng=random.Random(1),
    )
    taps.on_records(consult.heard)
    taps.on_records(feed.committed)
    ingest = Ingest(pool, clock, taps, publish=lambda *_: None)
    viewer = feed.join(DOCTOR)
    viewer.watch = viewer.watch.model_copy(update={"units": [A1]})
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(part.run()) for part in (ingest, consult, handoff)]
        yield Room(
            pool=pool,
            clock=clock,
            consult=consult,
            handoff=handoff,
            fleet=fleet,
            ingest=ingest,
            orders=sender,
            viewer=viewer,
        )
        for task in tasks:
            task.cancel()


def new_id() -> str:
    return str(uuid.uuid4())
