"""A fleet enrolled at once: all of it or none, each with a password of its own, and audited."""

import pytest

from hub.access.applicants import Applicant, enrol_all
from hub.access.desk import Desk
from hub.store import Pool, audit, units
from protocols.errors import ConflictError
from protocols.ids import UnitId
from tests.fakes.clock import FakeClock

WANTED = tuple(
    Applicant(unit=f"L-{number}", call_sign=f"Light {number}", profile="patrol", light=True)
    for number in range(1, 41)
)


async def test_each_has_its_own_password_and_the_audit_says_who_came(pool: Pool) -> None:
    clock = FakeClock()
    passwords = await enrol_all(pool, clock, WANTED, replace=False)
    desk = Desk(pool, clock, session_s=1)

    assert len(set(passwords.values())) == len(WANTED)
    known = await desk.unit_of("L-7", passwords["L-7"])
    assert known is not None
    assert (known.unit, known.display_name) == ("L-7", "Light 7")
    assert await desk.unit_of("L-7", passwords["L-8"]) is None
    assert [row["subject"] for row in await audit.read(pool, before=None, limit=2)] == [
        "L-40", "L-39",
    ]  # fmt: skip
    assert await audit.first_broken(pool) is None


async def test_where_one_is_enrolled_already_none_is_enrolled(pool: Pool) -> None:
    clock = FakeClock()
    desk = Desk(pool, clock, session_s=1)
    kept = await desk.enrol(UnitId("L-9"), call_sign="x", profile="patrol", organisation="y")

    with pytest.raises(ConflictError) as refused:
        await enrol_all(pool, clock, WANTED, replace=False)

    assert refused.value.facts["unit"] == "L-9"
    assert [unit.unit for unit in await units.everyone(pool)] == ["L-9"]
    assert await desk.unit_of("L-9", kept) is not None


async def test_replaced_ones_have_a_new_password_and_revoked_ones_are_back(pool: Pool) -> None:
    clock = FakeClock()
    desk = Desk(pool, clock, session_s=1)
    first = await enrol_all(pool, clock, WANTED, replace=False)
    await desk.revoke(UnitId("L-3"))
    second = await enrol_all(pool, clock, WANTED, replace=True)

    assert len(await units.everyone(pool)) == len(WANTED)
    assert await desk.unit_of("L-1", first["L-1"]) is None
    assert await desk.unit_of("L-3", second["L-3"]) is not None
