"""Births are kept, a whole fleet's in few statements, and one that is refused holds up no other."""

import asyncio
import uuid

from hub.access.applicants import Applicant, enrol_all
from hub.fleet.births import Births
from hub.store import Pool, units
from protocols.ids import UnitId
from protocols.messages import Presence
from tests.fakes.clock import FakeClock
from tests.hub.vehicle import new_journal
from tests.until import until


def born(call_sign: str) -> Presence:
    return Presence(
        online=True, connection=str(uuid.uuid4()), journal=new_journal(), profile="patrol",
        call_sign=call_sign, software="x", since_utc_us=1,
    )  # fmt: skip


async def test_a_fleet_that_is_born_at_once_is_kept_but_for_what_cannot_be(pool: Pool) -> None:
    names = [UnitId(f"L-{number}") for number in range(50)]
    wanted = [Applicant(unit=name, call_sign="x", profile="patrol") for name in names]
    await enrol_all(pool, FakeClock(), wanted, replace=False)
    births = Births(pool)
    for name in names:
        births.hear(name, born("later told"))
        births.hear(name, born("told"))
    births.hear(names[7], born("a\0b"))  # no column of text or JSON holds a NUL
    running = asyncio.create_task(births.run())
    await until(lambda: not births.waiting)
    running.cancel()

    kept = {unit.unit: unit.presence for unit in await units.everyone(pool)}
    assert kept.pop(names[7]) is None
    assert {presence.call_sign for presence in kept.values() if presence} == {"told"}
    assert None not in kept.values()
