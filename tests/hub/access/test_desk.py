"""The desk: passwords, sessions, tries, and an audit whose gaps show."""

import asyncio

import pytest

from hub.access.desk import Desk
from hub.access.metrics import REFUSED
from hub.access.rights import Role
from hub.access.secrets import MOST_WAITING
from hub.store import Pool, audit
from protocols.errors import ConflictError, SignInError, TooManyTriesError
from protocols.ids import UnitId
from tests.fakes.clock import FakeClock

PASSWORD = "correct horse"  # noqa: S105 -- of a test
CHANGED = "another one"
SESSION_S = 3600.0
HERE = "192.0.2.1"
ELSEWHERE = "192.0.2.2"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def desk(pool: Pool, clock: FakeClock) -> Desk:
    made = Desk(pool, clock, session_s=SESSION_S)
    await made.add_account(
        username="chen", display_name="Dr Chen", role=Role.DOCTOR, organisation="First",
        password=PASSWORD,
    )  # fmt: skip
    return made


async def test_the_right_password_opens_a_session_until_it_ends(
    desk: Desk, clock: FakeClock
) -> None:
    principal, token = await desk.sign_in("chen", PASSWORD, address=HERE)
    assert (principal.display_name, principal.role) == ("Dr Chen", Role.DOCTOR)
    assert await desk.who(token) == principal
    await clock.advance(SESSION_S + 1)
    assert await desk.who(token) is None


async def test_signing_out_ends_it_at_once(desk: Desk) -> None:
    principal, token = await desk.sign_in("chen", PASSWORD, address=HERE)
    await desk.sign_out(principal, token)
    assert await desk.who(token) is None


@pytest.mark.parametrize(("name", "password"), [("chen", "wrong"), ("nobody", PASSWORD)])
async def test_what_was_wrong_is_not_said(desk: Desk, name: str, password: str) -> None:
    with pytest.raises(SignInError) as caught:
        await desk.sign_in(name, password, address=HERE)
    assert caught.value.facts == {"reason": "wrong name or password"}


async def test_one_ipv6_subscriber_is_one_guesser_and_what_is_refused_is_counted(
    desk: Desk,
) -> None:
    def refused(reason: str) -> float:
        return float(REFUSED.labels(reason)._value.get())

    wrong, waits = refused("wrong"), refused("too-many-tries")
    for number in range(8):
        with pytest.raises(SignInError):
            await desk.sign_in("chen", "wrong", address=f"2001:db8::{number}:1")
    with pytest.raises(TooManyTriesError):
        await desk.sign_in("chen", PASSWORD, address="2001:db8::ffff:1")
    assert (refused("wrong"), refused("too-many-tries")) == (wrong + 8, waits + 1)
    await desk.sign_in("chen", PASSWORD, address="2001:db8:0:1::1")


async def test_after_eight_wrong_tries_a_guesser_waits_a_minute_and_others_do_not(
    desk: Desk, clock: FakeClock
) -> None:
    for _ in range(8):
        with pytest.raises(SignInError):
            await desk.sign_in("chen", "wrong", address=HERE)
    with pytest.raises(TooManyTriesError):
        await desk.sign_in("chen", PASSWORD, address=HERE)
    with pytest.raises(SignInError):
        await desk.sign_in("wang", "x", address=HERE)
    await desk.sign_in("chen", PASSWORD, address=ELSEWHERE)
    await clock.advance(61)
    await desk.sign_in("chen", PASSWORD, address=HERE)


async def test_who_tries_many_names_from_one_place_waits(
    desk: Desk, pool: Pool, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.sign_in("chen", PASSWORD, address=HERE)
    monkeypatch.setattr("hub.access.desk._TRIES_OF_ADDRESS", 9)
    desk = Desk(pool, clock, session_s=SESSION_S)
    for number in range(9):
        with pytest.raises(SignInError):
            await desk.sign_in(f"person{number}", "123456", address=HERE)
    with pytest.raises(TooManyTriesError):
        await desk.sign_in("chen", PASSWORD, address=HERE)
    await desk.sign_in("chen", PASSWORD, address=ELSEWHERE)


async def test_a_guesser_does_not_fill_the_audit(desk: Desk, pool: Pool, clock: FakeClock) -> None:
    for number in range(14):
        with pytest.raises(SignInError):
            await desk.sign_in("chen", "wrong", address=f"192.0.2.{number // 7}")
    await clock.advance(61)
    with pytest.raises(SignInError):
        await desk.sign_in("chen", "wrong", address=HERE)
    rows = await audit.read(pool, before=None, limit=50)
    assert sum(row["outcome"] == "refused" for row in rows) == 2


async def test_passwords_are_looked_at_by_few_at_once(desk: Desk) -> None:
    """Each takes 64 MiB and a twentieth of a second: a crowd of them is sent away."""
    answers = await asyncio.gather(
        *(desk.sign_in("chen", PASSWORD, address=f"192.0.2.{number}") for number in range(60)),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert {type(answer) for answer in refused} == {TooManyTriesError}
    assert len(answers) - len(refused) >= MOST_WAITING


@pytest.mark.parametrize("password", ["é" * 40, "a\0b", "x" * 200])
async def test_no_password_of_a_unit_is_a_fault(desk: Desk, password: str) -> None:
    await desk.enrol(UnitId("A-1"), call_sign="x", profile="patrol", organisation="y")
    assert await desk.unit_of("A-1", password) is None
    assert await desk.unit_of("A-1\0", password) is None


async def test_a_changed_password_ends_the_sessions_of_before(desk: Desk) -> None:
    _, token = await desk.sign_in("chen", PASSWORD, address=HERE)

    async def change(*, replace: bool) -> None:
        await desk.add_account(
            username="chen", display_name="x", role=Role.CREW, organisation="y",
            password=CHANGED, replace=replace,
        )  # fmt: skip

    with pytest.raises(ConflictError):
        await change(replace=False)
    await change(replace=True)
    assert await desk.who(token) is None
    with pytest.raises(SignInError):
        await desk.sign_in("chen", PASSWORD, address=HERE)
    principal, _ = await desk.sign_in("chen", CHANGED, address=HERE)
    assert principal.role is Role.CREW


async def test_neither_passwords_nor_tokens_are_in_the_database(desk: Desk, pool: Pool) -> None:
    _, token = await desk.sign_in("chen", PASSWORD, address=HERE)
    unit_password = await desk.enrol(
        UnitId("A-1"), call_sign="x", profile="patrol", organisation="y"
    )
    kept = ""
    for table in ("account", "session", "unit", "audit"):
        rows = await pool.fetch(f"SELECT t::text FROM {table} t")  # noqa: S608 -- our own tables
        kept += "".join(str(row[0]) for row in rows)
    assert "chen" in kept
    for secret in (PASSWORD, token, unit_password):
        assert secret not in kept


async def test_a_unit_is_known_by_its_newest_credential_alone(desk: Desk) -> None:
    unit = UnitId("A-1")
    first = await desk.enrol(unit, call_sign="x", profile="patrol", organisation="y")
    with pytest.raises(ConflictError):
        await desk.enrol(unit, call_sign="x", profile="patrol", organisation="y")
    second = await desk.enrol(unit, call_sign="x", profile="patrol", organisation="y", replace=True)
    assert await desk.unit_of("A-1", first) is None
    assert await desk.unit_of("A-2", second) is None
    known = await desk.unit_of("A-1", second)
    assert known is not None
    assert known.may_publish(unit)
    assert not known.may_publish(UnitId("A-2"))


async def test_a_grant_stands_as_long_as_what_it_rests_on(desk: Desk, clock: FakeClock) -> None:
    unit = UnitId("A-1")
    password = await desk.enrol(unit, call_sign="x", profile="patrol", organisation="y")
    vehicle = await desk.unit_of("A-1", password)
    assert vehicle is not None
    first, token = await desk.sign_in("chen", PASSWORD, address=HERE)
    second, _ = await desk.sign_in("chen", PASSWORD, address=HERE)
    grants = {first.grant, second.grant, vehicle.grant}
    assert len(grants) == 3
    assert await desk.standing(grants) == grants

    await desk.sign_out(first, token)
    assert await desk.standing(grants) == {second.grant, vehicle.grant}
    await desk.enrol(unit, call_sign="x", profile="patrol", organisation="y", replace=True)
    assert await desk.standing(grants) == {second.grant}
    await clock.advance(SESSION_S + 1)
    assert await desk.standing(grants) == set()


async def test_the_audit_tells_who_did_what_and_shows_where_it_was_changed(
    desk: Desk, pool: Pool
) -> None:
    principal, _ = await desk.sign_in("chen", PASSWORD, address=HERE)
    await desk.looked(principal, "A-1", "live")
    await desk.looked(principal, "A-1", "live")
    rows = await audit.read(pool, before=None, limit=10)
    assert [(row["actor"], row["action"], row["subject"]) for row in rows] == [
        ("chen", "patient.see", "A-1"),
        ("chen", "session.open", "chen"),
        ("-", "account.add", "chen"),
    ]
    assert await audit.first_broken(pool) is None
    await pool.execute("UPDATE audit SET actor = 'wang' WHERE number = 2")
    assert await audit.first_broken(pool) == 2
