"""Signing in and out: who gets a session, what its cookie is, and when it ends."""

import asyncio
import contextlib
import json
from collections import Counter
from http.cookies import SimpleCookie

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from hub.access.rights import Role
from tests.hub.api.stand import PASSWORD, SESSION_S, Stand


async def test_the_right_password_opens_a_session_with_a_cookie_no_script_reads(
    stand: Stand,
) -> None:
    opened = await stand.sign_in("doctor", PASSWORD)
    assert (opened.status_code, opened.json()["role"]) == (200, "doctor")
    cookie = SimpleCookie(opened.headers["set-cookie"])["gh_session"]
    assert cookie["httponly"]
    assert (cookie["samesite"].lower(), cookie["path"]) == ("strict", "/")
    assert cookie["max-age"] == str(SESSION_S)
    seen = await stand.ask(
        "GET", "/api/v1/session", headers={"cookie": f"gh_session={cookie.value}"}
    )
    assert seen.json()["username"] == "doctor"


async def test_the_database_holds_no_token_that_opens_a_session(stand: Stand) -> None:
    opened = await stand.sign_in("doctor", PASSWORD)
    token = SimpleCookie(opened.headers["set-cookie"])["gh_session"].value
    rows = await stand.clinic.pool.fetch("SELECT * FROM session")
    assert len(rows) == len(Role) + 1
    for row in rows:
        assert token.encode() not in row.values()
        assert token not in row.values()


@pytest.mark.parametrize(("name", "password"), [("doctor", "wrong"), ("nobody", PASSWORD)])
async def test_a_wrong_name_and_a_wrong_password_are_told_apart_by_nobody(
    stand: Stand, name: str, password: str
) -> None:
    refused = await stand.sign_in(name, password)
    assert (refused.status_code, refused.json()["code"]) == (401, "access.sign_in")
    assert refused.json()["facts"] == {"reason": "wrong name or password"}
    assert "set-cookie" not in refused.headers


async def test_the_ninth_wrong_password_waits_a_minute_and_the_account_is_untouched(
    stand: Stand,
) -> None:
    for _ in range(8):
        assert (await stand.sign_in("doctor", "wrong")).status_code == 401
    held = await stand.sign_in("doctor", PASSWORD)
    assert (held.status_code, held.json()["code"]) == (429, "access.too_many_tries")
    assert held.headers["retry-after"] == "60"
    assert (await stand.sign_in("operator", PASSWORD)).status_code == 200
    await stand.clock.advance(61)
    assert (await stand.sign_in("doctor", PASSWORD)).status_code == 200


async def test_wrong_passwords_sent_all_at_once_are_counted_one_by_one(stand: Stand) -> None:
    answers = await asyncio.gather(*(stand.sign_in("doctor", f"wrong {i}") for i in range(20)))
    assert Counter(answer.status_code for answer in answers) == {401: 8, 429: 12}


async def test_signing_out_ends_the_session_of_that_browser_alone(stand: Stand) -> None:
    left = await stand.ask("DELETE", "/api/v1/session", role=Role.DOCTOR)
    assert left.status_code == 204
    assert 'gh_session=""' in left.headers["set-cookie"]
    assert (await stand.ask("GET", "/api/v1/session", role=Role.DOCTOR)).status_code == 401
    assert (await stand.ask("GET", "/api/v1/session", role=Role.OPERATOR)).status_code == 200


async def test_a_session_ends_at_its_hour(stand: Stand) -> None:
    await stand.clock.advance(SESSION_S - 1)
    assert (await stand.ask("GET", "/api/v1/session", role=Role.CREW)).status_code == 200
    await stand.clock.advance(2)
    assert (await stand.ask("GET", "/api/v1/session", role=Role.CREW)).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "x" * 129, "x" * 6000, "../../etc", "%00"])
async def test_a_made_up_cookie_is_nobody(stand: Stand, token: str) -> None:
    headers = {"cookie": f"gh_session={token}"}
    for path in ("/api/v1/session", "/api/v1/media/units/A-001/cameras"):
        assert (await stand.ask("GET", path, headers=headers)).status_code == 401


async def test_signing_out_closes_the_screens_of_that_session(stand: Stand) -> None:
    async with stand.screen(Role.DOCTOR) as mine, stand.screen(Role.OPERATOR) as other:
        for screen in (mine, other):
            assert json.loads(await screen.recv())["t"] == "hello"
        await stand.ask("DELETE", "/api/v1/session", role=Role.DOCTOR)
        async with asyncio.timeout(10):
            await _read_out(mine)
        assert (mine.close_code, mine.close_reason) == (4401, "the session has ended")
        await other.send(json.dumps({"t": "watch", "fleet": True}))
        async with asyncio.timeout(10):
            while json.loads(await other.recv())["t"] != "fleet":
                pass


async def test_a_screen_closes_when_its_session_runs_out(stand: Stand) -> None:
    async with stand.screen(Role.DOCTOR) as screen:
        assert json.loads(await screen.recv())["t"] == "hello"
        closed = asyncio.create_task(_read_out(screen))
        await stand.clock.advance(SESSION_S)
        async with asyncio.timeout(10):
            while not closed.done():
                await stand.clock.advance(30)
                await asyncio.wait({closed}, timeout=0.05)
        assert screen.close_code == 4401


async def _read_out(screen: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await screen.recv()
