"""Consultation over a real database, and what a screen and a vehicle are told by it."""

import asyncio
import contextlib
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from hub.access.rights import Principal, Role
from hub.api.feed import Feed
from hub.consult import Consult
from hub.consult.consult import FOLLOWER
from hub.dispatch import Orders
from hub.fleet import FleetPicture
from hub.ingest.taps import Arrived
from hub.store import Pool, records, units
from hub.store.stored import StoredRecord
from protocols.ids import JournalId, Seq, UnitId
from protocols.link import Held, Lane, Stream
from protocols.live import Watch
from protocols.messages import Message, parse_body
from tests.fakes.clock import FakeClock
from tests.hub.vehicle import NOON_US, new_journal

A1, A2 = UnitId("A-001"), UnitId("A-002")
SECOND_US: Final = 1_000_000
DOCTOR = Principal(
    username="li", display_name="Dr Li 李医生", role=Role.DOCTOR, organisation="First Hospital"
)
STREAM_OF: Final = {
    "patient": Stream.CHART,
    "encounter_opened": Stream.CHART,
    "encounter_closed": Stream.CHART,
    "handover": Stream.CHART,
    "ring": Stream.CHART,
    "ring_cancelled": Stream.CHART,
    "said": Stream.CHART,
    "answer": Stream.ACK,
    "vitals": Stream.VITALS,
    "waveform": Stream.WAVEFORM,
    "score": Stream.TRIAGE,
    "time_node": Stream.STATUS,
}


def new_id() -> str:
    return str(uuid.uuid4())


class Clinic:
    """Two ambulances, a hub that consults, and a doctor's screen that watches both."""

    def __init__(self, pool: Pool, clock: FakeClock) -> None:
        self.pool, self.clock = pool, clock
        self.fleet = FleetPicture(on_change=lambda _unit: None)
        self.feed = Feed(self.fleet, clock)
        self.orders = Orders(pool, clock, publish=lambda _topic, _payload: None)
        self.consult = Consult(pool, clock, orders=self.orders, feed=self.feed, fleet=self.fleet)
        self.told: list[dict[str, Any]] = []
        self.journal: JournalId = new_journal()
        self._changed = asyncio.Event()
        self._seq = itertools.count(1)

    async def say(
        self,
        message: Message | bytes,
        *,
        at_s: float = 0,
        unit: UnitId = A1,
        stream: Stream | None = None,
        clock: str = "gnss",
    ) -> None:
        """Have `unit` say `message`, captured `at_s` after noon, and the database hold it."""
        if isinstance(message, Message):
            stream = stream or STREAM_OF[message.kind]
        assert stream is not None
        body = message if isinstance(message, bytes) else message.to_body()
        record = StoredRecord(
            unit=unit,
            journal=self.journal,
            stream=stream,
            seq=Seq(next(self._seq)),
            captured_utc_us=NOON_US + round(at_s * SECOND_US),
            clock=clock,
            clock_error_us=None,
            received_utc_us=self.clock.utc_us(),
            lane=Lane.LIVE,
            understood=True,
            body=body,
        )
        await records.commit_batch(
            self.pool,
            records=[record],
            ledgers={(unit, self.journal, stream): Held(record.seq)},
            gaps=[],
            now_utc_us=self.clock.utc_us(),
        )
        self.consult.heard([Arrived(record, None)])

    async def hear(self, message: Message, *, at_s: float = 0, unit: UnitId = A1) -> None:
        """Have `unit` say `message`, and the hub act on it.

        One turn is not enough while another transaction runs: what that may still precede is
        held back until it has ended.
        """
        await self.say(message, at_s=at_s, unit=unit)
        async with asyncio.timeout(20):
            await self.consult.turn()
            while not await self._has_followed():
                await self.consult.turn()

    async def _has_followed(self) -> bool:
        """Say whether the hub has acted on all that was said."""
        return not await self.pool.fetchval(
            "SELECT EXISTS (SELECT FROM record WHERE stream IN"
            " ('alarm', 'status', 'triage', 'chart', 'ack') AND (transaction, arrival) > COALESCE("
            "(SELECT (f.transaction, f.arrival) FROM follower f WHERE f.name = $1),"
            " ('0'::xid8, 0::bigint)))",
            FOLLOWER,
        )

    async def ordered(self, unit: UnitId = A1) -> list[Message]:
        """What the hub has for the vehicle, oldest first."""
        rows = await self.pool.fetch(
            "SELECT body FROM order_outbox WHERE unit = $1 ORDER BY seq", unit
        )
        return [parse_body(Stream.ORDER, row["body"]) for row in rows]

    def seen(self, kind: str) -> list[dict[str, Any]]:
        """The events of one kind that the screen was sent."""
        return [event for event in self.told if event["t"] == kind]

    async def until(self, true: Callable[[], bool], *, within_s: float = 20) -> None:
        """Wait for events until `true` holds."""
        async with asyncio.timeout(within_s):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    async def _send(self, message: str | bytes) -> None:
        self.told.append(json.loads(message))
        self._changed.set()

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """A doctor's screen is open."""
        viewer = self.feed.join(DOCTOR)
        viewer.follow(Watch(units=[A1, A2]))
        task = asyncio.create_task(viewer.run(self._send, self.clock))
        try:
            yield
        finally:
            self.feed.leave(viewer)
            await cancelled(task)


@contextlib.asynccontextmanager
async def opened(pool: Pool) -> AsyncIterator[Clinic]:
    """A clinic with its two units enrolled."""
    for unit, call_sign in ((A1, "Yuexiu 1"), (A2, "Tianhe 2")):
        await units.enrol(
            pool,
            unit,
            call_sign=call_sign,
            profile="ambulance",
            organisation="Guangzhou 120",
            password_bcrypt="-",  # noqa: S106 -- nobody signs in with it
            light=False,
            replace=False,
            now_utc_us=NOON_US,
        )
    clinic = Clinic(pool, FakeClock(utc_us=NOON_US))
    clinic.fleet.enrolled(await units.everyone(pool))
    async with clinic.watched():
        yield clinic


async def cancelled(task: asyncio.Task[None]) -> None:
    """End a task; what it failed of is raised here."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
