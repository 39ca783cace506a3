"""The roster: broker and picture know who is enrolled, and a change costs what changed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

from hub.access.applicants import Applicant, enrol_all
from hub.access.desk import Desk
from hub.fleet import FleetPicture
from hub.roster import Roster
from hub.store import Pool
from protocols.ids import UnitId
from protocols.runtime.clock import SystemClock
from tests.fakes.clock import FakeClock
from tests.until import until


@dataclass
class Listed:
    """A broker that keeps every list that it was told."""

    lists: list[dict[UnitId, str]] = field(default_factory=list)

    async def write_users(self, units: Iterable[tuple[UnitId, str]]) -> None:
        self.lists.append(dict(units))

    @property
    def names(self) -> set[UnitId]:
        return set(self.lists[-1]) if self.lists else set()


@contextlib.asynccontextmanager
async def following(
    pool: Pool, clock: FakeClock, broker: Listed
) -> AsyncIterator[tuple[FleetPicture, list[UnitId], Roster]]:
    changed: list[UnitId] = []
    fleet = FleetPicture(on_change=changed.append)
    roster = Roster(pool, clock, fleet=fleet, broker=broker)
    task = asyncio.create_task(roster.run())
    try:
        await until(lambda: bool(broker.lists))
        yield fleet, changed, roster
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def applicants(count: int) -> list[Applicant]:
    return [
        Applicant(unit=f"L-{number}", call_sign="x", profile="patrol", light=True)
        for number in range(count)
    ]


async def test_one_who_is_enrolled_or_revoked_is_the_only_one_that_changes(pool: Pool) -> None:
    clock, broker, desk = FakeClock(), Listed(), Desk(pool, SystemClock(), session_s=1)
    await enrol_all(pool, clock, applicants(30), replace=False)
    async with following(pool, clock, broker) as (fleet, changed, _):
        assert len(broker.names) == 30
        changed.clear()

        await desk.enrol(UnitId("A-1"), call_sign="x", profile="patrol", organisation="y")
        await clock.advance(60)
        await until(lambda: "A-1" in broker.names)
        assert changed == ["A-1"]
        assert fleet.knows(UnitId("A-1"))
        assert len(broker.names) == 31

        await desk.revoke(UnitId("L-7"))
        await clock.advance(60)
        await until(lambda: "L-7" not in broker.names)
        assert changed == ["A-1"]
        assert not fleet.knows(UnitId("L-7"))
        assert len(broker.names) == 30


async def test_a_new_password_reaches_the_broker(pool: Pool) -> None:
    clock, broker, desk = FakeClock(), Listed(), Desk(pool, SystemClock(), session_s=1)
    await enrol_all(pool, clock, applicants(2), replace=False)
    async with following(pool, clock, broker):
        before = broker.lists[-1][UnitId("L-1")]
        await desk.enrol(
            UnitId("L-1"), call_sign="x", profile="patrol", organisation="y", replace=True
        )
        await clock.advance(60)
        await until(lambda: broker.lists[-1][UnitId("L-1")] != before)


async def test_a_burst_of_changes_is_told_at_once_and_then_together(pool: Pool) -> None:
    clock, broker, desk = FakeClock(), Listed(), Desk(pool, SystemClock(), session_s=1)
    await enrol_all(pool, clock, applicants(10), replace=False)
    async with following(pool, clock, broker) as (fleet, _, roster):
        for number in range(20):
            await desk.enrol(
                UnitId(f"A-{number}"), call_sign="x", profile="patrol", organisation="y"
            )
        await until(lambda: len(roster._changed) == 20)
        assert len(broker.lists) == 1  # it rests from the list of the start
        await clock.advance(60)
        await until(lambda: "A-19" in broker.names)
        assert fleet.knows(UnitId("A-0"))
        assert len(broker.lists) == 2
